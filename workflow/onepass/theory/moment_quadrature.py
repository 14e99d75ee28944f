"""Gaussian means of a step by Gauss–Hermite quadrature: on the whole grid, or pair by pair of students.

Both are exact for polynomials once the nodes are enough. Fields are ``λ = A u`` with white normals u of dimension
``k + p`` (`polynomial_moments.white_factor`), so that a singular covariance needs no care.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from onepass.gaussian.polynomials import hermite_polynomials
from onepass.gaussian.quadrature import gauss_hermite, product_grid, product_rule
from onepass.model import Model
from onepass.protocol import Loss
from onepass.theory.polynomial_moments import white_factor
from onepass.theory.rule import Moments


def target_values(model: Model, count: int) -> np.ndarray:
    """The target on the grid of its coordinates, shape (count**k,), the first coordinate fastest."""
    return np.concatenate([model.target_formula.array(np)(u) for u, _ in product_grid(count, model.teachers)])


def coordinate_functions(model: Model) -> dict[int, Callable] | None:
    """The target as a sum of functions of one coordinate each, by its position; None if it is no such sum."""
    terms: dict[int, list[Callable]] = {}
    for term in model.target_formula.terms:
        if len(term.used) > 1:
            return None
        terms.setdefault(term.used[0] if term.used else 0, []).append(term.array(np))

    def function(position: int, parts: list[Callable]) -> Callable:
        def value(x):
            inputs = np.zeros((*x.shape, model.teachers))
            inputs[..., position] = x
            return sum(part(inputs) for part in parts)

        return value

    return {position: function(position, parts) for position, parts in terms.items()}


class _Points(NamedTuple):
    """Points of a grid with their weights, and what a step reads there."""

    u: np.ndarray  # (points, k + p) white normals
    weights: np.ndarray
    fields: np.ndarray  # (points, p) of the students
    slopes: np.ndarray  # (points, p) σ'
    outputs: np.ndarray  # (points, p) σ
    error: np.ndarray  # E
    noisy: np.ndarray  # weights times the mean of (E + noise)²
    risk: float  # what they add to it


def _points(model: Model, loss: Loss, factor, layer, count: int) -> Iterator[_Points]:
    """The grid of ``count**(p + k)`` points in chunks, for students of the factor ``[M | L]``."""
    p, k = len(factor), model.teachers
    target, activation = model.target_formula.array(np), model.activation_formula.array(np)
    derivative = model.activation_formula.array(np, derivative=True)
    for u, weights in product_grid(count, k + p):
        fields = u @ factor.T
        slopes, values, outputs = derivative(fields), target(u[:, :k]), activation(fields)
        excess = values - outputs @ layer
        error = values if loss == Loss.CORRELATION else excess
        noisy = weights * (error**2 + model.noise)
        yield _Points(u, weights, fields, slopes, outputs, error, noisy, 0.5 * weights @ excess**2)


def grid_moments(model: Model, loss: Loss, overlap, gram, count: int, layer=None) -> tuple[Moments, float]:
    """Moments and population risk from the grid of ``count**(p + k)`` points; `layer` a/p in place of the model's."""
    p, k = overlap.shape
    factor, layer = white_factor(overlap, gram), model.output_weights if layer is None else layer
    drift, value, risk = np.zeros((p, k + p)), np.zeros(p), 0.0
    hd, length, radial = np.zeros((3, p, p))
    for at in _points(model, loss, factor, layer, count):
        risk += at.risk
        drift += (at.slopes * (at.weights * at.error)[:, None]).T @ at.u
        value += (at.weights * at.error) @ at.outputs
        second = (at.slopes * at.noisy[:, None]).T
        turned, mixed = second @ (at.slopes * at.fields**2), (second * at.fields.T) @ (at.slopes * at.fields)
        hd += second @ at.slopes
        length += second @ (at.slopes * (at.u**2).sum(axis=1)[:, None])
        radial += turned + turned.T - gram * mixed
    return _moments(drift, factor, hd=hd, length=length, radial=radial, value=value), float(risk)


class WhiteMoments(NamedTuple):
    """Means over white normals u (k + p), of which the fields of teacher and students are ``A u``; E as in
    `onepass.theory.rule.Moments`."""

    factor: np.ndarray  # A (k + p, k + p)
    drift: np.ndarray  # (p, k + p)  E[σ'(λ_j) E u]
    square: np.ndarray  # (p, k + p, p, k + p)  E[σ'(λ_j) σ'(λ_l) E² u uᵀ]
    pair: np.ndarray  # (p, p)  E[σ'(λ_j) σ'(λ_l) E²]
    value: np.ndarray  # (p,)  E[σ(λ_j) E]
    risk: float


