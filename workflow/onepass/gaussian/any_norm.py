"""Population risk of students of any norm.

Hermite coefficients of ``σ(√q x)`` take the place of those of σ: with ``s_n(q) = E[σ(√q x) He_n(x)]/√n!`` and cosines
ρ, ``E[σ(λ_i) σ(λ_j)] = Σ_n s_n(q_i) s_n(q_j) ρ_ij^n`` and ``E[h*(λ*) σ(λ_j)] = Σ_α √|α|!/α! s_|α|(q_j) E[h* He_α]
ρ_j^α``. For polynomials they follow from those at q = 1, exactly; otherwise from a quadrature for each q, whose panels
end at the kinks of σ, and the series stop at `risk.ORDER`. What this leaves out is bounded.
"""

from functools import lru_cache
from math import factorial, prod, sqrt
from typing import NamedTuple

import numpy as np

from onepass.formulas.formula import Formula
from onepass.gaussian.hermite import gaussian_norm, hermite_coefficients, hermite_tensor
from onepass.gaussian.panels import REACH, kinks_along
from onepass.gaussian.parts import Part
from onepass.gaussian.polynomials import hermite_polynomials
from onepass.gaussian.risk import ORDER
from onepass.model import Model

PANELS = np.arange(-REACH, REACH + 0.5)  # their ends, besides those at kinks
COUNTS = (12, 16)  # nodes a panel of the two rules that tell the error; the finer one counts
DIGITS = 13  # of squared norms that are told apart
SAMPLED = 9  # squared norms at which both rules are held against each other
HELD = 1 << 14  # nodes at once


class Risk(NamedTuple):
    """Excess risks ½ E[(f* − f)²] of states, and how far they may be off."""

    value: np.ndarray
    error: np.ndarray


def risk_at(model: Model, overlaps: np.ndarray, grams: np.ndarray, layer: np.ndarray) -> Risk:
    """Risk of overlaps (..., p, k), grams (..., p, p) and output weights a/p (..., p), each (...)."""
    squares = np.diagonal(grams, axis1=-2, axis2=-1)
    distinct, where = np.unique(np.round(squares, DIGITS), return_inverse=True)
    found, means, rough = coefficients(model.activation_formula, distinct)
    s, own, off = (
        array[where.reshape(squares.shape)] for array in (found, means, rough)
    )  # (..., p, n), (..., p) twice

    lengths = np.sqrt(squares)
    pairs = _divided(grams, lengths[..., :, None] * lengths[..., None, :])
    directions = _divided(overlaps, lengths[..., None])
    label = gaussian_norm(model.target_formula)
    powers, values = target_terms(model.target_formula)
    orders = powers.sum(axis=1)
    cross = (s[..., orders] * np.prod(directions[..., None, :] ** powers, axis=-1)) @ values
    product = np.zeros(grams.shape)
    for n in range(s.shape[-1] - 1, -1, -1):
        product = product * pairs + s[..., :, None, n] * s[..., None, :, n]
    diagonal = np.arange(grams.shape[-1])
    product[..., diagonal, diagonal] = own
    value = 0.5 * label - (layer * cross).sum(-1) + 0.5 * (layer * (product @ layer[..., None])[..., 0]).sum(-1)

    size = abs(layer)
    left = np.sqrt(np.maximum(own - (s**2).sum(axis=-1), 0) * (model.activation_formula.degree is None))
    far = np.minimum(np.sqrt((directions**2).sum(axis=-1)), 1) ** (ORDER + 1)
    error = (size * (left * far + off) * sqrt(label)).sum(axis=-1)
    apart = np.minimum(abs(pairs), 1) ** (ORDER + 1)
    apart[..., diagonal, diagonal] = 0
    weighted = size * left
    error += 0.5 * (weighted * (apart @ weighted[..., None])[..., 0]).sum(axis=-1)
    error += (size * off).sum(axis=-1) * (size * np.sqrt(own)).sum(axis=-1)
    return Risk(value, error)


