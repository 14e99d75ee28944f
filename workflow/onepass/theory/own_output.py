"""Means of a step of one student whose own output the loss sees: integrals over λ*, λ and the label noise.

Along λ* the panels end wherever ψ(φ(y), a σ(λ)) has a kink, at every λ and every noise; what is left is continuous in
these.
"""

from functools import partial
from math import sqrt

import numpy as np

from onepass.formulas.formula import Formula
from onepass.gaussian.panels import fine_grid, kinks_along, panel_ends, panel_rule, zeros
from onepass.gaussian.parts import Part
from onepass.gaussian.polynomials import hermite_polynomials
from onepass.gaussian.quadrature import gauss_hermite

ORDERS = 8  # of μ_i
RULES = ((0.8, 0.11, 8, 24), (0.6, 0.0, 10, 31))  # width of panels, their shift, nodes a panel, nodes of the noise
SPACING = 0.05  # of kinks that are told apart
SAFETY = 2  # times the change from the first rule to the second is taken for the error
FLOOR = 1e-9  # of the root mean square of what is averaged: no coefficient below counts
HELD = 1 << 18  # nodes at once


def own_coefficients(psi: Formula, activation: Formula, noisy: bool) -> tuple[np.ndarray, np.ndarray]:
    """``E[σ'(λ) He_{i−1}(λ) ψ He_i(λ*)]`` for i = 1 … `ORDERS`, shape (`ORDERS`,), and their errors.

    ψ reads λ* as x1, the noise as x2 if it is noisy, and λ as the coordinate after them.
    """
    (rough, _), (fine, size) = (_coefficients(psi, activation, noisy, *rule) for rule in RULES)
    return fine, np.maximum(SAFETY * abs(fine - rough), FLOOR * size)


def _coefficients(psi: Formula, activation: Formula, noisy: bool, width, shift, count, noise_count):
    """The coefficients by one rule, and the root mean squares of what they are means of."""
    kinks = kinks_along(Part.of(activation), np.ones(1), SPACING)
    field, weight = panel_rule(panel_ends(width, kinks, shift), count)
    noise, noise_weight = gauss_hermite(noise_count) if noisy else (np.zeros(1), np.ones(1))
    means, squares = np.zeros((2, ORDERS, field.size))
    for i, share in enumerate(noise_weight):
        for start in range(0, field.size, held := max(1, HELD // (round(24 / width) * count))):
            part = slice(start, start + held)
            others = [np.full(field[part].size, noise[i])] * noisy + [field[part]]
            x, w = _rule(psi, np.stack(others), panel_ends(width, (), shift), count)
            values = psi.array(np)(_inputs(psi, x, [other[:, None] for other in others]))
            weighed = hermite_polynomials(x, ORDERS)[1:] * values
            means[:, part] += share * (w * weighed).sum(axis=2)
            squares[:, part] += share * (w * weighed**2).sum(axis=2)
    scales = np.sqrt(np.cumprod([1.0, *range(1, ORDERS + 1)]))  # √n!, of the orthonormal polynomials
    slopes = activation.array(np, derivative=True)(field) * hermite_polynomials(field, ORDERS - 1)
    slopes *= (scales[:-1] * scales[1:])[:, None]
    return (weight * slopes * means).sum(axis=1), np.sqrt((weight * slopes**2 * squares).sum(axis=1))


def _rule(psi: Formula, others: np.ndarray, ends: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights (lines, nodes) over λ*, of panels with these ends and those at kinks, at others (…, lines)."""
    lines = others.shape[1]
    ends = [np.tile(ends, (lines, 1))]
    for kink in psi.kinks:
        if 0 in kink.used:
            ends.append(zeros(partial(_kink, psi, kink.array(np), others), lines, fine_grid(SPACING)))
    ends = np.sort(np.hstack(ends), axis=1)
    nodes, weights = np.polynomial.legendre.leggauss(count)
    half, middle = np.diff(ends)[..., None] / 2, (ends[:, 1:] + ends[:, :-1])[..., None] / 2
    x = (half * nodes + middle).reshape(lines, -1)
    return x, (half * weights).reshape(x.shape) * np.exp(-(x**2) / 2) / sqrt(2 * np.pi)


def _kink(psi: Formula, function, others: np.ndarray, x: np.ndarray, line: np.ndarray) -> np.ndarray:
    return function(_inputs(psi, x, others[:, line]))


def _inputs(psi: Formula, x: np.ndarray, others) -> np.ndarray:
    return np.stack([np.broadcast_to(own, x.shape) for own in (x, *others)], axis=-1)[..., : psi.arity]
