"""The mean motion of the students along the sphere, minus the gradient of the risk, from its series in the overlaps.

Exact for polynomials, and to full precision at the smallest overlaps: there a quadrature of single samples, whose
means are differences of large terms, has no digit left of a power of m.
"""

import numpy as np

from onepass.gaussian.risk import RiskSeries
from onepass.simulation.jit import compiled, inlined


@inlined
def dot(first, second):
    """Without BLAS, whose sums know the machine."""
    value = 0.0
    for r in range(first.size):
        value += first[r] * second[r]
    return value


@compiled
def descent(overlaps, grams, layer, square, series: RiskSeries, pull, push):
    """Mean of a step at a rate of 1, along the sphere: ``Σ_r pull_jr e_r + Σ_i push_ji w_i``, less what is along w_j.

    Parameters
    ----------
    overlaps, grams : M (p, k) and Q (p, p) of students of unit norm.
    layer : a/p.
    square : whether the loss is the square loss, by which students push each other.
    pull, push : receive the coefficients, shapes (p, k) and (p, p).
    """
    p, k = overlaps.shape
    for j in range(p):
        for r in range(k):
            pull[j, r] = 0.0
            for t in range(series.cross.size):
                power = series.cross_powers[t, r]
                if power > 0:
                    term = layer[j] * series.cross[t] * power
                    for q in range(k):
                        term *= overlaps[j, q] ** (series.cross_powers[t, q] - (q == r))
                    pull[j, r] += term
        for i in range(p):
            push[j, i] = 0.0
            if square and i != j:
                slope = 0.0
                for n in range(series.pair.size - 1, 0, -1):
                    slope = slope * grams[j, i] + n * series.pair[n]
                push[j, i] = -layer[j] * layer[i] * slope


@compiled
def tangents(rows, lengths, layer, square, series: RiskSeries, drift):
    """Mean motion of unit rows (p, width) along their tangents at a rate of 1, each times its length: ``drift``.

    The first k coordinates of a row are its overlaps with the teachers; parameters as of `descent`.
    """
    p, k = layer.size, series.cross_powers.shape[1]
    overlaps, grams, pull, push = rows[:, :k], np.empty((p, p)), np.empty((p, k)), np.empty((p, p))
    for j in range(p):
        for i in range(p):
            grams[j, i] = dot(rows[j], rows[i])
    descent(overlaps, grams, layer, square, series, pull, push)
    for j in range(p):
        drift[j] = 0.0
        for i in range(p):
            drift[j] += push[j, i] * rows[i]
        for r in range(k):
            drift[j, r] += pull[j, r]
        drift[j] -= dot(drift[j], rows[j]) * rows[j]
        drift[j] *= lengths[j]
