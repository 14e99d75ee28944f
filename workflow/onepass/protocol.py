"""Protocol: which loss is descended, by which update, with which learning-rate schedule."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from onepass.errors import OnepassError

ADAPTIVE_RISK_FRACTION = 0.6  # of the first population risk: below it the square loss takes over
ADAPTIVE_DROP = 0.1  # the learning rate is multiplied by this once, at the change of loss
ADAPTIVE_DECAY = 0.995  # and by this at every step below that risk


class ProtocolError(OnepassError, ValueError):
    """A protocol that does not exist."""


class Choice(IntEnum):
    """One of a few: a name in small letters for people, a number for arrays and compiled code."""

    @classmethod
    def of(cls, choice: str | Self) -> Self:
        """The member that a name or a member stands for.

        Raises
        ------
        ProtocolError
            For anything else.
        """
        if isinstance(choice, cls):
            return choice
        for member in cls:
            if choice == str(member):
                return member
        raise ProtocolError(f"{cls.__name__.lower()} {choice!r} is unknown; allowed: {', '.join(map(str, cls))}")

    def __str__(self) -> str:
        return self.name.lower()

    def __repr__(self) -> str:
        return repr(str(self))

    def __format__(self, specification: str) -> str:
        return format(str(self), specification)


class Loss(Choice):
    """What is descended: ½ (y − f)², or 1 − y f."""

    SQUARE = 0
    CORRELATION = 1


class Update(Choice):
    """A step and then back to the sphere, or along the sphere's tangent first."""

    PROJECTED = 0
    SPHERICAL = 1


class Schedule(Choice):
    """The loss and the learning rate as they are, or changed once the risk is low."""

    CONSTANT = 0
    ADAPTIVE = 1


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

    Each is given as such a text or as the member of its class, and kept as the member.

    Raises
    ------
    ProtocolError
        For any other value, or an adaptive schedule on the square loss.
    """

    loss: Loss = Loss.SQUARE
    update: Update = Update.PROJECTED
    schedule: Schedule = Schedule.CONSTANT

    def __post_init__(self) -> None:
        for key, kind in (("loss", Loss), ("update", Update), ("schedule", Schedule)):
            object.__setattr__(self, key, kind.of(getattr(self, key)))
        if self.schedule == Schedule.ADAPTIVE and self.loss != Loss.CORRELATION:
            raise ProtocolError(
                f"schedule 'adaptive' starts from loss 'correlation', not {self.loss!r}: it changes to the "
                "square loss by itself"
            )

    @property
    def name(self) -> str:
        """As in file names: ``projected_square``, ``spherical_correlation``, ``projected_adaptive``."""
        return f"{self.update}_{self.schedule if self.schedule == Schedule.ADAPTIVE else self.loss}"

    @classmethod
    def named(cls, name: str) -> Self:
        """The protocol of a name such as ``"projected_square"``."""
        protocols = {protocol.name: protocol for protocol in ALL_PROTOCOLS}
        if name not in protocols:
            raise ProtocolError(f"protocol {name!r} is unknown; allowed: {', '.join(protocols)}")
        return protocols[name]


PAPER_PROTOCOLS = ("projected_square", "projected_correlation", "spherical_square")  # by name
ALL_PROTOCOLS = tuple(
    Protocol(loss, update, schedule)
    for update in Update
    for loss, schedule in (
        (Loss.SQUARE, Schedule.CONSTANT),
        (Loss.CORRELATION, Schedule.CONSTANT),
        (Loss.CORRELATION, Schedule.ADAPTIVE),
    )
)
