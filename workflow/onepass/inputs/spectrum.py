"""Inputs whose variances are a power law, cut into blocks."""

from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np

from onepass.inputs.kind import MOST_BLOCKS, Inputs, InputsError, number, short

ONE_BY_ONE = 1000  # directions that are summed, before a formula takes over


@dataclass(frozen=True)
class Spectrum(Inputs):
    """Variances ``i^−power`` of the directions i = 1 … d, cut into blocks evenly in the logarithm of i.

    A block has the mean of its variances, so that the trace is kept; the teacher has the share ``i^−teacher`` in each
    direction. ``scale`` says which variance is 1: the "mean" of all, or that of the "first" direction.
    """

    power: float = 1.0
    blocks: int = 24
    teacher: float = 0.0
    scale: str = "mean"

    def __post_init__(self) -> None:
        number("inputs: spectrum: power", self.power, 0, 20)
        number("inputs: spectrum: teacher", self.teacher, 0, 20)
        for key in ("power", "teacher"):
            object.__setattr__(self, key, float(getattr(self, key)))
        if isinstance(self.blocks, bool) or not isinstance(self.blocks, int) or not 1 <= self.blocks <= MOST_BLOCKS:
            raise InputsError(f"inputs: spectrum: blocks is {self.blocks!r}; allowed: a whole number to {MOST_BLOCKS}")
        if self.scale not in ("mean", "first"):
            raise InputsError(f"inputs: spectrum: scale is {self.scale!r}; allowed: mean, first")
        if self.scale == "first" and self.power <= 1:
            raise InputsError(
                f"inputs: spectrum: power {self.power:g} with scale 'first' has a trace that diverges with d; allowed: "
                "a power above 1, or scale 'mean'"
            )

    @property
    def _name(self) -> str:
        lies = f"t{short(self.teacher)}" if self.teacher else ""
        return f"spectrum{short(self.power)}x{self.blocks}{lies}" + ("_first" if self.scale == "first" else "")

    def _blocks(self, dimension: int, teachers: int):
        ends = _even_in_log(dimension, self.blocks, teachers)
        variance, teacher = (_sums(power, ends) for power in (self.power, self.teacher))
        if self.scale == "mean":
            variance = variance * (dimension / variance.sum())
        sizes = np.diff(ends)
        return sizes.tolist(), (variance / sizes).tolist(), (teacher / teacher.sum()).tolist()


def _even_in_log(dimension: int, blocks: int, least: int) -> np.ndarray:
    """Ends 0 … d of at most so many blocks of at least so many directions, evenly in the logarithm where they can."""
    if dimension < least:
        raise InputsError(f"inputs: dimension {dimension}; allowed: at least {least}")
    ends = np.rint(float(dimension) ** (np.arange(1, blocks + 1) / blocks)).astype(int)
    kept = [0]
    for end in ends[:-1]:
        if end >= kept[-1] + least and dimension >= end + least:
            kept.append(int(end))
    return np.array([*kept, dimension])


def _sums(power: float, ends: np.ndarray) -> np.ndarray:
    """``Σ i^−power`` over each block of directions i, by the Euler–Maclaurin formula where a block is long."""
    return np.array([_sum(power, first, last) for first, last in pairwise(ends.tolist())])


def _sum(power: float, first: int, last: int) -> float:
    """Over i = first + 1 … last."""
    short = min(last, max(first, ONE_BY_ONE))
    found = float((np.arange(first + 1, short + 1, dtype=float) ** -power).sum())
    if last == short:
        return found
    low, high = float(short), float(last)
    integral = log(high / low) if power == 1 else (high ** (1 - power) - low ** (1 - power)) / (1 - power)
    ends = (high**-power - low**-power) / 2
    slopes = -power * (high ** (-power - 1) - low ** (-power - 1)) / 12
    return found + float(integral + ends + slopes)
