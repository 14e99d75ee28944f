"""The mean process of one-pass SGD, compiled: Gaussian means of a step, the step, and the run.

Two families of models have means that a loop of a few hundred operations finds exactly. Students
``erf(x/√2)`` of a target that is a weighted sum of ``erf(⟨t, λ*⟩/√2)`` have arcsine laws (Saad & Solla 1995);
polynomials have Gauss–Hermite rules.
"""

from math import asin, isfinite, pi, sqrt
from typing import NamedTuple

import numpy as np

from onepass.simulation.jit import compiled


class Rule(NamedTuple):
    """How the means of one model are found; arrays that its family does not use are empty."""

    closed: bool  # arcsine laws, else Gauss–Hermite
    layer: np.ndarray  # (p,) a_j/p
    noise: float  # variance Δ of the labels
    directions: np.ndarray  # (t, k) vectors t of the target's erf(⟨t, λ*⟩/√2)
    coefficients: np.ndarray  # (t,) their weights
    nodes: np.ndarray  # (n,)
    weights: np.ndarray  # (n,) with sum 1
    target: np.ndarray  # (n**k,) values of the target on the grid of the teachers, first coordinate fastest
    activation: np.ndarray  # (degree + 1,) the activation's coefficients, lowest power first


class Moments(NamedTuple):
    """Gaussian means at one state; see `onepass.theory.moments.Expectations`."""

    psi: np.ndarray  # (p, k)
    gf: np.ndarray  # (p, p), like all below
    hd: np.ndarray
    bc: np.ndarray
    length: np.ndarray
    radial: np.ndarray


class Scales(NamedTuple):
    """Weights of the terms of a step, each beside its power of γ."""

    first: float  # ψ and φGF, times γ
    hd: float  # these three times γ²
    length: float
    bc: float


RECORDED, DIVERGED = 0, 1


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
def _arcsine(first, second, cross):
    """``E[erf(x/√2) erf(y/√2)]`` of normals with these variances and covariance."""
    return 2.0 / pi * asin(max(-1.0, min(1.0, cross / sqrt((1.0 + first) * (1.0 + second)))))


@compiled
def erf_moments(rule, overlap, gram, correlation, out):
    """Write the means of an erf committee into `out`, return its population risk.

    E is a sum of b_m erf(x_m/√2) over atoms: the target's terms, then the students. σ' is itself a Gaussian weight, so
    that E[σ'_j σ'_l F(u)] is a mean of F over normals of covariance ``C = (1 + B Bᵀ)⁻¹``, where B holds the
    directions of λ_j and λ_l; quadratic factors follow from Stein's lemma. Only inner products enter:
    nothing is inverted but the 2 × 2 matrix ``1 + BᵀB``.
    """
    p, k = overlap.shape
    t = rule.coefficients.size
    n = t + p
    b, inner, mix, tilted = np.empty(n), np.empty((n, n)), np.zeros((p, n)), np.empty((n, 2))
    for m in range(t):
        b[m] = rule.coefficients[m]
        for i in range(t):
            inner[m, i] = 0.0
            for r in range(k):
                inner[m, i] += rule.directions[m, r] * rule.directions[i, r]
        for j in range(p):
            inner[m, t + j] = 0.0
            for r in range(k):
                inner[m, t + j] += rule.directions[m, r] * overlap[j, r]
            inner[t + j, m] = inner[m, t + j]
    for j in range(p):
        b[t + j] = -rule.layer[j]
        for i in range(p):
            inner[t + j, t + i] = gram[j, i]
    risk = 0.0
    for m in range(n):
        for i in range(m + 1):
            share = 0.5 if i == m else 1.0
            risk += share * b[m] * b[i] * _arcsine(inner[m, m], inner[i, i], inner[m, i])
    atoms = t if correlation else n

    for j in range(p):  # E[σ'_j E u] = Σ_m mix_jm (direction of atom m)
        share = 1.0 / (1.0 + gram[j, j])
        for m in range(atoms):
            variance = inner[m, m] - inner[m, t + j] ** 2 * share
            value = b[m] * 2.0 / pi * sqrt(share / (1.0 + variance))
            mix[j, m] += value
            mix[j, t + j] -= value * inner[m, t + j] * share
        for r in range(k):
            out.psi[j, r] = 0.0
            for m in range(t):
                out.psi[j, r] += mix[j, m] * rule.directions[m, r]
            for i in range(p):
                out.psi[j, r] += mix[j, t + i] * overlap[i, r]
        for i in range(p):
            out.gf[j, i] = 0.0
            for m in range(n):
                out.gf[j, i] += mix[j, m] * inner[m, t + i]
    for j in range(p):
        for i in range(p):
            out.bc[j, i] = 0.0
            for m in range(n):
                along = 0.0
                for l in range(n):  # noqa: E741
                    along += inner[m, l] * mix[i, l]
                out.bc[j, i] += mix[j, m] * along

    for j in range(p):
        for i in range(j + 1):
            q, r, s = gram[j, j], gram[i, i], gram[j, i]
            determinant = (1.0 + q) * (1.0 + r) - s * s
            k11, k12, k22 = (1.0 + r) / determinant, -s / determinant, (1.0 + q) / determinant
            for m in range(atoms):
                x, y = inner[m, t + j], inner[m, t + i]
                tilted[m, 0], tilted[m, 1] = k11 * x + k12 * y, k12 * x + k22 * y
            square, bend, turn = rule.noise, 0.0, 0.0
            for m in range(atoms):
                x, y = tilted[m]
                cmm = inner[m, m] - x * inner[m, t + j] - y * inner[m, t + i]
                nmm, rmm = cmm - x * x - y * y, x * x + y * y - s * x * y
                for l in range(m + 1):  # noqa: E741
                    z, w = tilted[l]
                    cll = inner[l, l] - z * inner[l, t + j] - w * inner[l, t + i]
                    c = inner[m, l] - x * inner[l, t + j] - y * inner[l, t + i]
                    share = (1.0 if l == m else 2.0) * b[m] * b[l]
                    square += share * _arcsine(cmm, cll, c)
                    share *= 2.0 / pi / sqrt((1.0 + cmm) * (1.0 + cll) - c * c)
                    first, second = c / (1.0 + cmm), c / (1.0 + cll)
                    bend += share * (2.0 * (c - x * z - y * w) - first * nmm - second * (cll - z * z - w * w))
                    cross = x * z + y * w - 0.5 * s * (x * w + y * z)
                    turn += share * (2.0 * cross - first * rmm - second * (z * z + w * w - s * z * w))
            weight = 2.0 / pi / sqrt(determinant)
            trace = p + k - 2.0 + k11 + k22
            # tr(R S K) with R = [[1, −s/2], [−s/2, 1]] and S = BᵀB
            spread = (q * k11 + s * k12) + (s * k12 + r * k22) - 0.5 * s * (q * k12 + s * k22 + s * k11 + r * k12)
            out.hd[j, i] = out.hd[i, j] = weight * square
            out.length[j, i] = out.length[i, j] = weight * (trace * square + bend)
            out.radial[j, i] = out.radial[i, j] = weight * (spread * square + turn)
    return risk


