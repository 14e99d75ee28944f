"""Where the time exponent stops falling: the batch size that is best, measured.

θ(μ) falls with slope −1 up to the best batch size and stays level beyond it (see `theory.exponents`). A continuous line
of two segments, both slopes free, is fitted to measured exponents; where the segments meet is the kink.
"""

import itertools
from typing import NamedTuple

import numpy as np

from onepass.analysis.recovery import interval

FEWEST = 6  # points: four parameters, and something left to tell by


class Kink(NamedTuple):
    """A fit of ``θ(μ) = level + left min(μ − kink, 0) + right max(μ − kink, 0)``; the interval is 95 %."""

    mu: float
    mu_low: float
    mu_high: float
    level: float  # θ at the kink
    left: float  # slopes
    right: float


def fit_kink(mu, theta, theta_low, theta_high, *, resamples=1000, rng) -> Kink:
    """Fit two segments to exponents θ(μ) with 95 % intervals, arrays of one shape; nan for fewer than six points.

    The interval of the kink is that of refits to exponents drawn from normal laws of these widths.
    """
    mu, theta, low, high = (np.asarray(values, dtype=float) for values in (mu, theta, theta_low, theta_high))
    known = np.isfinite(theta) & np.isfinite(high - low)
    order = np.flatnonzero(known)[np.argsort(mu[known], kind="stable")]
    if order.size < FEWEST:
        return Kink(*[np.nan] * len(Kink._fields))
    mu, theta, error = mu[order], theta[order], np.maximum((high - low)[order] / 3.92, 1e-6)
    found = _two_segments(mu, theta, error)
    drawn = [_two_segments(mu, sample, error)[0] for sample in rng.normal(theta, error, (resamples, mu.size))]
    return Kink(found[0], *map(float, interval(np.array(drawn))), *found[1:])


def _two_segments(mu, theta, error):
    """Least squares over the kink, the other parameters being linear at a given one: a search over one number."""
    from scipy.optimize import minimize_scalar

    def solve(kink):
        columns = np.stack([np.ones_like(mu), np.minimum(mu - kink, 0), np.maximum(mu - kink, 0)], axis=1)
        found, *_ = np.linalg.lstsq(columns / error[:, None], theta / error, rcond=None)
        return found, float((((columns @ found - theta) / error) ** 2).sum())

    # Two points on either side at least; the sum of squares has a minimum of its own between any two points.
    edges = mu[1:-1]
    best = min(
        (minimize_scalar(lambda k: solve(k)[1], bounds=pair, method="bounded") for pair in itertools.pairwise(edges)),
        key=lambda search: search.fun,
    )
    level, left, right = solve(best.x)[0]
    return float(best.x), float(level), float(left), float(right)
