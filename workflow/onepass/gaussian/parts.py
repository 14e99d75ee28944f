"""A function of Gaussian inputs as a sum of parts that share no coordinate, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import NoReturn

import numpy as np

from onepass.formulas import structure
from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import HermiteError

SEEN = 1e8  # times the tolerance: how far the mean of an inner part may be off


@dataclass(frozen=True)
class Part:
    """Terms of a formula, as a function of the coordinates that they use.

    Attributes
    ----------
    terms : formulas that add up to it.
    used : positions (from 0) of its coordinates, in order.
    """

    terms: tuple[Formula, ...]
    used: tuple[int, ...]

    @classmethod
    def of(cls, *terms: Formula) -> Part:
        """The part of these terms, which may share coordinates or not."""
        return cls(terms, tuple(sorted({i for term in terms for i in coordinates(term)})))

    @property
    def text(self) -> str:
        """The terms in one line, for messages."""
        return " + ".join(term.text for term in self.terms)

    @property
    def names(self) -> str:
        """Its coordinates, for messages."""
        return ", ".join(f"x{i + 1}" for i in self.used)

    @cached_property
    def degree(self) -> int | None:
        """Degree of a polynomial; None for any other function."""
        degrees = [term.degree for term in self.terms]
        return None if None in degrees else max(degrees)

    @cached_property
    def direction(self) -> np.ndarray | None:
        """The unit vector (used,) along which alone it changes; None if there is none."""
        if len(self.used) == 1:
            return np.ones(1)
        slopes = structure.direction(term.tree for term in self.terms)
        if slopes is None or set(slopes) != set(self.used):
            return None
        length = sqrt(sum(slope**2 for slope in slopes.values()))
        return np.array([slopes[i] / length for i in self.used])

    @cached_property
    def is_of_product(self) -> bool:
        """Whether it is a function of the product of its coordinates alone."""
        return structure.product(term.tree for term in self.terms) == self.used

    @property
    def is_simple(self) -> bool:
        """Whether its means are sums or integrals of one dimension, right to the last digits."""
        return self.degree is not None or self.direction is not None or self.is_of_product

    @property
    def kinks(self) -> list[Formula]:
        """Functions at whose zeros it is not smooth."""
        return [kink for term in self.terms for kink in term.kinks]

    def inputs(self, formula: Formula, points: np.ndarray) -> np.ndarray:
        """Points (..., used) as a formula takes them."""
        if not formula.coordinates:
            return points[..., 0]
        inputs = np.zeros((*points.shape[:-1], formula.arity))
        inputs[..., list(self.used)] = points
        return inputs

    def values(self, points: np.ndarray) -> list[np.ndarray]:
        """The values (...) of its terms at points (..., used)."""
        return [term.array(np)(self.inputs(term, points)) for term in self.terms]

    @cached_property
    def inner(self) -> list[Formula]:
        """Parts of the sums inside of its terms: nodes may miss a narrow one of them and never know it."""
        return [inner for term in self.terms for inner in term.inner_addends]

    def settling(self, points: np.ndarray, terms: list[np.ndarray]) -> list[np.ndarray]:
        """What has to settle by itself at points (..., used): the squares of the terms there, and of inner parts."""
        inner = [own.array(np)(self.inputs(own, points)) ** 2 for own in self.inner]
        return [*(term**2 for term in terms), *(1 / (1 + 1 / square) for square in inner)]  # below 1: they may diverge

    def units(self, means: np.ndarray) -> np.ndarray:
        """Of the changes of these means; those of inner parts have to be seen, not to be right."""
        units = np.where(means > 0, means, 1.0)
        units[len(self.terms) :] *= SEEN
        return units

    def unseen(self, means: Iterable[float]) -> Formula | None:
        """A piece that was 0 at all nodes, as their means tell: it may be too narrow for them."""
        for piece, mean in zip((*self.terms, *self.inner), means, strict=True):
            if mean == 0 and piece.degree is None:
                return piece
        return None

    def check_seen(self, means: Iterable[float]) -> None:
        """Raise where there is such a piece."""
        if piece := self.unseen(means):
            self.refuse_unseen(piece.text)

    def refuse_unseen(self, piece: str) -> NoReturn:
        raise HermiteError(f"formula {self.text!r} holds {piece!r}, which is 0 wherever it was looked at")

    def check_growth(self, outside: float, magnitude: float) -> None:
        """Raise where so much of the mean square comes from where almost no Gaussian input lies."""
        if not outside <= 1e-12 * min(magnitude, 1e300):  # nor nan or infinite
            raise HermiteError(
                f"formula {self.text!r} grows too fast: its mean square over Gaussian inputs diverges, or comes from "
                "inputs of more than ten standard deviations"
            )


def coordinates(formula: Formula) -> tuple[int, ...]:
    """Positions of the coordinates of a target or an activation."""
    return formula.used if formula.coordinates else (0,)


def split(formula: Formula) -> list[Part]:
    """Parts of a formula that share no coordinates and add up to it."""
    groups = structure.connected(formula.terms, coordinates)
    # A constant term belongs to any part.
    constants = [term for used, terms in groups if not used for term in terms]
    groups = [terms for used, terms in groups if used]
    groups[0].extend(constants)
    return [Part.of(*terms) for terms in groups]
