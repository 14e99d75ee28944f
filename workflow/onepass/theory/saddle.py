"""The first saddle: what a step gains and loses where the overlaps are still small.

With the expansions ``h* = Σ_α h_α He_α/α!`` and ``σ = Σ_n c_n He_n`` a student of overlaps m correlates with the target
as ``U(m) = Σ_α |α|! c_|α| h_α m^α/α!`` (Mehler). At small overlaps the lowest order ℓ of the target rules: along the
direction u of the overlaps a step of the learning rate γ gains ``γ (a/p) β(u) |m|^(ℓ−1)``, ``β(u) = ℓ U_ℓ(u)``, which
for one direction is ``ℓ ℓ! c_ℓ c*_ℓ``. The same step multiplies the student by ``1 + γ R`` and adds to its squared
norm ``γ² V d/n_b``, with the means at zero overlap ``R = (a/p) E[σ'(λ) λ E]`` and ``V = (a/p)² E[σ'(λ)² E²]``.
"""

from functools import lru_cache
from itertools import product
from math import factorial, prod

import numpy as np

from onepass.choices import Loss, basic_loss
from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import TOLERANCE
from onepass.gaussian.hermite import gaussian_norm, hermite_coefficients, leading_tensor
from onepass.gaussian.information import leap_index
from onepass.gaussian.quadrature import gauss_hermite
from onepass.model import Model

NODES = 120  # of means over one field: exact for polynomials to degree 239
DIRECTIONS = 4096  # tried for the steepest one, of several coordinates


@lru_cache(maxsize=256)
def component(activation: Formula, order: int) -> float:
    """``c_n = E[σ(x) He_n(x)]/n!``, exactly 0 where it is lost in rounding."""
    value = float(hermite_coefficients(activation, order)[order])
    small = TOLERANCE * np.sqrt(gaussian_norm(activation))
    return value if abs(value) * np.sqrt(float(factorial(order))) > small else 0.0


@lru_cache(maxsize=64)
def terms(target: Formula, order: int) -> tuple[tuple[tuple[int, ...], float], ...]:
    """The target's terms of one order: multi-indices α with ``h_α/α!``, in order of α."""
    found = sorted(leading_tensor(target).items(), reverse=True)
    return tuple((a, value / prod(map(factorial, a))) for a, value in found if sum(a) == order)


def drift(model: Model, direction) -> np.ndarray:
    """β(u) without the second layer; directions u of unit length (..., k) to (...)."""
    order, direction = leap_index(model.target_formula), np.asarray(direction, dtype=float)
    total = sum(h * np.prod(direction ** np.array(alpha), axis=-1) for alpha, h in terms(model.target_formula, order))
    return order * factorial(order) * component(model.activation_formula, order) * total


def diagonal(model: Model) -> np.ndarray:
    """The direction (k,) of a student with equal overlaps."""
    return np.full(model.teachers, model.teachers**-0.5)


@lru_cache(maxsize=64)
def steepest_drift(model: Model) -> float:
    """The largest β(u), over the axes, the diagonals and, of several coordinates, `DIRECTIONS` more."""
    k = model.teachers
    tried = np.concatenate([np.eye(k), -np.eye(k), list(product((-1, 1), repeat=min(k, 8)))] if k <= 8 else [np.eye(k)])
    if k > 1:
        tried = np.concatenate([tried, np.random.default_rng(0).standard_normal((DIRECTIONS, k))])
    return float(drift(model, tried / np.linalg.norm(tried, axis=1, keepdims=True)).max())


@lru_cache(maxsize=64)
def means_at_start(model: Model, loss: Loss | str) -> tuple[np.ndarray, np.ndarray]:
    """R and V of every student, arrays (p,), where students see neither the target's directions nor each other."""
    x, weights = gauss_hermite(NODES)
    value, slope = (model.activation_formula.array(np, derivative=d)(x) for d in (False, True))
    layer = model.output_weights
    mean, square = weights @ value, weights @ value**2
    target_mean = leading_tensor(model.target_formula).get((0,) * model.teachers, 0.0)
    target_square = gaussian_norm(model.target_formula) + model.noise
    if basic_loss(loss) == Loss.CORRELATION:
        radial = np.full(model.students, (weights @ (slope * x)) * target_mean)
        noise = np.full(model.students, (weights @ slope**2) * target_square)
        return layer * radial, layer**2 * noise
    # f = a_j/p σ(λ_j) + what the others say, which is independent of λ_j
    said = (layer.sum() - layer) * mean
    said_square = said**2 + ((layer**2).sum() - layer**2) * (square - mean**2)
    radial = (weights @ (slope * x)) * (target_mean - said) - layer * (weights @ (slope * x * value))
    noise = (
        (weights @ slope**2) * (target_square - 2 * target_mean * said + said_square)
        - 2 * layer * (weights @ (slope**2 * value)) * (target_mean - said)
        + layer**2 * (weights @ (slope * value) ** 2)
    )
    return layer * radial, layer**2 * noise


def noise_bound(model: Model, loss: Loss | str, *, dimension, batch_size, overlap, gain):
    """The learning rate at which the noise of a step takes from an overlap what the step adds.

    Adding ``γ² V d/n_b`` to the squared norm takes ``½ γ² V d/n_b`` of the overlap; the step adds ``γ gain |m|^(ℓ−1)``.

    Parameters
    ----------
    overlap : |m|.
    gain : ``(a/p) β(u)``, positive, of every student (p,) or one number.

    Returns
    -------
    array (p,), a rate for every student; 0 for one of weight 0, which neither gains nor adds noise
    """
    order = leap_index(model.target_formula)
    _, noise = means_at_start(model, loss)
    scale = 2 * overlap ** (order - 2.0) * batch_size / dimension
    gain, noise = np.broadcast_arrays(np.asarray(gain, dtype=float), noise)
    return scale * np.divide(gain, noise, out=np.zeros(noise.shape), where=noise > 0)