def white_moments(loss: Loss, model: Model, overlap, gram, layer, count: int) -> WhiteMoments:
    """The means of a step and of its square along every field, from the grid of ``count**(p + k)`` points."""
    p, k = overlap.shape
    factor = np.vstack([np.eye(k, k + p), white_factor(overlap, gram)])
    drift, value, pair, risk = np.zeros((p, k + p)), np.zeros(p), np.zeros((p, p)), 0.0
    square = np.zeros((p * (k + p), p * (k + p)))
    for at in _points(model, loss, factor[k:], layer, count):
        risk += at.risk
        drift += (at.slopes * (at.weights * at.error)[:, None]).T @ at.u
        value += (at.weights * at.error) @ at.outputs
        pair += (at.slopes * at.noisy[:, None]).T @ at.slopes
        along = (at.slopes[:, :, None] * at.u[:, None]).reshape(len(at.u), -1)
        square += (along * at.noisy[:, None]).T @ along
    return WhiteMoments(factor, drift, square.reshape(p, k + p, p, k + p), pair, value, float(risk))


def pair_moments(model: Model, loss: Loss, overlap, gram, count: int, layer=None) -> tuple[Moments, float]:
    """Moments and population risk of a sum of functions of one field each, at a cost polynomial in p + k.

    Given the fields of a pair of students, E² is a sum over pairs of functions of two correlated normals: in
    Hermite polynomials of what is left of them, a sum over one order alone (Mehler). So a grid of ``count²`` points
    and tables of ``count`` coefficients do the work of grids over four fields.
    """
    p, k = overlap.shape
    width, layer = k + p, model.output_weights if layer is None else layer
    factor, teachers = white_factor(overlap, gram), coordinate_functions(model)
    directions = np.vstack([np.eye(width)[list(teachers)], factor])
    functions = [*teachers.values(), *[model.activation_formula.array(np)] * p]
    derivative = model.activation_formula.array(np, derivative=True)
    excess = np.concatenate([np.ones(len(teachers)), -layer])
    used = slice(0, len(teachers) if loss == Loss.CORRELATION else None)  # terms of E
    b = excess[used]

    nodes, weights = gauss_hermite(count)
    table = hermite_polynomials(nodes, count - 1).T * weights[:, None]  # (nodes, orders)
    orders = np.arange(count)

    def expand(basis, z, terms):
        """Coefficients (points, terms, orders) of the functions given the part z of u in `basis`; their rests."""
        along = directions[terms] @ basis
        rest = directions[terms] - along @ basis.T
        size = np.linalg.norm(rest, axis=1)
        points = (z @ along.T)[..., None] + size[:, None] * nodes
        values = np.stack([function(points[:, m]) for m, function in enumerate(functions[terms])], axis=1)
        return values @ table, rest / np.where(size > 0, size, 1.0)[:, None]

    def paired(first, second, rests, b):
        """``Σ b_m b_l Σ_n ρ_ml^n first_mn second_ln`` at every point."""
        powers = (rests @ rests.T).clip(-1, 1)[None] ** orders[:, None, None] * np.multiply.outer(b, b)
        return np.einsum("nzm,zmn->z", np.moveaxis(first, 2, 0) @ powers, second)

    coefficients, rests = expand(np.empty((width, 0)), np.empty((1, 0)), slice(None))
    risk = 0.5 * float(paired(coefficients, coefficients, rests, excess)[0])
    lengths = (rests @ rests.T).clip(-1, 1)[..., None] ** orders
    own = slice(len(teachers), None)
    value = np.einsum("jn,ln,jln,l->j", coefficients[0, own], coefficients[0, used], lengths[own, used], b)

    drift, (hd, length, radial) = np.empty((p, width)), np.empty((3, p, p))
    for j in range(p):
        for i in range(j + 1):
            basis, _ = np.linalg.qr(factor[[j]].T if i == j else factor[[j, i]].T)
            z, weight = product_rule(count, basis.shape[1])
            x, y = z @ basis.T @ factor[j], z @ basis.T @ factor[i]
            coefficients, rests = expand(basis, z, used)
            slope = weight * derivative(x)
            if i == j:
                mean, first = coefficients[..., 0] @ b, coefficients[..., 1] * b
                drift[j] = (slope * mean) @ z @ basis.T + slope @ first @ rests
            # |u|² adds to the square of z the mean square of the rest, and what Stein's lemma makes of it
            bent = 2 * orders * coefficients
            bent[..., :-2] += 2 * np.sqrt((orders[1:-1]) * orders[2:]) * coefficients[..., 2:]
            square = paired(coefficients, coefficients, rests, b)
            bend = paired(coefficients, bent, rests, b)
            square += model.noise
            slope *= derivative(y)
            distance = (z**2).sum(axis=1) + width - basis.shape[1]
            hd[j, i] = hd[i, j] = slope @ square
            length[j, i] = length[i, j] = slope @ (distance * square + bend)
            radial[j, i] = radial[i, j] = slope @ (square * (x**2 + y**2 - gram[j, i] * x * y))
    return _moments(drift, factor, hd=hd, length=length, radial=radial, value=value), risk


def _moments(drift, factor, **others) -> Moments:
    """All moments, from ``drift_j = E[σ'(λ_j) E u]`` (p, k + p) and the others."""
    k = drift.shape[1] - drift.shape[0]
    return Moments(psi=drift[:, :k].copy(), gf=drift @ factor.T, bc=drift @ drift.T, **others)
