"""Gaussian means of a step of a polynomial model, compiled: a loop over a Gauss–Hermite grid, exact."""

from math import sqrt

import numpy as np

from onepass.protocol import Loss
from onepass.simulation.jit import compiled
from onepass.theory.rule import Moments, Rule


@compiled
def white_factor(overlap, gram):
    """A factor ``A = [M | L]`` (p, k + p) with ``A Aᵀ = Q``: fields are A times white normals.

    L is a root of ``Q − M Mᵀ`` from its eigenvectors, not a triangular one: students that align make that matrix
    singular, and eigenvalues lose nothing there, while small pivots would.
    """
    p, k = overlap.shape
    factor, rest = np.empty((p, k + p)), np.empty((p, p))
    for j in range(p):
        for r in range(k):
            factor[j, r] = overlap[j, r]
        for i in range(p):
            rest[j, i] = 0.5 * (gram[j, i] + gram[i, j])
            for r in range(k):
                rest[j, i] -= overlap[j, r] * overlap[i, r]
    if p == 1:
        factor[0, k] = sqrt(max(rest[0, 0], 0.0))
        return factor
    values, vectors = np.linalg.eigh(rest)
    for i in range(p):
        root = sqrt(max(values[i], 0.0))
        for j in range(p):
            factor[j, k + i] = vectors[j, i] * root
    return factor


@compiled
def polynomial_moments(rule: Rule, overlap, gram, loss, out: Moments):
    """Write the means of a polynomial model into `out` by a Gauss–Hermite grid, return its population risk."""
    p, k = overlap.shape
    n, width = rule.nodes.size, k + p
    factor = white_factor(overlap, gram)
    u, g, fields, values = np.empty(width), np.empty(p), np.empty(p), np.empty(p)
    drift = np.zeros((p, width))
    for j in range(p):
        out.value[j] = 0.0
        for i in range(p):
            out.hd[j, i] = out.length[j, i] = out.radial[j, i] = 0.0
    risk = 0.0
    for point in range(n**width):
        digits, weight, squared = point, 1.0, 0.0
        for r in range(width):
            node = digits % n
            digits //= n
            u[r] = rule.nodes[node]
            weight *= rule.weights[node]
            squared += u[r] * u[r]
        target = rule.target[point % rule.target.size]
        output = 0.0
        for j in range(p):
            field, value, slope = 0.0, 0.0, 0.0
            for r in range(width):
                field += factor[j, r] * u[r]
            for c in range(rule.activation.size - 1, -1, -1):
                slope = slope * field + value
                value = value * field + rule.activation[c]
            fields[j], values[j], g[j] = field, value, slope
            output += rule.layer[j] * value
        risk += 0.5 * weight * (target - output) ** 2
        error = target if loss == Loss.CORRELATION else target - output
        for j in range(p):
            out.value[j] += weight * error * values[j]
            for r in range(width):
                drift[j, r] += weight * error * g[j] * u[r]
            for i in range(j + 1):
                value = weight * (error * error + rule.noise) * g[j] * g[i]
                x, y = fields[j], fields[i]
                out.hd[j, i] += value
                out.length[j, i] += value * squared
                out.radial[j, i] += value * (x * x + y * y - gram[j, i] * x * y)
    for j in range(p):
        for i in range(j + 1):
            out.hd[i, j], out.length[i, j], out.radial[i, j] = out.hd[j, i], out.length[j, i], out.radial[j, i]
        for r in range(k):
            out.psi[j, r] = drift[j, r]
        for i in range(p):
            out.gf[j, i] = out.bc[j, i] = 0.0
            for r in range(width):
                out.gf[j, i] += drift[j, r] * factor[i, r]
                out.bc[j, i] += drift[j, r] * drift[i, r]
    return risk
