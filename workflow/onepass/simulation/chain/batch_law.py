"""The engine for very large batches: the chain with the sums over a batch drawn from a Gaussian.

A step needs three sums over its batch, ``S* = Σ c λ*/n_b``, ``S_v = Σ c v/n_b`` and ``C = Σ c cᵀ/n_b²`` (see
`overlap_chain`). For large n_b they are Gaussian, with means and covariances known exactly as means over one sample
divided by n_b: then a step costs the same for any batch. What is neglected, the skewness of the sums and whatever lies
beyond, shrinks as ``n_b^(-1/2)``.

Two forms. One student of one direction (p = k = 1) has a single number m as its state, and the nine means that matter
are polynomials of m for polynomial models, smooth functions of it for others: `sums_series`
reads them from a table of short polynomials. Other widths go over the nodes of a Gauss–Hermite rule (`sums_nodes`).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from onepass.choices import BASIC_LOSSES
from onepass.errors import OnepassError
from onepass.gaussian.quadrature import COUNTS, exact_count, product_grid, product_rule, refined
from onepass.model import Model
from onepass.protocol import Loss

WHOLE = 20_000  # nodes up to which a polynomial's rule is exact for the covariance of C too
LARGEST = 200_000  # nodes of any rule: a step goes over all of them
ORDERS = (24, 48, 96)  # of the series in m
PIECES, ORDER = 256, 5  # intervals of m, and the order of their polynomials
ROUNDING = 1e-13  # of a series' largest coefficient
SETTLED = 1e-7  # change of the means at which more nodes are not worth their time
ACCURACY = 1e-4  # of the means of functions that are no polynomials: far below the Gaussian's own error


class BatchError(OnepassError, ValueError):
    """A model whose batches cannot be drawn from a Gaussian."""


class Law(NamedTuple):
    """Means over one sample, as compiled code reads them; the arrays of the other form are empty."""

    pieces: np.ndarray  # (2, PIECES, ORDER + 1, 9): of each `Loss`, intervals of m in [−1, 1], powers
    points: np.ndarray  # (nodes, k + p)
    weights: np.ndarray  # (nodes,) with sum 1
    climb: np.ndarray  # (order,) of one student of one direction, for leaps: its mean motion as a polynomial of m


NO_LAW = Law(
    np.empty((0, 0, 0, 0)), np.empty((0, 0)), np.empty(0), np.empty(0)
)  # for the chain, which draws its samples


@lru_cache(maxsize=64)
def batch_law(model: Model) -> tuple[str, Law, float]:
    """The form that fits a model ("series" or "nodes"), what it reads, and the relative error of its quadrature.

    The error is 0 where a rule is exact; a `BatchError` if none that can be afforded is accurate to `ACCURACY`.
    """
    model.require_isotropic("a batch's Gaussian law")
    if model.students == model.teachers == 1:
        series, error = _series(model)
        return "series", NO_LAW._replace(pieces=_pieces(series)), error
    count, error = _count(model)
    points, weights = _folded(model, *product_rule(count, model.students + model.teachers))
    return "nodes", NO_LAW._replace(points=points, weights=weights), error


def moments(model: Model, loss: Loss, overlap: float, count: int) -> np.ndarray:
    """The nine means of one student of one direction at overlap m, from ``count²`` nodes.

    With ``c = a σ'(λ) E``: of ``cλ*``, ``cv``, ``c²``, then of the products ``c²λ*²``, ``c²λ*v``, ``c²v²``, ``c³λ*``,
    ``c³v``, ``c⁴``. Those odd in v come divided by ``√(1 − m²)``, which makes all of them smooth in m; E holds
    the label noise.
    """
    u, weights = product_rule(count, 2)
    rest, (layer,), noise = np.sqrt(1 - overlap**2), model.output_weights, model.noise
    field = overlap * u[:, 0] + rest * u[:, 1]
    error = model.target_formula.array(np)(u[:, :1])
    if loss == Loss.SQUARE:
        error = error - layer * model.activation_formula.array(np)(field)
    slope = layer * model.activation_formula.array(np, derivative=True)(field)
    powers = slope * error, slope**2 * (error**2 + noise), slope**3 * (error**3 + 3 * noise * error)
    fourth = slope**4 * (error**4 + 6 * noise * error**2 + 3 * noise**2)
    inside, outside = u[:, 0], u[:, 1] / rest
    first, second, third = powers
    return weights @ np.stack(
        [
            *(first * inside, first * outside, second),
            *(second * inside**2, second * inside * outside, second * (rest * outside) ** 2),
            *(third * inside, third * outside, fourth),
        ],
        axis=1,
    )


def _series(model: Model) -> tuple[np.ndarray, float]:
    exact, error = exact_count(model), 0.0
    if exact is not None:
        count = 2 * exact - 3  # for fourth moments of what `exact_count` has the squares of
    else:
        found = refined(lambda n: moments(model, Loss.SQUARE, 0.5, n), COUNTS, SETTLED, _relative)
        count, error = found.fine, found.error
    for order in ORDERS:
        points = chebyshev.chebpts1(order + 1)
        values = np.array([[moments(model, loss, m, count) for m in points] for loss in BASIC_LOSSES])
        basis = chebyshev.chebvander(points, order)
        series = np.einsum("mn,lmi->lni", basis, values) / (basis**2).sum(axis=0)[:, None]
        scale = np.array([_scales(own) for own in values])[:, None]
        needed = np.flatnonzero((abs(series) > ROUNDING * scale).any(axis=(0, 2))).max()
        if needed < order:
            break
    error = max(error, float((abs(series[:, -1:]) / scale).max())) if needed == order else error
    if error > ACCURACY:
        raise BatchError(_refusal(model, error))
    return series[:, : needed + 1], error


def _relative(coarse: np.ndarray, fine: np.ndarray) -> float:
    """The largest change of the nine means from a rule to a finer one, each relative to its scale."""
    return (abs(fine - coarse) / _scales(np.array([coarse, fine]))).max()


def _scales(values: np.ndarray) -> np.ndarray:
    """What is large for each of the nine means, from the second moments of several states: some vanish for every m."""
    root = np.sqrt(values[:, [3, 5, 8]].max(axis=0))
    return np.concatenate([root, root[[0, 0, 1, 0, 1, 2]] * root[[0, 1, 1, 2, 2, 2]]])


def _pieces(series: np.ndarray) -> np.ndarray:
    """Chebyshev series (2, orders, 9) as polynomials on `PIECES` intervals, of the distance from their middles.

    Distances count in intervals; a polynomial of order 5 on an interval of 1/128 is exact to rounding.
    """
    distance = 0.5 * chebyshev.chebpts1(ORDER + 1)
    places = (np.arange(PIECES)[:, None] + 0.5 + distance) * 2 / PIECES - 1
    values = np.einsum("ctn,lni->lcti", chebyshev.chebvander(places, series.shape[1] - 1), series)
    powers = np.linalg.inv(np.vander(distance, increasing=True))
    return np.ascontiguousarray(np.einsum("nt,lcti->lcni", powers, values))


def _count(model: Model) -> tuple[int, float]:
    """Nodes a dimension, and the relative error that they leave."""
    width, exact = model.students + model.teachers, exact_count(model)
    if exact is not None:
        # The smaller one leaves to its rule only the covariance of C, whose mean already counts as d/n_b.
        counts = [n for n, most in ((2 * exact - 3, WHOLE), (exact, LARGEST)) if n**width <= most]
        if counts:
            return counts[0], 0.0
        raise BatchError(_refusal(model))
    counts = [n for n in COUNTS if n**width <= LARGEST]
    if len(counts) < 2:
        raise BatchError(_refusal(model))
    found = refined(lambda n: _means(model, n), counts, ACCURACY, _change)
    if found.error > ACCURACY:
        raise BatchError(_refusal(model, found.error))
    return found.coarse, found.error


def _folded(model: Model, points: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half of the nodes, twice their weights, where a sample and its negative add the same to every sum.

    So it is where target and activation are both even or both odd, which makes c odd.
    """
    target, activation = model.target_formula.array(np), model.activation_formula.array(np)
    inputs, fields = points[:, : model.teachers], points[:, 0]
    pairs = (target(inputs), target(-inputs)), (activation(fields), activation(-fields))
    if not any(all(np.allclose(f, sign * g, rtol=1e-9, atol=1e-9) for f, g in pairs) for sign in (1, -1)):
        return points, weights
    place = points @ 3.0 ** np.arange(points.shape[1])  # the nodes are symmetric: no two sums but those of pairs matter
    kept = place >= 0
    return points[kept], weights[kept] * np.where(place[kept] > 0, 2.0, 1.0)


