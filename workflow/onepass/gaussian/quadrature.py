"""Gauss–Hermite rules: means over independent unit normals as weighted sums over nodes; rules refined until settled."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from onepass.model import Model

COUNTS = (8, 12, 18, 27, 40, 60, 90, 135)  # nodes a dimension for functions that are no polynomials
CHUNK = 1 << 15  # points of a grid held at once


@lru_cache(maxsize=16)
def gauss_hermite(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights (count,) of a mean over a unit normal, exact up to degree ``2 count − 1``."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


def product_grid(count: int, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The points (…, width) of a product rule and their weights, in chunks; the first coordinate runs fastest."""
    nodes, weights = gauss_hermite(count)
    total = count**width
    for start in range(0, total, CHUNK):
        digits = np.arange(start, min(start + CHUNK, total))[:, None] // count ** np.arange(width) % count
        yield nodes[digits], weights[digits].prod(axis=1)


def product_rule(count: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """All points (count**width, width) of a product rule and their weights."""
    points, products = zip(*product_grid(count, width), strict=True)
    return np.concatenate(points), np.concatenate(products)


def exact_count(model: Model) -> int | None:
    """Nodes a dimension that make every mean of a polynomial model's step exact, the square loss's included.

    The largest degree, of ``(σ' E |u|)²``, is twice one more than that of ``σ' E``. None for other models.
    """
    activation, target = model.activation_formula.degree, model.target_formula.degree
    if activation is None or target is None:
        return None
    return activation + max(activation, target) + 1


class Refined(NamedTuple):
    """Two rules in a row, what the finer one finds, and by how much the coarser one differs."""

    coarse: int
    fine: int
    value: Any
    error: float


def refined(
    evaluate: Callable[[int], Any], counts: Sequence[int], tolerance: float, distance: Callable[[Any, Any], float]
) -> Refined:
    """Evaluate with more and more nodes until two rules in a row agree: how every quadrature here states its error.

    Parameters
    ----------
    evaluate : what a rule of so many nodes a dimension finds.
    counts : of nodes, growing; a single one is taken for exact.
    distance : from what a coarser to what a finer rule finds, in the units of `tolerance`.

    Returns
    -------
    `Refined`: the first two rules within the tolerance, or the last two if none are.
    """
    found = Refined(counts[0], counts[0], evaluate(counts[0]), 0.0)
    for count in counts[1:]:
        value = evaluate(count)
        found = Refined(found.fine, count, value, float(distance(found.value, value)))
        if found.error <= tolerance:
            break
    return found
