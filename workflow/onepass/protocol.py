"""Protocol: which loss is descended, by which update, with which learning-rate schedule; and what algorithms add."""

from dataclasses import dataclass
from functools import cached_property
from math import inf
from numbers import Integral, Real
from sys import float_info
from typing import Self

from onepass import protocol_name
from onepass.choices import (
    COUNTS,
    RANGES,
    Direction,
    Lookahead,
    Loss,
    Momentum,
    ProtocolError,
    Schedule,
    Update,
    Velocity,
)
from onepass.formulas.language import FormulaError
from onepass.formulas.named import NamedFormula

ADAPTIVE_RISK_FRACTION = 0.6  # of the first population risk: below it the square loss takes over
ADAPTIVE_DROP = 0.1  # the learning rate is multiplied by this once, at the change of loss
ADAPTIVE_DECAY = 0.995  # and by this at every step below that risk

PSI = {  # of every loss ψ(y, f) = −∂ℓ/∂f
    Loss.SQUARE: "y - f",
    Loss.CORRELATION: "y",
    Loss.ABSOLUTE: "sign(y - f)",
    Loss.HUBER: "max(min(y - f, {0!r}), -{0!r})",
    Loss.LOGISTIC: "y*sigmoid(-y*f)",
    Loss.EXPONENTIAL: "y*exp(-y*f)",
}
CHOICES = {
    "update": Update,
    "schedule": Schedule,
    "direction": Direction,
    "momentum": Momentum,
    "velocity": Velocity,
    "lookahead": Lookahead,
}