def coefficients(activation: Formula, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``s_n(q)`` (count, order + 1) and ``E[σ(√q x)²]`` (count,) at squared norms q (count,) in order, and the error of
    the first."""
    if activation.degree is not None:
        found = _of_polynomial(activation, squares)
        return found, (found**2).sum(axis=1), np.zeros(len(squares))
    found, means = _by_quadrature(activation, squares, COUNTS[1])
    size = np.sqrt(means) + np.finfo(float).tiny
    some = np.unique(np.linspace(0, len(squares) - 1, SAMPLED).round().astype(int))  # from the smallest to the largest
    other = _by_quadrature(activation, squares[some], COUNTS[0])
    change = max(
        (abs(found[some] - other[0]).max(axis=1) / size[some]).max(),
        (abs(means[some] - other[1]) / means[some].clip(1e-300)).max(),
    )
    return found, means, change * size


@lru_cache(maxsize=64)
def target_terms(target: Formula) -> tuple[np.ndarray, np.ndarray]:
    """Multi-indices α (terms, k) and ``√|α|!/α! E[h* He_α]`` (terms,) of a target."""
    tensor = sorted(hermite_tensor(target, ORDER).items())
    powers = np.array([alpha for alpha, _ in tensor], dtype=np.int64).reshape(-1, target.arity)
    values = [sqrt(factorial(sum(alpha))) / prod(map(factorial, alpha)) * value for alpha, value in tensor]
    return powers, np.array(values)


def _of_polynomial(activation: Formula, squares: np.ndarray) -> np.ndarray:
    """``s_m(q) = √m! q^{m/2} Σ_i c_{m+2i} (m+2i)!/(i! m!) ((q−1)/2)^i``, from ``He_n(√q x)``; zeros up to `ORDER`."""
    degree = activation.degree
    unit = hermite_coefficients(activation, degree)
    found = np.zeros((len(squares), max(degree, ORDER) + 1))
    for m in range(degree + 1):
        series = [unit[n] * factorial(n) / factorial((n - m) // 2) for n in range(m, degree + 1, 2)]
        shrunk = np.polynomial.polynomial.polyval((squares - 1) / 2, series)
        found[:, m] = squares ** (m / 2) * shrunk / sqrt(factorial(m))
    return found


def _by_quadrature(activation: Formula, squares: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    function = activation.array(np)
    kinks = kinks_along(Part.of(activation), np.ones(1), 0.005)
    nodes, weights = np.polynomial.legendre.leggauss(count)
    found, means = np.empty((len(squares), ORDER + 1)), np.empty(len(squares))
    held = max(1, HELD // (count * (len(PANELS) + len(kinks))))
    for start in range(0, len(squares), held):
        lengths = np.sqrt(squares[start : start + held, None])
        ends = PANELS[None]
        if kinks:
            scaled = np.clip(np.divide(kinks, np.maximum(lengths, 1e-12)), -REACH, REACH)
            ends = np.sort(np.hstack([np.tile(PANELS, (len(lengths), 1)), scaled]), axis=1)
        half, middle = np.diff(ends)[..., None] / 2, (ends[:, 1:] + ends[:, :-1])[..., None] / 2
        x = (half * nodes + middle).reshape(len(ends), -1)  # (1 or squares, nodes)
        w = (half * weights).reshape(len(ends), -1) * np.exp(-(x**2) / 2) / sqrt(2 * np.pi)
        values = function(lengths * x)
        hermite = hermite_polynomials(x, ORDER) * w
        if kinks:
            found[start : start + held] = (np.moveaxis(hermite, 0, 1) @ values[..., None])[..., 0]
        else:
            found[start : start + held] = values @ hermite[:, 0].T
        means[start : start + held] = (w * values**2).sum(axis=1)
    return found, means


def _divided(numbers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Cosines; 0 with a vector that is 0."""
    sizes = np.broadcast_to(sizes, numbers.shape)
    return np.divide(numbers, sizes, out=np.zeros(numbers.shape), where=sizes > 0)
