"""Exponents read off a Hermite expansion: information exponent, leap index, leap complexity."""

from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import HIGHEST_ORDER, TOLERANCE, HermiteError
from onepass.gaussian.hermite import gaussian_norm, leading_tensor


def information_exponent(target: str | Formula) -> int:
    """Information exponent of a target of one coordinate: ``min{k ≥ 1 : E[h*(x) He_k(x)] ≠ 0}``."""
    formula = _formula(target)
    if formula.arity != 1:
        raise HermiteError(
            f"target {formula.text!r} has {formula.arity} coordinates; the information exponent is that of one: "
            "use leap_index or leap_complexity"
        )
    return leap_index(formula)


def leap_index(target: str | Formula) -> int:
    """Lowest order ≥ 1 of a non-zero Hermite tensor: the first saddle that SGD has to leave."""
    formula = _formula(target)
    orders = [sum(alpha) for alpha in leading_tensor(formula) if sum(alpha) > 0]
    if not orders:
        square = gaussian_norm(formula)
        constant = square - leading_tensor(formula).get((0,) * formula.arity, 0.0) ** 2 <= TOLERANCE * square
        raise HermiteError(
            f"target {formula.text!r} is constant: nothing to learn"
            if constant
            else f"target {formula.text!r} has no Hermite coefficient of order 1 … {HIGHEST_ORDER} above {TOLERANCE:g} "
            f"of its size: nothing to learn below order {HIGHEST_ORDER + 1}"
        )
    return min(orders)


def leap_complexity(target: str | Formula) -> int:
    """Leap complexity (Abbe, Boix-Adserà & Misiakiewicz 2023) in the coordinates of the formula.

    The least, over the orders in which the non-zero Hermite terms can be learned, of the largest leap: the total
    degree of a term in coordinates that no earlier term has.
    """
    formula = _formula(target)
    leap = leap_index(formula)
    terms = [alpha for alpha in leading_tensor(formula) if any(alpha)]
    seen: set[int] = set()
    while True:
        leaps = [sum(power for i, power in enumerate(alpha) if i not in seen) for alpha in terms]
        if not any(leaps):
            return leap
        # Waiting never helps: whatever can be reached without a longer leap is learned first.
        shortest = min(value for value in leaps if value)
        leap = max(leap, shortest)
        for alpha, value in zip(terms, leaps, strict=True):
            if 0 < value <= leap:
                seen |= {i for i, power in enumerate(alpha) if power}


def _formula(target: str | Formula) -> Formula:
    return target if isinstance(target, Formula) else Formula.target(target)
