"""How long the overlap climbs when nothing disturbs it: what finite dimensions add to the power law of theory.

Without noise an overlap m gains ``γ β m^(ℓ-1) (1 - m²)`` a step (β of the target alone), so weak recovery takes
``T = 1/(γ β) ∫ dm / (m^(ℓ-1) (1 - m²))`` from its start m0 to the threshold η.  From m0 ∝ 1/√d the integral is
``d^(h - 1)``, h = max(ℓ, 2)/2, times a factor F(d) that tends to a constant for ℓ ≥ 3, slowly: 1 - m0/η and smaller
terms, still worth 0.08 of an exponent at ℓ = 3 and d ≈ 300.  For ℓ = 2 it is the logarithm, log(η/m0).

Several coordinates do not climb by one power of m: for them the population flow itself is followed (`flow_factor`).

Start and threshold are norms of one student's overlaps, everywhere here.
"""

import math
from functools import cache, lru_cache

import numpy as np

from onepass.errors import OnepassError
from onepass.gaussian.information import leap_index
from onepass.theory import saddle
from onepass.theory.exponents import half
from onepass.theory.population_flow import population_flow

COUNTED = 100_000  # steps
HORIZONS = (3.0, 30.0)  # times of a climb at the drift of the first saddle within which a climb is looked for, in turn
POINTS = 1000  # of the flow, evenly in the logarithm of time


class ClimbError(OnepassError, ValueError):
    """A start or a threshold between which nothing climbs."""


def start_norm(initial: str | float, teachers: int, dimension):
    """Norm m0 of a student's overlaps at the start, of the shape of `dimension`.

    `initial` is the overlap with each of the `teachers` directions, "norm_inverse_sqrt_d", or "sphere": then the median
    in high dimension.
    """
    if initial == "norm_inverse_sqrt_d":
        return dimension**-0.5
    if initial == "sphere":
        return _median_norm(teachers) / np.sqrt(dimension)
    return abs(initial) * np.sqrt(teachers)


@cache
def _median_norm(teachers: int) -> float:
    """Of as many standard normals."""
    from scipy.special import gammaincinv

    return float(np.sqrt(2 * gammaincinv(teachers / 2, 0.5)))


def climb_factor(information_exponent: int, dimension, *, start, threshold: float = 0.5, gain=None) -> np.ndarray:
    """Return F(d), the climb in units of ``d^(h − 1)``: ``T = F d^(h − 1)/(γ β)``, array (d,).

    Parameters
    ----------
    dimension : array (d,)
    start : m0, a number or array (d,), below the threshold, or there is a `ClimbError`.
    threshold : η, below 1.
    gain : array (d,), optional
        ``γ β``. Where it is known and the climb is of at most `COUNTED` steps these are counted one by one: the last
        of a fast climb are so large that the integral knows nothing of them.
    """
    dimension = np.asarray(dimension, dtype=float)
    start = np.broadcast_to(start, dimension.shape)
    if not (threshold < 1 and (start < threshold).all()):
        raise ClimbError(
            f"no climb from {start.max():g} at d = {dimension[start.argmax()]:g} to {threshold:g}; "
            "allowed: start < threshold < 1"
        )
    low = np.exp(np.log(start))  # the rounding of the published exponents: without it their last bits would change
    climb = _integral(information_exponent - 1, low, threshold)
    if gain is not None and (climb <= COUNTED * np.asarray(gain)).all():
        climb = np.array([g * _count(information_exponent, m, threshold, g) for m, g in zip(low, gain, strict=True)])
    return climb * dimension ** (1 - half(information_exponent))


@lru_cache(maxsize=1024)
def flow_factor(model, dimension: float, start: float, threshold: float) -> float:
    """F of ``T = F d^(h − 1)/γ``, the time of the population flow of one student from equal overlaps.

    The student's weight in the second layer counts. inf where the flow gets there too late for one climb, or never.
    """
    order = leap_index(model.target_formula)
    drift = max(abs(float(saddle.drift(model, saddle.diagonal(model)))), saddle.steepest_drift(model) / 2)
    drift *= abs(model.output_weights[0])
    if not drift > 0:  # no way out of the first saddle by its drift
        return math.inf
    if order > 2:
        plain = (1 / start) ** (order - 2) / (order - 2)
    else:
        plain = threshold if order == 1 else math.log(threshold / start)
    for horizon in HORIZONS:
        times = np.concatenate([[0.0], np.geomspace(1e-3, 1, POINTS) * horizon * plain / drift])
        flow = population_flow(model, saddle.diagonal(model)[None] * start, model.second_layer[:1], times)
        norm = np.linalg.norm(flow[:, 0], axis=1)
        if (norm >= threshold).any():
            last = int(np.argmax(norm >= threshold))
            around = slice(max(last - 1, 0), last + 1)  # where it first passes the threshold
            return float(np.interp(threshold, norm[around], times[around]) * dimension ** (1 - half(order)))
    return math.inf


def _integral(power: int, low, high):
    """``∫ dm / (m^power (1 - m²))``, by ``1/(m^a (1 - m²)) = 1/m^a + 1/(m^(a-2) (1 - m²))``: all terms positive."""
    if power == 0:
        return np.arctanh(high) - np.arctanh(low)
    if power == 1:
        return np.log(high / low) - 0.5 * (np.log1p(-(high**2)) - np.log1p(-(low**2)))
    return (low ** (1.0 - power) - high ** (1.0 - power)) / (power - 1) + _integral(power - 2, low, high)


def _count(ell: int, m: float, threshold: float, gain: float) -> int:
    """Steps of ``m ← m + γβ m^(ℓ-1) (1 - m²)`` to the threshold."""
    steps = 0
    while m < threshold:
        m += gain * m ** (ell - 1) * (1 - m * m)
        steps += 1
    return steps
