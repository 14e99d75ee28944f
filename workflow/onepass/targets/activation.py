"""An activation for a target that comes without one: with every Hermite order that the target's climb needs."""

import re
from contextlib import suppress
from math import factorial

import numpy as np

from onepass.formulas.formula import Formula
from onepass.formulas.language import FormulaError
from onepass.gaussian.hermite import leading_tensor
from onepass.gaussian.information import leap_complexity
from onepass.model import Model, ModelError
from onepass.protocol import Loss
from onepass.theory import saddle


def default_activation(target: str) -> tuple[str, str]:
    """An activation and, in words, why this one.

    Of one coordinate the target itself, where it has a slope. Of several ``s Σ ± He_n/n!`` over the orders that reach
    every coordinate, which makes the correlation with the target ``U(m) = s Σ ± h*_α m^α``: its signs let overlaps that
    are positive and equal grow, its size s keeps what it says itself from being louder than the label.
    """
    formula = Formula.target(target)
    if formula.arity == 1:
        with suppress(FormulaError, ModelError):
            own = re.sub(r"\bx1\b", "x", formula.text)
            Model(target, own)
            return own, "the target itself"
    orders = needed_orders(formula)
    plain = _sum((_sign(formula, n), n) for n in orders)
    size = _size(Model(target, plain))
    text = plain if size == 1 else f"{size:g}*({plain})"
    named = f"order{'s' * (len(orders) > 1)} {', '.join(map(str, orders))}"
    return (
        text,
        f"by Hermite {named} it reaches every coordinate of the target; its own noise is of the order of the labels' "
        "at most",
    )


def needed_orders(formula: Formula) -> list[int]:
    """The target's Hermite orders, from the lowest to the one with which every coordinate can be climbed."""
    found = leading_tensor(formula)
    highest = leap_complexity(formula)
    everything = {i for alpha in found for i, power in enumerate(alpha) if power}
    orders = sorted({sum(alpha) for alpha in found} - {0})
    for count in range(1, len(orders) + 1):
        if _climbed([alpha for alpha in found if 0 < sum(alpha) <= orders[count - 1]], highest) == everything:
            return orders[:count]
    return orders


def _climbed(terms, leap: int) -> set[int]:
    """Coordinates that are reached from none by leaps of at most `leap`."""
    seen: set[int] = set()
    while True:
        new = {
            i
            for alpha in terms
            if sum(power for i, power in enumerate(alpha) if i not in seen) <= leap
            for i, power in enumerate(alpha)
            if power
        }
        if new <= seen:
            return seen
        seen |= new


def _sign(formula: Formula, order: int) -> int:
    """The sign with which equal positive overlaps grow: of terms in coordinates that lower orders lack, or of all."""
    lower = [alpha for alpha in leading_tensor(formula) if sum(alpha) < order]
    known = {i for alpha in lower for i, power in enumerate(alpha) if power}
    terms = saddle.terms(formula, order)
    new = [value for alpha, value in terms if any(power and i not in known for i, power in enumerate(alpha))]
    return -1 if sum(new or [value for _, value in terms]) < -1e-9 else 1


def _sum(terms) -> str:
    text = ""
    for sign, n in terms:
        piece = "x" if n == 1 else f"He{n}(x)/{factorial(n)}"
        text += ("-" if sign < 0 else "+" if text else "") + piece
    return re.sub(r"(?<=\S)([+-])", r" \1 ", text)


def _size(model: Model) -> float:
    """s, of one digit and at most 1, near which E[σ'² σ²] s⁴ = E[σ'²] E[h*²] s²: a student's own noise is of the order
    of the label's at most."""
    _, noise = saddle.means_at_start(model, Loss.CORRELATION)
    own = Model("x1", model.activation)  # whose target changes nothing in what the student does to itself
    both = saddle.means_at_start(own, Loss.SQUARE)[1] - saddle.means_at_start(own, Loss.CORRELATION)[1]
    size = float(np.sqrt(noise[0] / both[0])) if both[0] > 0 else 1.0
    return 1.0 if size >= 0.5 else float(f"{size:.1g}")
