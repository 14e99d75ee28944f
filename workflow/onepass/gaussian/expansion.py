"""What is known of a function of Gaussian inputs: Hermite coefficients and mean square, and how far both are right.

Coefficients are of orthonormal polynomials, ``E[f He_α]/√α!``, so that their squares add up to the mean square.
Errors are relative to the size of the function's terms, ``√E[(Σ|terms|)²]``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from onepass.errors import OnepassError

HIGHEST_ORDER = 20  # to which functions that are no polynomials are looked at
TOLERANCE = 1e-9  # of coefficients and of the mean square: what is below counts as zero, what is worse is refused
ROUNDING = 1e-13  # is never promised to be undercut
NEGLIGIBLE = 1e-3 * TOLERANCE  # of a coefficient: not worth to be listed
LARGEST_TERMS = 200_000  # coefficients


class HermiteError(OnepassError, ValueError):
    """An expansion that is out of reach or does not exist."""


class Expansion(NamedTuple):
    """The expansion of a function in the coordinates that it uses, up to some order."""

    coefficients: dict[tuple[int, ...], float]  # by the powers α of its coordinates; those left out are negligible
    mean: float
    variance: float
    magnitude: float  # E[(Σ|terms|)²]
    error: float  # of the coefficients relative to √magnitude, of the mean square relative to magnitude

    @classmethod
    def constant(cls, value: float) -> Expansion:
        """That of a function of no coordinate."""
        return cls({(): value}, value, 0.0, value**2, 0.0)

    @property
    def mean_square(self) -> float:
        """``E[f²]``."""
        return self.variance + self.mean**2


class Sums(NamedTuple):
    """What one rule of quadrature finds."""

    coefficients: np.ndarray  # (order + 1, …), an axis a coordinate
    mean: float
    variance: float
    magnitude: float
    error: float

    def expansion(self, order: int) -> Expansion:
        """As an `Expansion` up to an order; the constant is always in it."""
        large = abs(self.coefficients) > NEGLIGIBLE * np.sqrt(self.magnitude)
        large[(0,) * large.ndim] = True
        powers = np.argwhere(large)
        powers = powers[powers.sum(axis=1) <= order]
        coefficients = {tuple(alpha): float(self.coefficients[tuple(alpha)]) for alpha in powers.tolist()}
        return Expansion(coefficients, *self[1:])


def powers_of_order(order: int, width: int) -> Iterator[tuple[int, ...]]:
    """All multi-indices of one order, of so many coordinates."""
    for places in combinations_with_replacement(range(width), order):
        alpha = [0] * width
        for place in places:
            alpha[place] += 1
        yield tuple(alpha)


def check_count(count: int, text: str, order: int) -> None:
    """Raise where an expansion would have too many coefficients to be listed."""
    if count > LARGEST_TERMS:
        raise HermiteError(
            f"formula {text!r} has {count:,} Hermite coefficients up to order {order}; allowed: {LARGEST_TERMS:,}. "
            "Fewer coordinates have fewer; what depends on one direction alone is, turned, a function of x1"
        )
