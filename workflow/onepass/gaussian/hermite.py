"""Hermite expansions of formulas, and the exponents read off them.

Means over Gaussian inputs are quadratures: exact up to rounding for polynomials, and otherwise Gauss–Legendre on
panels that end at 0 and at every kink of one coordinate. A Hermite coefficient counts as zero below `TOLERANCE` of the
norm of the function's terms, and, where a kink runs oblique to the axes, below what other panels change in it.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import factorial, prod

import numpy as np

from onepass.errors import OnepassError
from onepass.formulas.formula import Formula

TOLERANCE = 1e-9  # of E[f He_α]/√α! relative to √E[(Σ|terms|)²]
HIGHEST_ORDER = 20  # at which a first non-zero coefficient is looked for
LARGEST_GRID = 8_000_000  # quadrature points
REACH = 12.0  # the Gaussian weight beyond is below 1e-31


class HermiteError(OnepassError, ValueError):
    """An expansion that is out of reach or does not exist."""


def hermite_polynomials(x: np.ndarray, order: int) -> np.ndarray:
    """Orthonormal ``He_n(x)/√n!`` for n = 0 … order, shape (order + 1, *x.shape)."""
    values = np.empty((order + 1, *np.shape(x)))
    values[0] = 1
    if order > 0:
        values[1] = x
    for n in range(1, order):
        values[n + 1] = (x * values[n] - np.sqrt(n) * values[n - 1]) / np.sqrt(n + 1)
    return values


def hermite_coefficients(formula: Formula, order: int) -> np.ndarray:
    """``c_n = E[f(x) He_n(x)] / n!`` for n = 0 … order of a function of one coordinate, shape (order + 1,)."""
    if formula.arity != 1:
        raise HermiteError(f"formula {formula.text!r} has {formula.arity} coordinates; use hermite_tensor")
    (component,) = _components(formula, order)
    scale = np.sqrt([float(factorial(n)) for n in range(order + 1)])
    values = _normalised(component)
    return np.pad(values, (0, order + 1 - values.size)) / scale


def hermite_tensor(formula: Formula, order: int) -> dict[tuple[int, ...], float]:
    """Non-zero ``E[f(x) He_α(x)]`` with ``|α| ≤ order``, by multi-index α of length arity.

    Raises
    ------
    HermiteError
        If a function that is no polynomial couples more coordinates than a quadrature can hold.
    """
    components = _components(formula, order)
    threshold = TOLERANCE * np.sqrt(sum(component.magnitude for component in components))
    constant = (0,) * formula.arity
    coefficients = {constant: 0.0}
    for component in components:
        values = _normalised(component)
        coefficients[constant] += float(values[(0,) * values.ndim])
        for part in zip(*np.nonzero(abs(values) > max(threshold, component.error)), strict=True):
            if 0 < sum(part) <= order:
                alpha = np.zeros(formula.arity, dtype=int)
                alpha[list(component.used)] = part
                scale = np.sqrt(float(prod(factorial(power) for power in map(int, part))))
                coefficients[tuple(alpha.tolist())] = float(values[part]) * scale
    if abs(coefficients[constant]) <= threshold:
        del coefficients[constant]
    return coefficients


@lru_cache(maxsize=256)
def gaussian_norm(formula: Formula) -> float:
    """``E[f(x)²]``."""
    variance, mean = 0.0, 0.0
    for component in _components(formula, formula.degree or 0):
        values, weights = component.values, component.joint_weights()
        part = float((weights * values).sum())
        variance += float((weights * (values - part) ** 2).sum())
        mean += part
    return variance + mean**2


# --- quadrature -----------------------------------------------------------------------------------


class _Component:
    """A part of a formula that shares no coordinate with the rest, on its quadrature grid."""

    def __init__(
        self, formula: Formula, terms: list[Formula], used: tuple[int, ...], order: int, shift: float = 0.0
    ) -> None:
        self.used = used
        kinks = [kink for term in terms for kink in term.kinks]
        straight = [kink for kink in kinks if len(kink.used) <= 1]  # along an axis: panels can end there
        if formula.degree is not None:
            # Exact for f² and for f times a polynomial up to its degree; all higher ones are orthogonal to f.
            order = min(order, formula.degree)
            self.nodes, self.weights = np.polynomial.hermite_e.hermegauss(formula.degree + 1)
            self.weights = self.weights / self.weights.sum()
        elif len(used) == 1:
            self.nodes, self.weights = _panels(0.5, 20, straight)
        else:
            self.nodes, self.weights = _panels(2.0, 16, straight, shift)
        if len(self.nodes) ** len(used) > LARGEST_GRID:
            names = ", ".join(f"x{i + 1}" for i in used)
            raise HermiteError(
                f"formula {formula.text!r} couples {len(used)} coordinates ({names}), more than a quadrature can hold; "
                "allowed: 3 for a function that is no polynomial, more if the sum splits into parts"
            )
        self.order = order
        grid = np.stack(np.meshgrid(*[self.nodes] * len(used), indexing="ij"), axis=-1)
        if formula.coordinates:
            inputs = np.zeros((*grid.shape[:-1], formula.arity))
            inputs[..., list(used)] = grid
        else:
            inputs = grid[..., 0]
        parts = [term.array(np)(inputs) for term in terms]
        self.values = sum(parts)
        self.magnitude = float((self.joint_weights() * sum(map(abs, parts)) ** 2).sum())
        outside = (abs(grid) > REACH - 2).any(axis=-1)
        tail = float((self.joint_weights() * self.values**2)[outside].sum())
        if formula.degree is None and not tail <= 1e-12 * self.magnitude:
            raise HermiteError(
                f"formula {formula.text!r} grows too fast: its mean square over Gaussian inputs diverges"
            )
        self.error = 0.0  # of the normalised coefficients
        if len(straight) < len(kinks) and not shift:
            other = _Component(formula, terms, used, order, shift=0.7)
            self.error = 10 * abs(_normalised(self) - _normalised(other)).max()

    def joint_weights(self) -> np.ndarray:
        weights = self.weights
        for _ in self.used[1:]:
            weights = np.multiply.outer(weights, self.weights)
        return weights


@lru_cache(maxsize=64)
def _components(formula: Formula, order: int) -> tuple[_Component, ...]:
    """Parts of the formula that share no coordinates, integrated one by one."""
    groups: list[tuple[set[int], list[Formula]]] = []
    for term in formula.terms:
        used, terms = set(term.used) if formula.coordinates else {0}, [term]
        apart = [group for group in groups if not group[0] & used]
        for other, its_terms in (group for group in groups if group[0] & used):
            used, terms = used | other, its_terms + terms
        groups = [*apart, (used, terms)]
    # A constant term belongs to any component.
    constants = [term for used, terms in groups if not used for term in terms]
    groups = [group for group in groups if group[0]]
    groups[0][1].extend(constants)
    return tuple(_Component(formula, terms, tuple(sorted(used)), order) for used, terms in groups)


def _normalised(component: _Component) -> np.ndarray:
    """``E[f He_α]/√α!`` over a component's coordinates, shape (component.order + 1, …)."""
    projection = hermite_polynomials(component.nodes, component.order) * component.weights
    values = component.values
    for _ in component.used:
        values = np.tensordot(values, projection, axes=(0, 1))  # the axis moves to the end: a full turn in all
    return values


