"""Hermite expansions of formulas, and their mean squares over Gaussian inputs.

A formula is taken apart, into parts without common coordinates, terms and factors, until its pieces are exact sums or
integrals of one dimension: polynomials, functions of one direction, functions of one product of coordinates. What
couples two or three coordinates in another way has a grid. Everything is refined until finer rules agree to `TOLERANCE`
of the size of the function's terms, or refused; a coefficient below that counts as zero.
"""

from functools import lru_cache
from math import factorial, prod, sqrt

import numpy as np

from onepass.formulas.formula import Formula
from onepass.gaussian.combined import of_factors, of_terms
from onepass.gaussian.expansion import HIGHEST_ORDER, TOLERANCE, Expansion, HermiteError
from onepass.gaussian.grids import WIDEST, fits, of_coordinates, of_polynomial
from onepass.gaussian.line import along_a_line, on_a_line
from onepass.gaussian.parts import Part, split
from onepass.gaussian.polynomials import by_algebra
from onepass.gaussian.products import of_a_product


@np.errstate(all="ignore")  # what is not finite is refused with its reason
def hermite_coefficients(formula: Formula, order: int) -> np.ndarray:
    """``c_n = E[f(x) He_n(x)] / n!`` for n = 0 … order of a function of one coordinate, shape (order + 1,).

    Raises
    ------
    HermiteError
        For several coordinates, or a function that has no mean square or changes too fast.
    """
    if formula.arity != 1:
        raise HermiteError(f"formula {formula.text!r} has {formula.arity} coordinates; use hermite_tensor")
    (part,) = split(formula)
    scale = np.sqrt([float(factorial(n)) for n in range(order + 1)])
    return on_a_line(part, order).coefficients / scale


def hermite_tensor(formula: Formula, order: int) -> dict[tuple[int, ...], float]:
    """Non-zero ``E[f(x) He_α(x)]`` with ``|α| ≤ order``, by multi-index α of length arity.

    Raises
    ------
    HermiteError
        If the mean square diverges, a function that is no polynomial couples more coordinates than can be integrated,
        or coefficients are not found to `TOLERANCE`.
    """
    parts = _expanded(formula, order)
    threshold = TOLERANCE * np.sqrt(sum(found.magnitude for _, found in parts))
    constant = (0,) * formula.arity
    coefficients = {constant: 0.0}
    for part, found in parts:
        for powers, value in found.coefficients.items():
            if not any(powers):
                coefficients[constant] += value
            elif sum(powers) <= order and abs(value) > max(threshold, found.error * sqrt(found.magnitude)):
                alpha = np.zeros(formula.arity, dtype=int)
                alpha[list(part.used)] = powers
                coefficients[tuple(alpha.tolist())] = value * np.sqrt(float(prod(map(factorial, powers))))
    if abs(coefficients[constant]) <= threshold:
        del coefficients[constant]
    return coefficients


@lru_cache(maxsize=64)
def leading_tensor(formula: Formula) -> dict[tuple[int, ...], float]:
    """`hermite_tensor` to a polynomial's degree, or to `HIGHEST_ORDER`; not to be written to."""
    return hermite_tensor(formula, HIGHEST_ORDER if formula.degree is None else formula.degree)


@lru_cache(maxsize=256)
def gaussian_norm(formula: Formula) -> float:
    """``E[f(x)²]``."""
    parts = [found for _, found in _expanded(formula, HIGHEST_ORDER)]
    return sum(found.variance for found in parts) + sum(found.mean for found in parts) ** 2


def stated_error(formula: Formula, order: int = HIGHEST_ORDER) -> float:
    """How far coefficients ``E[f He_α]/√α!`` may be from the truth, relative to ``√E[(Σ|terms|)²]``."""
    return max(found.error for _, found in _expanded(formula, order))


def _expanded(formula: Formula, order: int) -> list[tuple[Part, Expansion]]:
    return [(part, expand(part, order)) for part in split(formula)]


@lru_cache(maxsize=512)
@np.errstate(all="ignore")  # what is not finite is refused with its reason
def expand(part: Part, order: int) -> Expansion:
    """The expansion of a part of a formula, by whatever is exact or else most accurate for it."""
    if part.degree is not None and len(part.used) > 1:
        return of_polynomial(part, order) if fits(part) else by_algebra(part)
    if not part.used:
        return Expansion.constant(float(part.values(np.empty((1, 0)))[0][0]))
    if part.direction is not None:
        return along_a_line(part, order)
    factors = part.terms[0].factors if len(part.terms) == 1 else ()
    if len(factors) > 1:
        return of_factors(part, factors, order, expand)
    if part.is_of_product:
        try:
            return of_a_product(part, order)
        except HermiteError:
            if len(part.used) > WIDEST:
                raise
    apart = all(Part.of(factor).is_simple for term in part.terms for factor in term.factors)
    if len(part.terms) > 1 and (apart or len(part.used) > WIDEST):
        return of_terms(part, order, expand)
    if len(part.used) <= WIDEST:
        try:
            return of_coordinates(part, order)
        except HermiteError:
            if len(part.terms) < 2 or len(part.used) < WIDEST:
                raise
            return of_terms(part, order, expand)  # each of which may be in reach
    raise HermiteError(
        f"formula {part.text!r} couples {len(part.used)} coordinates ({part.names}); allowed: {WIDEST} at most, and "
        "any number in a polynomial, in a function of one linear combination or of one product, and in a product of "
        "functions without common coordinates"
    )