def _means(model: Model, count: int) -> np.ndarray:
    """Means of ``c u`` and ``c cᵀ`` where every student has overlaps of length ½, equal and with the others too."""
    p, k = model.students, model.teachers
    factor = np.hstack([np.full((p, k), 0.5 / np.sqrt(k)), np.sqrt(0.75 / np.arange(1, p + 1))[:, None] * np.tri(p)])
    layer, total = model.output_weights, 0.0
    for u, weights in product_grid(count, p + k):
        fields = u @ factor.T
        error = model.target_formula.array(np)(u[:, :k]) - model.activation_formula.array(np)(fields) @ layer
        c = layer * model.activation_formula.array(np, derivative=True)(fields) * error[:, None]
        total = total + np.concatenate([((c.T * weights) @ u).ravel(), ((c.T * weights) @ c).ravel()])
    return total


def _change(coarse: np.ndarray, fine: np.ndarray) -> float:
    """The largest change of means from a rule to a finer one, relative to the largest of them."""
    return abs(fine - coarse).max() / abs(fine).max()


def _refusal(model: Model, error: float = np.inf) -> str:
    p, k = model.students, model.teachers
    found = f"leaves a relative error of {error:.1g}" if np.isfinite(error) else "cannot be afforded"
    return (
        f"target {model.target!r} with activation {model.activation!r}: quadrature over {p} students and {k} teachers "
        f"{found}, so that engines 'gaussian' and 'leap' do not know the law of a batch; allowed: engine 'chain'"
    )
