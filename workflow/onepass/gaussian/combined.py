"""Hermite expansions of products of functions without common coordinates, and of sums of functions with some."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import combinations
from math import prod, sqrt

import numpy as np

from onepass.formulas.formula import Formula
from onepass.formulas.structure import connected
from onepass.gaussian.expansion import NEGLIGIBLE, TOLERANCE, Expansion, HermiteError, check_count
from onepass.gaussian.line import on_a_line
from onepass.gaussian.parts import Part, coordinates

FAR = 200  # order to which the mean of a product of functions of one direction each is summed up
Expand = Callable[[Part, int], Expansion]


def of_factors(part: Part, factors: Sequence[Formula], order: int, expand: Expand) -> Expansion:
    """The expansion of a product of functions without common coordinates."""
    known = [(factor, expand(factor, order)) for factor in map(Part.of, factors)]
    magnitude = prod(own.magnitude for _, own in known)
    coefficients, size = {(0,) * len(part.used): 1.0}, 1.0
    for factor, own in known:
        size *= sqrt(own.magnitude)
        coefficients = {
            tuple(map(sum, zip(alpha, beta, strict=True))): value * other
            for alpha, value in coefficients.items()
            for beta, other in _placed(factor, own, part).items()
            if sum(alpha) + sum(beta) <= order and abs(value * other) > NEGLIGIBLE * size
        }
        check_count(len(coefficients), part.text, order)
    mean, square = prod(own.mean for _, own in known), prod(own.mean_square for _, own in known)
    return Expansion(coefficients, mean, square - mean**2, magnitude, sum(own.error for _, own in known))


def of_terms(part: Part, order: int, expand: Expand) -> Expansion:
    """The expansion of a sum of functions with common coordinates.

    Raises
    ------
    HermiteError
        If the mean of a product of two of them is out of reach.
    """
    terms = [Part.of(term) for term in part.terms]
    known = [expand(term, order) for term in terms]
    coefficients: dict[tuple[int, ...], float] = {(0,) * len(part.used): 0.0}
    for term, own in zip(terms, known, strict=True):
        for alpha, value in _placed(term, own, part).items():
            coefficients[alpha] = coefficients.get(alpha, 0.0) + value
    mean, square = sum(own.mean for own in known), sum(own.mean_square for own in known)
    magnitude = sum(sqrt(own.magnitude) for own in known) ** 2
    error = max(own.error for own in known)
    for (one, own), (other, its) in combinations(zip(terms, known, strict=True), 2):
        if set(one.used) & set(other.used):
            value, doubt = _mean_of_product(part, one, other, order, expand)
            square, error = square + 2 * value, error + 2 * doubt / (magnitude or 1.0)
        else:
            square += 2 * own.mean * its.mean
    return Expansion(coefficients, mean, square - mean**2, magnitude, error)


def _mean_of_product(part: Part, one: Part, other: Part, order: int, expand: Expand) -> tuple[float, float]:
    """``E[f g]`` and a bound on its error.

    From the integrals of their factors, where each of these is one that is known exactly; otherwise from the two
    expansions. What these leave out is bounded by Cauchy–Schwarz, and is nothing where one is a polynomial.
    """
    factors = [factor for term in (*one.terms, *other.terms) for factor in term.factors]
    products = [Part.of(_product(together)) for _, together in connected(factors, coordinates)]
    if all(product.is_simple for product in products):
        return _from_factors(part, products, expand)
    if one.direction is not None and other.direction is not None:
        value, doubt = _of_directions(one, other)
    else:
        order = max(order, one.degree or 0, other.degree or 0)
        (first, left), (second, rest) = (_with_rest(term, order, expand) for term in (one, other))
        first, second = _placed(one, first, part), _placed(other, second, part)
        value, doubt = sum(value * second.get(alpha, 0.0) for alpha, value in first.items()), sqrt(left * rest)
    if doubt > TOLERANCE * sqrt(expand(one, order).magnitude * expand(other, order).magnitude):
        return _from_factors(part, products, expand)
    return value, doubt


def _from_factors(part: Part, products: Sequence[Part], expand: Expand) -> tuple[float, float]:
    """The mean of a product of functions without common coordinates, and its doubt."""
    try:
        found = [expand(product, 0) for product in products]
    except HermiteError as error:  # which names a product that nobody wrote
        raise HermiteError(
            f"formula {part.text!r}: the mean of the product of two of its terms is out of reach: {error}"
        ) from error
    return prod(own.mean for own in found), sum(own.error for own in found) * sqrt(prod(own.magnitude for own in found))


def _of_directions(one: Part, other: Part) -> tuple[float, float]:
    """``E[f(u·x) g(v·x)] = Σ_n (u·v)^n E[f He_n] E[g He_n]/n!``, and a bound on what the series leaves out."""
    first, second = (dict(zip(term.used, term.direction.tolist(), strict=True)) for term in (one, other))
    overlap = sum(slope * second.get(i, 0.0) for i, slope in first.items())
    (first, left), (second, rest) = (_far(term) for term in (one, other))
    value = (first * second) @ overlap ** np.arange(FAR + 1)
    return float(value), abs(overlap) ** (FAR + 1) * sqrt(left * rest)


@lru_cache(maxsize=256)
def _far(term: Part) -> tuple[np.ndarray, float]:
    """Coefficients to order `FAR`, and the mean square beyond."""
    sums = on_a_line(term, FAR)
    return sums.coefficients, max(sums.variance + sums.mean**2 - (sums.coefficients**2).sum(), 0.0)


def _with_rest(term: Part, order: int, expand: Expand) -> tuple[Expansion, float]:
    """An expansion, and how much of the mean square it leaves out."""
    found = expand(term, order)
    if term.degree is not None:
        return found, 0.0
    return found, max(found.mean_square - sum(value**2 for value in found.coefficients.values()), 0.0)


def _product(formulas: Sequence[Formula]) -> Formula:
    text = " * ".join(f"({formula.text})" for formula in formulas)
    return Formula(text, max(formula.arity for formula in formulas), formulas[0].coordinates)


def _placed(own: Part, expansion: Expansion, whole: Part) -> dict[tuple[int, ...], float]:
    """Coefficients by the powers of all coordinates of a larger part."""
    places = [whole.used.index(i) for i in own.used]
    found = {}
    for powers, value in expansion.coefficients.items():
        alpha = [0] * len(whole.used)
        for place, power in zip(places, powers, strict=True):
            alpha[place] = power
        found[tuple(alpha)] = value
    return found
