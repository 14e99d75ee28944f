"""First-principles recovery times of one student of one direction, prefactor included.

At information exponent 2 a closed form knows the noise. Near m = 0 the overlap follows ``m' = (1 + λ) m + noise`` of
variance σ² a step, so that ``E[m²] + s`` grows as ``e^(2λt)`` with ``s = σ²/(2λ)``; growth saturates as
``m²/(1 − m²)`` shows. Recovery at η: ``T = 1/(2λ) log[(η²/(1 − η²) + s) / (m0²/(1 − m0²) + s)]``, for phase retrieval
the escape time of Arnaboldi, Krzakala, Loureiro & Stephan, arXiv:2305.18502. The rate and the noise are those of the
exact mean step and of one sample, at the origin.

At other information exponents the noiseless climb (`climb`), with gain ``γ β m^(ℓ−1)`` a step, ``β = ℓ ℓ! c_ℓ c*_ℓ``.
"""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from onepass.gaussian.information import information_exponent
from onepass.gaussian.quadrature import exact_count
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.simulation.chain.batch_law import moments
from onepass.theory import saddle
from onepass.theory.climb import climb_factor

_SMALL = 1e-5  # an overlap at which growth is linear
_NODES = 60  # a dimension, for models that are no polynomials


def recovery_time(
    model: Model,
    protocol: Protocol,
    *,
    dimension: int,
    batch_size: int,
    learning_rate: float,
    start: float,
    threshold: float,
) -> float:
    """Steps from overlap ``start/√d`` to `threshold` of one student of one direction, to leading order.

    Returns inf where the overlap does not grow.
    """
    ell = information_exponent(model.target)
    if ell == 2:
        return escape_time(
            model,
            protocol,
            dimension=dimension,
            batch_size=batch_size,
            learning_rate=learning_rate,
            start=start / sqrt(dimension),
            threshold=threshold,
        )
    gain = learning_rate * drift_coefficient(model)
    if gain <= 0:
        return np.inf
    climb = climb_factor(ell, [dimension], start=start, threshold=threshold, gain=[gain])[0]
    return float(climb * dimension ** (max(ell, 2) / 2 - 1) / gain)


def drift_coefficient(model: Model) -> float:
    """β of the drift ``γ β m^(ℓ−1)`` of one student with equal overlaps of a small norm m."""
    return float(model.second_layer[0] * saddle.drift(model, saddle.diagonal(model)))


def escape_time(
    model: Model,
    protocol: Protocol,
    *,
    dimension: int,
    batch_size: int,
    learning_rate: float,
    start: float,
    threshold: float,
) -> float:
    """Steps from overlap `start` to `threshold` at information exponent 2, noise included.

    Returns inf where the overlap does not grow: the learning rate is too large, or its coefficients of the wrong sign.
    """
    from onepass.theory.dynamics import solve_dynamics

    step = solve_dynamics(
        model,
        protocol,
        dimension=dimension,
        batch_size=batch_size,
        learning_rate=learning_rate,
        steps=1,
        initial=("overlap", _SMALL),
        equation="finite_d",
        records=1,
    )
    rate = log(max(float(step.overlap.values.ravel()[-1]) / _SMALL, 1e-300))
    if rate <= 0:
        return np.inf
    count = exact_count(model) or _NODES
    variance = moments(model, protocol.loss == "correlation", 0.0, count)[3] * learning_rate**2 / batch_size
    spread = variance / (2 * rate)
    squared = [m**2 / (1 - m**2) + spread for m in (start, threshold)]
    return log(squared[1] / squared[0]) / (2 * rate)
