"""Model: what is to be learned (target, label noise) and who learns it (activation, width, second layer)."""

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from math import isfinite, sqrt
from numbers import Real
from typing import Self

import numpy as np

from onepass.errors import OnepassError
from onepass.formulas.formula import Formula
from onepass.inputs.described import inputs_of
from onepass.inputs.kind import ISOTROPIC, Inputs

LARGEST_NOISE = 1e30  # variance of the label noise: its square must stay finite in sums of many samples


class ModelError(OnepassError, ValueError):
    """A model whose parts do not fit together."""


@dataclass(frozen=True)
class Model:
    """A two-layer student ``f(z) = (1/p) Σ_j a_j σ(⟨w_j, z⟩)`` of the target ``y = h*(W* z) + √Δ ξ``.

    The rows of ``W*`` are orthonormal: the coordinates ``x1 … xk`` of the target's formula are the
    projections of the input on them. (A target of correlated directions is a formula too: write
    ``He3(0.8*x1 + 0.6*x2)``.)

    Parameters
    ----------
    target : formula in ``x1 … xk``, for instance ``"He3(x1)"`` or ``"tanh(x1*x2*x3)"``.
    activation : formula in ``x`` or the name of a function, for instance ``"relu"``.
    students : number p of hidden units.
    second_layer : the p fixed numbers ``a_j``; ones if left out.
    noise : variance Δ of the label noise.
    inputs : covariance of z and where the teacher lies in it: ``"isotropic"``, a mapping such as
        ``{"spike": {"strength": 9, "alignment": 0.5}}``, or its name (`onepass.inputs.described.inputs_of`). The rows
        of ``W*`` then have the length that makes the coordinates of the target's formula standard normal, or length 1
        where the inputs are not ``normalised``.
    """

    target: str
    activation: str
    students: int = 1
    second_layer: tuple[float, ...] | None = None
    noise: float = 0.0
    inputs: Inputs = ISOTROPIC
    target_formula: Formula = field(init=False, repr=False, compare=False)
    activation_formula: Formula = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.students, bool) or not isinstance(self.students, int) or self.students < 1:
            raise ModelError(f"students is {self.students!r}; allowed: a whole number of at least 1")
        if not (isinstance(self.noise, Real) and 0 <= self.noise <= LARGEST_NOISE):
            raise ModelError(f"noise is {self.noise!r}; allowed: a variance from 0 to {LARGEST_NOISE:g}")
        layer = (1.0,) * self.students if self.second_layer is None else self.second_layer
        try:
            layer = tuple(float(a) for a in layer)
        except (TypeError, ValueError):
            layer = ()
        if len(layer) != self.students or not all(isfinite(a) for a in layer):
            raise ModelError(
                f"second_layer is {self.second_layer!r}; allowed: {self.students} finite numbers, one a student"
            )
        object.__setattr__(self, "second_layer", layer)
        object.__setattr__(self, "inputs", inputs_of(self.inputs))
        object.__setattr__(self, "target_formula", Formula.target(self.target))
        object.__setattr__(self, "activation_formula", Formula.activation(self.activation))
        if self.activation_formula.is_flat:
            raise ModelError(f"activation is {self.activation!r}, which has no slope anywhere: it cannot learn")

    @cached_property
    def teachers(self) -> int:
        """Number k of coordinates that the target reads."""
        return self.target_formula.arity

    @property
    def output_weights(self) -> np.ndarray:
        """What each student counts in the output, ``a_j/p``: an array (p,) of its own."""
        return np.array(self.second_layer) / self.students

    def normalised(self, dimension: int) -> Self:
        """The same model in d dimensions with a teacher that makes the coordinates of its formula standard normal: of
        unit rows the formula's coordinates are scaled."""
        if self.inputs.normalised:
            return self
        deviation = sqrt(self.inputs.at(dimension, self.teachers).label_variance)
        target = self.target_formula.scaled(deviation).text
        return replace(self, target=target, inputs=replace(self.inputs, normalised=True))

    def require_isotropic(self, who: str) -> None:
        """A `ModelError` that says who knows no other inputs, unless these are isotropic."""
        if not self.inputs.is_isotropic:
            raise ModelError(f"{who} does not know inputs {self.inputs.name!r}; allowed: isotropic")


cached_model = lru_cache(maxsize=64)(Model)  # thousands of cells share a few
