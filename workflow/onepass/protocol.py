"""Protocol: which loss is descended, by which update, with which learning-rate schedule."""

from __future__ import annotations

from dataclasses import dataclass

from onepass.errors import OnepassError

LOSSES = ("square", "correlation")
UPDATES = ("projected", "spherical")
SCHEDULES = ("constant", "adaptive")

ADAPTIVE_RISK_FRACTION = 0.6  # of the first population risk: below it the square loss takes over
ADAPTIVE_DROP = 0.1  # the learning rate is multiplied by this once, at the change of loss
ADAPTIVE_DECAY = 0.995  # and by this at every step below that risk


class ProtocolError(OnepassError, ValueError):
    """A protocol that does not exist."""


@dataclass(frozen=True)
class Protocol:
    """A training protocol of one-pass SGD.

    Parameters
    ----------
    loss : "square" (½ (y − f)²) or "correlation" (1 − y f).
    update : "projected" (step, then back to the sphere) or "spherical" (the gradient is first
        projected on the tangent space).
    schedule : "constant", or "adaptive": correlation loss until the population risk is below 60 % of
        its first value, then square loss with a decaying learning rate. An adaptive protocol starts
        from the correlation loss.

    Raises
    ------
    ProtocolError
        For any other value, or an adaptive schedule on the square loss.
    """

    loss: str = "square"
    update: str = "projected"
    schedule: str = "constant"

    def __post_init__(self) -> None:
        for key, allowed in (("loss", LOSSES), ("update", UPDATES), ("schedule", SCHEDULES)):
            value = getattr(self, key)
            if value not in allowed:
                raise ProtocolError(f"{key} {value!r} is unknown; allowed: {', '.join(allowed)}")
        if self.schedule == "adaptive" and self.loss != "correlation":
            raise ProtocolError(
                f"schedule 'adaptive' starts from loss 'correlation', not {self.loss!r}: it changes to the "
                "square loss by itself"
            )

    @property
    def name(self) -> str:
        """As in file names: ``projected_square``, ``spherical_correlation``, ``projected_adaptive``."""
        return f"{self.update}_{'adaptive' if self.schedule == 'adaptive' else self.loss}"

    @classmethod
    def named(cls, name: str) -> Protocol:
        """The protocol of a name such as ``"projected_square"``."""
        protocols = {protocol.name: protocol for protocol in ALL_PROTOCOLS}
        if name not in protocols:
            raise ProtocolError(f"protocol {name!r} is unknown; allowed: {', '.join(protocols)}")
        return protocols[name]


PAPER_PROTOCOLS = ("projected_square", "projected_correlation", "spherical_square")  # by name
ALL_PROTOCOLS = tuple(
    Protocol(loss, update, schedule)
    for update in UPDATES
    for loss, schedule in (("square", "constant"), ("correlation", "constant"), ("correlation", "adaptive"))
)
