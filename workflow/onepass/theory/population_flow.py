"""The population flow of one student: where it goes when neither noise nor other students disturb it.

On the sphere the correlation ``U(m) = E[h*(λ*) σ(λ)]`` depends on the overlaps m alone, by Mehler's formula as the
power series of `risk.risk_series`. A student of weight a in the second layer follows ``dm/dτ = a (∇U − m (m·∇U))``, and
one sample is worth ``γ/(n_b p)`` of its time τ: how many samples a target takes, up to the noise of the steps.
"""

import numpy as np

from onepass.gaussian.risk import risk_series
from onepass.model import Model

ACCURACY = {"rtol": 1e-6, "atol": 1e-9}  # of the integrator, on overlaps


def correlation_gradient(model: Model, overlap: np.ndarray) -> np.ndarray:
    """Return ∇U at the overlaps (n, k) of n students of unit norm, shape (n, k)."""
    series = risk_series(model)
    exponents, teachers = series.cross_powers, np.arange(model.teachers)
    powers = np.ones((*overlap.shape, exponents.max(initial=0) + 1))
    powers[..., 1:] = overlap[..., None]
    powers = np.multiply.accumulate(powers, axis=-1)
    gradient = np.empty_like(overlap)
    for r in teachers:
        term = series.cross * exponents[:, r] * powers[:, r, np.maximum(exponents[:, r] - 1, 0)]
        for other in teachers[teachers != r]:
            term *= powers[:, other, exponents[:, other]]
        gradient[:, r] = term.sum(axis=1)
    return gradient


def population_flow(model: Model, overlap, layer, times) -> np.ndarray:
    """Integrate the flow of students that do not know of each other: overlaps (times, n, k) at increasing times τ ≥ 0.

    Of the model target and activation count; the n students have the overlaps (n, k) at time 0 and the weights a (n,)
    in the second layer.
    """
    from scipy.integrate import solve_ivp

    start, layer = np.asarray(overlap, dtype=float), np.asarray(layer, dtype=float)[:, None]

    def slope(_, state):
        m = state.reshape(start.shape)
        m = m / np.maximum(1.0, np.linalg.norm(m, axis=1, keepdims=True))  # a trial step may leave the ball
        gradient = correlation_gradient(model, m)
        return (layer * (gradient - m * (m * gradient).sum(axis=1, keepdims=True))).ravel()

    solved = solve_ivp(slope, (0.0, times[-1]), start.ravel(), t_eval=times, **ACCURACY)
    return solved.y.T.reshape(len(times), *start.shape)