@dataclass(frozen=True)
class Protocol:
    """A training protocol of one-pass SGD.

    Parameters
    ----------
    loss : "square" (½ (y − f)²), "correlation" (1 − y f), "absolute" (|y − f|), "huber" (square up to `huber_delta`,
        then straight), "logistic" (log(1 + exp(−y f)), of labels ±1), "exponential" (exp(−y f)), or a formula
        ψ(y, f) = −∂ℓ/∂f such as "y*exp(min(-y*f, 2))".
    update : "projected" (step, then back to the sphere), "spherical" (the gradient is first projected on the tangent
        space) or "plain" (a step and no more: norms move).
    schedule : "constant", or "adaptive": correlation loss until the population risk is below 60 % of
        its first value, then square loss with a decaying learning rate. An adaptive protocol starts
        from the correlation loss.
    label : formula φ(y) that labels go through, noise included, for instance "sign(y)"; None leaves them.
    direction : what a step is along, of the gradient G (students × d): "gradient"; "normalised", G/‖G‖_F; "rows",
        each row divided by its norm; "clipped", min(1, `clip`/‖G‖_F) G; "polar", (G Gᵀ)^(−1/2) G. The spherical
        update takes the tangent part of G before. With momentum, G is clipped as it enters the velocity, and it is the
        velocity that is normalised or made orthogonal, as in Muon.
    momentum : "none", "heavy_ball" (V ← βV + G, a step along V) or "nesterov" (the same, G taken at W + γβV).
    velocity : "left", or "transported": after each step the part of v_j along w_j is taken away.
    huber_delta, clip, beta : numbers δ, clip and β of these.
    weight_decay : ω ≥ 0, W is multiplied by 1 − γω before each step.
    second_layer_rate : learning rate of the second layer in units of γ; 0 keeps it fixed.
    smoothing : radius s of the smoothed landscape: the correlation loss is averaged over w + sθ, θ uniform on the unit
        sphere orthogonal to w, divided by √(1 + s²), for the spherical update (arXiv:2305.10633), and over w + sg,
        g standard Gaussian, for the others; 0 smooths nothing.
    lookahead : "none", or where the gradient of a step is taken a second time, on the same samples: "sample", of each
        sample at ``w + (ρ₀/d) (its own descent direction at w)`` (arXiv:2405.15459, algorithm 1); "batch", at
        ``w + (ρ₀ n_b/d) (the batch's)``. Both shift the field of a sample by about ρ₀ times its derivative, at any d
        and n_b. Tangent parts, clipping and all else are of the second gradient, the first is taken as it is.
    lookahead_rate : ρ₀ ≥ 0. The step up of sharpness-aware minimisation, ρ₀ < 0, is none of these.
    passes : how many consecutive steps a batch is used for, each with all that belongs to a step (arXiv:2402.03220,
        arXiv:2406.01581); 1 is one-pass SGD, the number of all steps gradient descent on one batch.

    Choices are given as such a text or as the member of their class, and kept as the member; formulas are kept in
    canonical spelling.

    Raises
    ------
    ProtocolError
        For any other value, a number outside its range, and values that contradict each other.
    """

    loss: Loss | str = Loss.SQUARE
    update: Update = Update.PROJECTED
    schedule: Schedule = Schedule.CONSTANT
    label: str | None = None
    direction: Direction = Direction.GRADIENT
    momentum: Momentum = Momentum.NONE
    velocity: Velocity = Velocity.LEFT
    huber_delta: float = 1.0
    clip: float | None = None
    beta: float = 0.0
    weight_decay: float = 0.0
    second_layer_rate: float = 0.0
    smoothing: float = 0.0
    lookahead: Lookahead = Lookahead.NONE
    lookahead_rate: float = 0.0
    passes: int = 1

    def __post_init__(self) -> None:
        def keep(key: str, value) -> None:
            object.__setattr__(self, key, value)

        for key, kind in CHOICES.items():
            keep(key, kind.of(getattr(self, key)))
        keep("loss", _loss(self.loss))
        if self.label is not None:
            keep("label", _formula("label", self.label, "y").text)
        for key, (least, below) in RANGES.items():
            value = getattr(self, key)
            if key == "clip" and value is None:
                continue
            real = isinstance(value, Real) and not isinstance(value, bool) and abs(value) <= float_info.max
            if not (real and (value > 0 if least is None else least <= value) and value < below):
                bounds = "above 0" if least is None else f"from {least}" + ("" if below == inf else f", below {below}")
                raise ProtocolError(f"{key} is {value!r}; allowed: a number {bounds}")
            keep(key, float(value) + 0.0)  # no −0, which has a name of its own
        for key in COUNTS:
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                raise ProtocolError(f"{key} is {value!r}; allowed: a whole number from 1")
            keep(key, int(value))
        self._check_contradictions()

    def _check_contradictions(self) -> None:
        adaptive, correlation = self.schedule == Schedule.ADAPTIVE, self.loss == Loss.CORRELATION
        none, smoothed = self.momentum == Momentum.NONE, self.smoothing > 0
        nesterov, moving = self.momentum == Momentum.NESTEROV, self.velocity == Velocity.TRANSPORTED
        shaped = self.direction in (Direction.NORMALISED, Direction.ROWS, Direction.POLAR)
        clipped = self.direction == Direction.CLIPPED
        looking, each = self.lookahead != Lookahead.NONE, self.lookahead == Lookahead.SAMPLE
        repeated = self.passes > 1
        for wrong, key, other, allowed in (
            (adaptive and not correlation, "schedule", "loss", "loss 'correlation', which it starts from"),
            (self.beta > 0 and none, "beta", "momentum", "momentum 'heavy_ball' or 'nesterov', or beta 0"),
            (moving and none, "velocity", "momentum", "momentum 'heavy_ball' or 'nesterov', or velocity 'left'"),
            (moving and self.update == Update.PLAIN, "velocity", "update", "update 'projected' or 'spherical': plain "
             "weights are on no sphere to be transported along"),
            (nesterov and shaped, "momentum", "direction", "direction 'gradient' or 'clipped': the gradient is taken "
             "where the velocity itself leads, or momentum 'heavy_ball'"),
            ((self.clip is None) == clipped, "clip", "direction", "a number with direction 'clipped', else None"),
            (self.huber_delta != 1 and self.loss != Loss.HUBER, "huber_delta", "loss", "loss 'huber'"),
            (smoothed and not correlation, "smoothing", "loss", "loss 'correlation', whose mean over the smoothing is "
             "known in closed form"),
            (smoothed and adaptive, "smoothing", "schedule", "schedule 'constant': the square loss is not smoothed"),
            (smoothed and nesterov, "smoothing", "momentum", "momentum 'none' or 'heavy_ball': the landscape is "
             "smoothed around the weights, not where the velocity leads"),
            (self.lookahead_rate > 0 and not looking, "lookahead_rate", "lookahead", "lookahead 'sample' or 'batch', "
             "or lookahead_rate 0"),
            (looking and smoothed, "lookahead", "smoothing", "smoothing 0, or lookahead 'none': norms of samples are "
             "known at their first look alone"),
            (repeated and smoothed, "passes", "smoothing", "smoothing 0, or passes 1: norms of samples are known at "
             "their first look alone"),
            (repeated and each, "passes", "lookahead", "lookahead 'batch' or 'none', or passes 1: norms of samples are "
             "known at their first look alone"),
        ):  # fmt: skip
            if wrong:
                values = (getattr(self, key), getattr(self, other))
                raise ProtocolError(f"{key} {values[0]!r} does not go with {other} {values[1]!r}; allowed: {allowed}")

    @property
    def is_basic(self) -> bool:
        """Whether every engine and the theory know it: gradient steps on the sphere by the square or the correlation
        loss, `ALL_PROTOCOLS`."""
        return self in ALL_PROTOCOLS

    def require_basic(self, who: str) -> Self:
        """This protocol, if it `is_basic`; else a `ProtocolError` that says who knows no others."""
        if not self.is_basic:
            known = ", ".join(protocol.name for protocol in ALL_PROTOCOLS)
            raise ProtocolError(f"{who} does not know protocol {self.name!r}; allowed: {known}")
        return self

    @property
    def repeats(self) -> bool:
        """Whether it looks at a sample more than once: then it is not one-pass SGD."""
        return self.lookahead != Lookahead.NONE or self.passes > 1

    @cached_property
    def psi(self) -> NamedFormula:
        """ψ(y, f) = −∂ℓ/∂f of the loss."""
        text = PSI[self.loss].format(self.huber_delta) if isinstance(self.loss, Loss) else self.loss
        return NamedFormula.of(text, "y", "f")

    @property
    def name(self) -> str:
        """As in file names: ``projected_square``, ``spherical_correlation``, ``projected_adaptive``; the other choices
        follow as `onepass.protocol_name` spells them."""
        return protocol_name.spelled(self)

    @classmethod
    def named(cls, name: str) -> Self:
        """The protocol of a name such as ``"projected_square"`` or ``"plain_square_heavyball0.9_layer1"``."""
        try:
            protocol = cls(**protocol_name.read(name))
            if protocol.name == name:
                return protocol
            hint = f" (did you mean {protocol.name!r}?)"
        except ProtocolError as error:
            hint = f" ({error})"
        except (ValueError, TypeError, AttributeError):
            hint = ""
        known = ", ".join(protocol.name for protocol in ALL_PROTOCOLS)
        raise ProtocolError(
            f"protocol {name!r} is unknown{hint}; allowed: {known}, and update_loss with pieces such as "
            "_polar, _heavyball0.9, _decay0.01, _layer1, _passes2"
        )


def _loss(loss: Loss | str) -> Loss | str:
    """The member of `Loss`, or a formula ψ(y, f) in canonical spelling."""
    names = ", ".join(map(str, Loss))
    if isinstance(loss, Loss) or loss in names.split(", "):
        return Loss.of(loss)
    try:
        return NamedFormula.of(loss, "y", "f").text
    except FormulaError as error:
        raise ProtocolError(f"loss {loss!r} is unknown; allowed: {names}, or a formula ψ(y, f): {error}") from None


def _formula(key: str, text: str, *names: str) -> NamedFormula:
    try:
        return NamedFormula.of(text, *names)
    except FormulaError as error:
        raise ProtocolError(f"{key}: {error}") from None


PAPER_PROTOCOLS = ("projected_square", "projected_correlation", "spherical_square")  # by name
ALL_PROTOCOLS = tuple(
    Protocol(loss, update, schedule)
    for update in (Update.PROJECTED, Update.SPHERICAL)
    for loss, schedule in (
        (Loss.SQUARE, Schedule.CONSTANT),
        (Loss.CORRELATION, Schedule.CONSTANT),
        (Loss.CORRELATION, Schedule.ADAPTIVE),
    )
)
