"""How far a leap goes: what its tolerance allows of change, of few samples, of rates that waver."""

from math import sqrt
from typing import NamedTuple, Self

from onepass.errors import OnepassError

TOLERANCE = 0.01  # by default
LOWEST, HIGHEST = 1e-4, 0.1
FLOOR = 0.3  # smallest overlap to which a change is relative, in units of 1/√d: smaller ones are noise
BENT = 2.0  # the drift may change so many times as much as the state over a leap: powers up to m³ do
KNOWN = 10.0  # the law of a batch is so many times more accurate than the tolerance


class ToleranceError(OnepassError, ValueError):
    """A tolerance that leaps cannot keep."""


class Limits(NamedTuple):
    """What one leap may do, from the relative error that medians of recovery times may have."""

    relative: float  # change of the state in a leap; the error is of second order in it
    samples: float  # of a leap, from which its sums are drawn: fewer have tails that leaps do not
    unsteady: float  # relative variance of what one projected step multiplies w by, which a leap takes at its mean

    @classmethod
    def of(cls, tolerance: float, kurtosis: float) -> Self:
        """For samples of a kurtosis ``E[c⁴]/E[c²]²``; the prefactors are measured (figure `leap_exactness`).

        The noise of 1/relative leaps adds up before it matters, its excess kurtosis to one over twice the samples'.
        """
        relative = sqrt(0.5 * tolerance)
        return cls(relative, max(10.0 / tolerance, 0.5 * kurtosis / relative), 0.1 * tolerance)


def check(tolerance: float, law_error: float) -> None:
    """Whether leaps can keep a tolerance with a law of a batch of this relative error.

    Raises
    ------
    ToleranceError
        Where they cannot; says from where on they can.
    """
    number = isinstance(tolerance, int | float) and not isinstance(tolerance, bool)
    if not (number and LOWEST <= tolerance <= HIGHEST):
        raise ToleranceError(
            f"tolerance is {tolerance!r}; allowed: a number from {LOWEST:g}, below which the neglected tails of the "
            f"sums of a leap are not known to be smaller, to {HIGHEST:g}"
        )
    if tolerance < KNOWN * law_error:
        raise ToleranceError(
            f"tolerance is {tolerance:g}, but the means over a batch of this model have a relative error of "
            f"{law_error:.1g}; allowed: {KNOWN * law_error:.1g} or more, or engine 'chain'"
        )
