"""What inputs are: a covariance of blocks, and where the teacher lies in them."""

from dataclasses import dataclass
from math import isfinite, sqrt
from numbers import Real
from typing import NamedTuple

from onepass.errors import OnepassError

LARGEST = 1e12  # of variances and strengths
MOST_BLOCKS = 1000


class InputsError(OnepassError, ValueError):
    """Inputs that do not exist, or not in this dimension."""


class Covariance(NamedTuple):
    """The covariance of inputs in d dimensions; blocks are in the order given."""

    dimensions: tuple[int, ...]  # d_b, summing to d
    variances: tuple[float, ...]  # s_b²
    shares: tuple[float, ...]  # τ_b, summing to 1

    @property
    def label_variance(self) -> float:
        """Variance ``Σ_b s_b² τ_b`` of the label's field for a teacher of unit norm."""
        return sum(s2 * share for s2, share in zip(self.variances, self.shares, strict=True))

    @property
    def teacher_frame(self) -> list[float]:
        """Length in each block of a teacher's row whose field has unit variance."""
        return [sqrt(share / self.label_variance) for share in self.shares]

    @property
    def trace(self) -> float:
        """tr Σ."""
        return sum(d * s2 for d, s2 in zip(self.dimensions, self.variances, strict=True))

    @property
    def gain(self) -> float:
        """``w*ᵀΣ²w*`` of a teacher whose field has unit variance."""
        squares = sum(s2**2 * share for s2, share in zip(self.variances, self.shares, strict=True))
        return squares / self.label_variance

    @property
    def effective_dimension(self) -> float:
        """``tr Σ · w*ᵀΣw* / w*ᵀΣ²w*``: one over the mean squared correlation of the label's field with that of weights
        of any direction, where d is large. It is d for isotropic inputs, and the effective rank ``tr Σ / ‖Σ‖`` for a
        teacher along the leading direction."""
        return self.trace / self.gain

    @property
    def diffused_dimension(self) -> float:
        """``tr Σ² · w*ᵀΣw* / w*ᵀΣ³w*``: the same of weights that have the law of an input, as steps along inputs with
        random signs leave them."""
        found = list(zip(*self, strict=True))
        squares = sum(d * s2**2 for d, s2, _ in found)
        return squares * self.label_variance / sum(s2**3 * share for _, s2, share in found)


@dataclass(frozen=True)
class Inputs:
    """The base of all kinds; ``normalised`` says whether the teacher's rows have the length that makes the variance of
    the label's field 1, or are unit vectors."""

    normalised: bool = True

    def at(self, dimension: int, teachers: int) -> Covariance:
        """The covariance in d dimensions for k teacher directions; an `InputsError` where there is none."""
        found = Covariance(*map(tuple, self._blocks(dimension, teachers)))
        for d_b, share in zip(found.dimensions, found.shares, strict=True):
            if share > 0 and d_b < teachers:
                raise InputsError(
                    f"inputs {self.name}: at dimension {dimension} a block of {d_b} does not hold {teachers} teacher "
                    f"directions; allowed: blocks of {teachers} or more, or teacher 0 in smaller ones"
                )
        if not found.label_variance > 0:
            raise InputsError(
                f"inputs {self.name}: the teacher lies where inputs have variance 0, labels are constant; allowed: a "
                "share above 0 in a block of variance above 0"
            )
        return found

    @property
    def name(self) -> str:
        """As in file names; `inputs_of` reads it back."""
        return self._name + ("" if self.normalised else "_unit")

    @property
    def is_isotropic(self) -> bool:
        """Whether all directions are alike: then engines, theory and figures know them."""
        return False

    @property
    def remarks(self) -> list[str]:
        """What a user should know of them."""
        return []


@dataclass(frozen=True)
class Isotropic(Inputs):
    """``N(0, I_d)``."""

    _name = "isotropic"
    is_isotropic = True

    def _blocks(self, dimension: int, teachers: int):
        return [dimension], [1.0], [1.0]


ISOTROPIC = Isotropic()


def number(key: str, value, least: float, most: float, allowed: str = "") -> None:
    """An `InputsError` unless the value of a key is a number in this range."""
    real = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    if not (real and least <= value <= most):
        raise InputsError(f"{key} is {value!r}; allowed: {allowed or f'a number from {least:g} to {most:g}'}")


def short(value: float) -> str:
    """A number as in names."""
    return repr(value).removesuffix(".0")