def _panels(width: float, count: int, kinks: list[Formula], shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre panels on [-REACH, REACH] with the Gaussian weight, symmetric around 0 but for the shift."""
    ends = {-REACH, *(np.arange(-REACH + shift, REACH + width / 2, width)), REACH}
    for kink in kinks:
        ends |= _roots(kink)
    nodes, weights = np.polynomial.legendre.leggauss(count)
    x = np.concatenate([(b - a) / 2 * nodes + (a + b) / 2 for a, b in pairwise(sorted(ends))])
    w = np.concatenate([(b - a) / 2 * weights for a, b in pairwise(sorted(ends))])
    w *= np.exp(-(x**2) / 2)
    return x, w / w.sum()


def _roots(kink: Formula) -> set[float]:
    """Sign changes of a function of one coordinate, by bisection."""
    function = kink.array(np)

    def at(x):
        inputs = np.zeros((np.size(x), kink.arity))
        inputs[:, list(kink.used) or [0]] = np.reshape(x, (-1, 1))
        return function(inputs if kink.coordinates else np.ravel(x))

    grid = np.linspace(-REACH, REACH, 4801) + 1e-7  # no grid point on a round number
    signs = np.sign(at(grid))
    roots = set()
    for left, right in zip(grid[:-1][signs[:-1] * signs[1:] < 0], grid[1:][signs[:-1] * signs[1:] < 0], strict=True):
        first = at(left)[0]
        for _ in range(60):
            middle = (left + right) / 2
            left, right = (middle, right) if at(middle)[0] * first > 0 else (left, middle)
        roots.add(float(round(middle, 14)))
    return roots