@compiled
def polynomial_moments(rule, overlap, gram, correlation, out):
    """Write the means of a polynomial model into `out` by a Gauss–Hermite grid, return its population risk."""
    p, k = overlap.shape
    n, width = rule.nodes.size, k + p
    factor = white_factor(overlap, gram)
    u, g, fields, drift = np.empty(width), np.empty(p), np.empty(p), np.zeros((p, width))
    for j in range(p):
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
            fields[j], g[j] = field, slope
            output += rule.layer[j] * value
        risk += 0.5 * weight * (target - output) ** 2
        error = target if correlation else target - output
        for j in range(p):
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


@compiled
def write_moments(rule, overlap, gram, correlation, out):
    """Write the means of a model at one state into `out`, return its population risk."""
    if rule.closed:
        return erf_moments(rule, overlap, gram, correlation, out)
    return polynomial_moments(rule, overlap, gram, correlation, out)


@compiled
def increments(overlap, gram, layer, moments, scales, rate, spherical, d_overlap, d_gram):
    """Write the mean change of M and Q in one step before the norms are restored.

    The spherical update moves along ``z − λ_j w_j`` in place of z: every inner product of two such directions is
    one of moments that are known.
    """
    p, k = overlap.shape
    square = rate * rate
    for j in range(p):
        s = moments.gf[j, j] if spherical else 0.0
        for r in range(k):
            d_overlap[j, r] = rate * scales.first * layer[j] * (moments.psi[j, r] - s * overlap[j, r])
        for i in range(p):
            t = moments.gf[i, i] if spherical else 0.0
            first = layer[j] * (moments.gf[j, i] - s * gram[j, i]) + layer[i] * (moments.gf[i, j] - t * gram[j, i])
            length = moments.length[j, i] - (moments.radial[j, i] if spherical else 0.0)
            bc = moments.bc[j, i] - t * moments.gf[j, i] - s * moments.gf[i, j] + s * t * gram[j, i]
            second = scales.hd * moments.hd[j, i] + scales.length * length + scales.bc * bc
            d_gram[j, i] = rate * scales.first * first + square * layer[j] * layer[i] * second


@compiled
def advance(overlap, gram, d_overlap, d_gram):
    """Add the changes to M and Q, in place, and restore the norms; False if a norm is no positive number."""
    p, k = overlap.shape
    share = np.empty(p)
    for j in range(p):
        norm = gram[j, j] + d_gram[j, j]
        if not (isfinite(norm) and norm > 0.0):
            return False
        share[j] = 1.0 / sqrt(norm)
    for j in range(p):
        for r in range(k):
            overlap[j, r] = (overlap[j, r] + d_overlap[j, r]) * share[j]
        for i in range(p):
            gram[j, i] = (gram[j, i] + d_gram[j, i]) * share[j] * share[i]
        gram[j, j] = 1.0
    return True


@compiled
def run(rule, overlap, gram, scales, parameters, moments, record_steps, overlaps, grams, risks):
    """Run the process from M and Q (changed in place), and write the records; ends with the steps run, and how.

    Of ``parameters`` the learning rate and its schedule, the loss, the update and the steps are read. The
    records are (records, p, k), (records, p, p) and (records,).
    """
    p, k = overlap.shape
    d_overlap, d_gram = np.empty((p, k)), np.empty((p, p))
    rate, correlation, switch = parameters.learning_rate, parameters.correlation, -1.0
    step, recorded = 0, 0
    while True:
        risk = write_moments(rule, overlap, gram, correlation, moments)
        if record_steps[recorded] == step:
            overlaps[recorded], grams[recorded], risks[recorded] = overlap, gram, risk
            recorded += 1
        if step == parameters.steps:
            return step, RECORDED
        if parameters.adaptive:
            if step == 0:
                switch = parameters.risk_fraction * risk
            if risk < switch:
                rate *= parameters.decay * (parameters.drop if correlation else 1.0)
                if correlation:
                    correlation = False
                    write_moments(rule, overlap, gram, correlation, moments)
        increments(overlap, gram, rule.layer, moments, scales, rate, parameters.spherical, d_overlap, d_gram)
        if not advance(overlap, gram, d_overlap, d_gram):
            return step, DIVERGED
        step += 1
