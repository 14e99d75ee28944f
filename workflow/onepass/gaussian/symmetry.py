"""Symmetries of a target under changes of signs and of the order of its coordinates, and what they keep at zero.

A symmetry of the target is one of every function of its label, and of all their Hermite tensors. So the leap over
subspaces of random functions with the same symmetries is a lower bound of the target's generative leap.
"""

from collections.abc import Callable
from itertools import combinations, permutations, product

import numpy as np

from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import powers_of_order
from onepass.gaussian.subspaces import Tensors, subspace_leap

WIDE = 4  # coordinates of which all symmetries are looked at; of more, changes of one sign, of two and of all
SPREADS, POINTS = (1.0, 3.0), 200  # of the inputs at which values are compared, near and far, and their number
SAME = 1e-12  # how far they may differ, relative to the largest
FUNCTIONS = 6  # random ones: more than directions


def symmetric_leap(formula: Formula, order: int) -> int:
    """A lower bound of the generative leap, which is known to be of this order or less."""
    values, width = formula.array(np), formula.arity
    if len(formula.used) > WIDE:
        still = {*formula.used}  # coordinates that no symmetry turns round: a mean of one alone may be there
        for count in (1, 2, len(formula.used)):
            for places in combinations(formula.used, count):
                signs = np.where(np.isin(np.arange(width), places), -1.0, 1.0)
                if still & {*places} and _keeps(values, np.arange(width), signs):
                    still -= {*places}
        return 1 if still else 2
    group = []
    for turned, signs in product(permutations(formula.used), product((1.0, -1.0), repeat=len(formula.used))):
        places, factors = np.arange(width), np.ones(width)
        places[list(formula.used)], factors[list(formula.used)] = turned, signs
        if _keeps(values, places, factors):
            group.append((places, factors))
    if len(group) == 1:
        return 1
    return subspace_leap(_random(group, formula.used, order - 1 + len(formula.used))) or 1


def _keeps(values: Callable, places: np.ndarray, signs: np.ndarray) -> bool:
    """Whether a function is the same at ``signs * x[places]`` as at x."""
    rng, same = np.random.default_rng(0), True
    for spread in SPREADS:
        points = spread * rng.normal(size=(POINTS, len(places)))
        with np.errstate(all="ignore"):  # what is no number is not the same
            before, after = values(points), values(signs * points[:, places])
            same = same and bool((abs(after - before) <= SAME * abs(before).max()).all())
    return same


def _random(group: list[tuple[np.ndarray, np.ndarray]], used: tuple[int, ...], order: int) -> Tensors:
    """Tensors, of the coordinates used, of random functions averaged over a group of symmetries."""
    orders = np.array([alpha for n in range(1, order + 1) for alpha in powers_of_order(n, len(used))])
    names = (order + 1) ** np.arange(len(used))
    row = {name: i for i, name in enumerate((orders @ names).tolist())}
    own = np.random.default_rng(0).normal(size=(len(orders), FUNCTIONS)) / len(group)
    tensors = np.zeros_like(own)
    for places, signs in group:
        moved = orders[:, np.searchsorted(used, places[list(used)])]
        rows = [row[name] for name in (moved @ names).tolist()]
        tensors[rows] += own * np.prod(signs[list(used)] ** moved, axis=1)[:, None]
    return {
        tuple(alpha): values for alpha, values in zip(orders.tolist(), tensors, strict=True) if abs(values).max() > SAME
    }
