"""The choices that a protocol is made of: names for people, numbers for arrays and compiled code."""

from enum import IntEnum
from math import inf
from typing import Self

from onepass.errors import OnepassError


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
    """What is descended, of the label y and the output f."""

    SQUARE = 0  # ½ (y − f)²
    CORRELATION = 1  # 1 − y f
    ABSOLUTE = 2  # |y − f|
    HUBER = 3  # ½ (y − f)², from |y − f| = δ on straight
    LOGISTIC = 4  # log(1 + exp(−y f)), of labels ±1
    EXPONENTIAL = 5  # exp(−y f)


BASIC_LOSSES = (Loss.SQUARE, Loss.CORRELATION)  # that compiled code and closed forms know


def basic_loss(loss: str | Loss) -> Loss:
    """The member that a loss stands for, if it is one of `BASIC_LOSSES`; any other is a `ProtocolError`."""
    if (found := Loss.of(loss)) not in BASIC_LOSSES:
        raise ProtocolError(f"nothing is known here of loss {found!r}; allowed: {', '.join(map(str, BASIC_LOSSES))}")
    return found


class Update(Choice):
    """A step and then back to the sphere, along the sphere's tangent first, or a step and no more."""

    PROJECTED = 0
    SPHERICAL = 1
    PLAIN = 2


class Schedule(Choice):
    """The loss and the learning rate as they are, or changed once the risk is low."""

    CONSTANT = 0
    ADAPTIVE = 1


class Direction(Choice):
    """What a step is along: the gradient G (p × d), divided by norms, cut at one, or made orthogonal."""

    GRADIENT = 0
    NORMALISED = 1  # G / ‖G‖_F
    ROWS = 2  # every row divided by its own norm
    CLIPPED = 3  # min(1, clip / ‖G‖_F) G
    POLAR = 4  # (G Gᵀ)^(−1/2) G


class Momentum(Choice):
    """Steps along the gradient alone or along a velocity, with the gradient here or where the velocity leads."""

    NONE = 0
    HEAVY_BALL = 1
    NESTEROV = 2


class Velocity(Choice):
    """What becomes of a velocity when its student turns: nothing, or it is kept tangent to the sphere."""

    LEFT = 0
    TRANSPORTED = 1


class Lookahead(Choice):
    """Where the gradient is taken: at the weights, or a step down from there, of each sample's own or of the batch."""

    NONE = 0
    SAMPLE = 1
    BATCH = 2


RANGES = {  # of the numbers: from (None: above 0), below
    "huber_delta": (None, inf),
    "clip": (None, inf),
    "beta": (0, 1),
    "weight_decay": (0, inf),
    "second_layer_rate": (0, inf),
    "smoothing": (0, inf),
    "lookahead_rate": (0, inf),
}
COUNTS = ("passes",)  # whole numbers, from 1
