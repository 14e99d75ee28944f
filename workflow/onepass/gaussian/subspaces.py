"""The leap over subspaces: how functions of one label unfold the directions that they read, a subspace at a time.

From a subspace S on, the lowest order k at which some function of the label and of the inputs inside of S has a
Hermite tensor outside is the next leap, and S grows by the directions of these tensors. The largest of the leaps is
that of the functions: with all functions of a label, its generative leap (Damian, Lee & Bruna, arXiv:2506.05500).
"""

from collections import defaultdict
from functools import cache
from math import factorial, prod, sqrt

import numpy as np

Powers = tuple[int, ...]
Tensors = dict[Powers, np.ndarray]  # (functions,) E[g He_α]/√α! of some functions g of the label, by α

SEEN = 1e-8  # of the largest singular value: the least of a direction that is told from rounding
ROUNDED = 1e-8  # of the largest coefficient: what is less after a turn of the coordinates is rounding
TURNED = 4  # coordinates, at most, of which oblique subspaces are followed
TURNED_ORDER, LARGEST_TURN = 6, 120  # order of the coefficients that are turned where there are more than so many


def subspace_leap(tensors: Tensors) -> int | None:
    """The largest leap by which all directions that the functions read are reached.

    Returns
    -------
    The leap; None where a subspace on the way is oblique to more coordinates than it is followed in.
    """
    leap, seen = 0, set()
    while True:
        outside = {alpha: sum(power for i, power in enumerate(alpha) if i not in seen) for alpha in tensors}
        # Waiting never helps: whatever can be reached without a longer leap is learned first.
        shortest = min((order for order in outside.values() if order), default=0)
        if not shortest:
            return leap
        leap = max(leap, shortest)
        places, directions = _directions([alpha for alpha in tensors if outside[alpha] == shortest], tensors, seen)
        rank = directions.shape[1]
        if rank < len(places):
            kept = tensors
            if len(tensors) > LARGEST_TURN:
                kept = {alpha: own for alpha, own in tensors.items() if sum(alpha) <= TURNED_ORDER}
            if len(places) > TURNED or _read(kept) != _read(tensors):
                return None
            tensors = _turned(kept, places, np.linalg.svd(directions)[0])
        seen |= {*places[:rank]}


def _read(tensors: Tensors) -> set[int]:
    return {i for alpha in tensors for i, power in enumerate(alpha) if power}


def _directions(terms: list[Powers], tensors: Tensors, seen: set[int]) -> tuple[list[int], np.ndarray]:
    """Coordinates outside that terms read, and an orthonormal basis (coordinates, rank) of what their tensors span."""
    places = sorted({i for alpha in terms for i, power in enumerate(alpha) if power and i not in seen})
    columns: dict[Powers, np.ndarray] = defaultdict(lambda: np.zeros((len(places), len(tensors[terms[0]]))))
    for alpha in terms:
        for row, i in enumerate(places):
            if alpha[i]:
                rest = (*alpha[:i], alpha[i] - 1, *alpha[i + 1 :])
                columns[rest][row] = tensors[alpha] * sqrt(alpha[i])
    left, sizes, _ = np.linalg.svd(np.concatenate([*columns.values()], axis=1), full_matrices=False)
    return places, left[:, sizes > SEEN * sizes[0]]


def _turned(tensors: Tensors, places: list[int], basis: np.ndarray) -> Tensors:
    """Tensors in the coordinates ``basis.T @ x`` of the inputs x at these places.

    ``Σ_α E[g He_α] t^α/α!`` is a function of t alone, whatever the basis: t is replaced by ``basis @ t'``.
    """
    width = len(next(iter(tensors)))
    forms = {i: {_unit(width, i): 1.0} for i in range(width)}
    for i, row in zip(places, basis, strict=True):
        forms[i] = {_unit(width, j): value for j, value in zip(places, row, strict=True)}

    @cache
    def expanded(alpha: Powers) -> dict[Powers, float]:
        if not any(alpha):
            return {alpha: 1.0}
        i = next(i for i, power in enumerate(alpha) if power)
        return _times(expanded((*alpha[:i], alpha[i] - 1, *alpha[i + 1 :])), forms[i])

    turned: Tensors = defaultdict(lambda: np.zeros_like(next(iter(tensors.values()))))
    for alpha, own in tensors.items():
        for powers, value in expanded(alpha).items():
            turned[powers] += own * value * sqrt(_factorial(powers) / _factorial(alpha))
    least = ROUNDED * max(abs(own).max() for own in turned.values())
    return {alpha: own for alpha, own in turned.items() if abs(own).max() > least}


def _times(one: dict[Powers, float], other: dict[Powers, float]) -> dict[Powers, float]:
    product: dict[Powers, float] = defaultdict(float)
    for left, a in one.items():
        for right, b in other.items():
            product[tuple(map(sum, zip(left, right, strict=True)))] += a * b
    return product


def _unit(width: int, place: int) -> Powers:
    return tuple(int(i == place) for i in range(width))


def _factorial(powers: Powers) -> int:
    return prod(map(factorial, powers))
