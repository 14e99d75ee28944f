"""Hermite expansions of functions of one direction, on panels that end at their kinks."""

from math import comb, factorial, prod, sqrt

import numpy as np

from onepass.gaussian.adaptive import Adaptive
from onepass.gaussian.expansion import (
    HIGHEST_ORDER,
    NEGLIGIBLE,
    ROUNDING,
    TOLERANCE,
    Expansion,
    HermiteError,
    Sums,
    check_count,
    powers_of_order,
)
from onepass.gaussian.panels import REACH, kinks_along, panel_ends, panel_rule
from onepass.gaussian.parts import Part
from onepass.gaussian.polynomials import hermite_polynomials
from onepass.gaussian.quadrature import gauss_hermite

SAFETY = 2  # times the change from the rule that counts to another one is taken for its error
WIDTH, COUNT = 0.5, 20  # of a panel, and its nodes
CHECK = 0.05  # width of the panels that tell its error: they see what is as narrow as 1/1000
SPACING = 0.005  # of kinks that are told apart


def on_a_line(part: Part, order: int) -> Sums:
    """Means of a function of one direction, its coefficients ``E[f He_n]/√n!`` for n = 0 … order.

    Raises
    ------
    HermiteError
        If the mean square diverges, or the function changes too fast.
    """
    if part.degree is not None:
        # Exact for f² and for f times a polynomial up to its degree; all higher ones are orthogonal to f.
        found = _sums(part, min(order, part.degree), *gauss_hermite(part.degree + 1))
        return found._replace(coefficients=np.pad(found.coefficients, (0, max(order - part.degree, 0))))
    kinks = kinks_along(part, part.direction, SPACING)
    rule = panel_rule(panel_ends(WIDTH, kinks), COUNT)
    # A narrow feature may hide where the panels of both rules end.
    close = [kink + side * 10.0**-n for kink in kinks for side in (-1, 1) for n in (2, 4, 6)]
    other = panel_ends(CHECK, kinks + close, shift=0.4 * CHECK)
    found = _sums(part, order, *rule)
    terms, magnitude, error = _change(part, max(order, HIGHEST_ORDER), rule, panel_rule(other, COUNT))
    if error <= TOLERANCE:
        return found._replace(error=error + ROUNDING)
    found = Adaptive(part, max(order, HIGHEST_ORDER), magnitude, terms, [other]).sums()
    return found._replace(coefficients=found.coefficients[: order + 1])


def along_a_line(part: Part, order: int) -> Expansion:
    """The expansion of a function of one direction u: ``E[f He_α] = u^α E[f(zu) He_|α|(z)]``."""
    sums = on_a_line(part, order)
    if len(part.used) == 1:
        return sums.expansion(order)
    check_count(comb(order + len(part.used), order), part.text, order)
    coefficients = {
        alpha: float(value * sqrt(factorial(n) / prod(map(factorial, alpha))) * np.prod(part.direction**alpha))
        for n, value in enumerate(sums.coefficients)
        if n == 0 or abs(value) > NEGLIGIBLE * sqrt(sums.magnitude)
        for alpha in powers_of_order(n, len(part.used))
    }
    return sums.expansion(order)._replace(coefficients=coefficients)


def _sums(part: Part, order: int, nodes: np.ndarray, weights: np.ndarray) -> Sums:
    terms = part.values(nodes[:, None] * part.direction)
    values = sum(terms)
    magnitude = float((weights * sum(map(abs, terms)) ** 2).sum())
    if part.degree is None:
        _check_finite(part, nodes, values)
        part.check_growth(float((weights * values**2)[abs(nodes) > REACH - 2].sum()), magnitude)
    mean = float((weights * values).sum())
    coefficients = np.tensordot(values, hermite_polynomials(nodes, order) * weights, axes=(0, 1))
    return Sums(coefficients, mean, float((weights * (values - mean) ** 2).sum()), magnitude, 0.0)


def _check_finite(part: Part, nodes: np.ndarray, values: np.ndarray) -> None:
    """Raise where a value is no number, or infinite though values farther out are not: it does not grow."""
    finite = np.isfinite(values)
    for side in (-1, 1):
        farthest = (side * nodes)[finite].max(initial=0.0)
        bad = (side * nodes > 0) & ~finite & (np.isnan(values) | (side * nodes < farthest))
        if bad.any():
            place = ", ".join(f"{x:.4g}" for x in nodes[bad][np.argmin(abs(nodes[bad]))] * part.direction)
            raise HermiteError(f"formula {part.text!r} is not a finite number at ({place})")


def _change(part: Part, order: int, *rules) -> tuple[np.ndarray, float, float]:
    """Means of what has to settle by itself, the larger magnitude, and the error of a rule as another one tells it.

    Each term, and each part of a sum inside of one, has to settle by itself: one that is too narrow for the nodes to
    have seen it may be small.
    """
    found, magnitude = [], 0.0
    for nodes, weights in rules:
        points = nodes[:, None] * part.direction
        terms = part.values(points)
        values = sum(terms)
        squares = [(weights * own).sum() for own in part.settling(points, terms)]
        found.append([*(hermite_polynomials(nodes, order) @ (weights * values)), weights @ values**2, *squares])
        magnitude = max(magnitude, float(weights @ sum(map(abs, terms)) ** 2))
    own, other = map(np.array, found)
    squares = other[order + 2 :]
    part.check_seen(squares)
    scale = sqrt(magnitude) or 1.0
    units = np.concatenate([np.full(order + 1, scale), [scale**2], part.units(squares)])
    return squares, magnitude, SAFETY * float((abs(own - other) / units).max())
