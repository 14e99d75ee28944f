"""Gaussian means of a step of an erf committee, compiled, in closed form.

Students ``erf(x/√2)`` of a target that is a weighted sum of ``erf(⟨t, λ*⟩/√2)`` have arcsine laws: Saad & Solla,
Phys. Rev. E 52, 4225 (1995).
"""

from math import asin, pi, sqrt

import numpy as np

from onepass.protocol import Loss
from onepass.simulation.jit import compiled
from onepass.theory.rule import Moments, Rule


@compiled
def _arcsine(first, second, cross):
    """``E[erf(x/√2) erf(y/√2)]`` of normals with these variances and covariance."""
    return 2.0 / pi * asin(max(-1.0, min(1.0, cross / sqrt((1.0 + first) * (1.0 + second)))))


@compiled
def erf_moments(rule: Rule, overlap, gram, loss, out: Moments):
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
    atoms = t if loss == Loss.CORRELATION else n  # of E
    for j in range(p):
        out.value[j] = 0.0
        for m in range(atoms):
            out.value[j] += b[m] * _arcsine(gram[j, j], inner[m, m], inner[m, t + j])

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
