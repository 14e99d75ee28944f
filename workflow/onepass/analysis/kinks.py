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
    (found,) = _two_segments(mu, theta[None], error)
    drawn = _two_segments(mu, rng.normal(theta, error, (resamples, mu.size)), error)[:, 0]
    return Kink(float(found[0]), *map(float, interval(drawn)), *map(float, found[1:]))


def _two_segments(mu, samples, error):
    """Least squares over kink, level and slopes, array (sample, 4), exactly.

    Between two neighbouring points the best kink is where the lines of the points on either side meet; where these meet
    elsewhere it is one of the two points (Hudson, 1966). Two points stay on either side at least.
    """
    weighted = samples / error

    def fits(columns):
        """Coefficients (sample, column) and sums of squares (sample,) of the columns (point, column)."""
        scaled = columns / error[:, None]
        found = weighted @ np.linalg.pinv(scaled).T
        return found, ((weighted - found @ scaled.T) ** 2).sum(axis=1)

    candidates = []
    for kink in mu[1:-1]:
        columns = np.stack([np.ones_like(mu), np.minimum(mu - kink, 0), np.maximum(mu - kink, 0)], axis=1)
        found, squares = fits(columns)
        candidates.append((squares, np.column_stack([np.full(len(found), kink), found])))
    for start, end in itertools.pairwise(mu[1:-1]):
        before = (mu <= start)[:, None]
        line = np.stack([np.ones_like(mu), mu - start], axis=1)
        found, squares = fits(np.hstack([line * before, line * ~before]))
        low, left, high, right = found.T
        with np.errstate(divide="ignore", invalid="ignore"):
            kink = start + (high - low) / (left - right)
        inside = (start < kink) & (kink < end)
        candidates.append(
            (np.where(inside, squares, np.inf), np.stack([kink, low + left * (kink - start), left, right], axis=1))
        )
    best = np.argmin([squares for squares, _ in candidates], axis=0)
    return np.array([parameters for _, parameters in candidates])[best, np.arange(len(samples))]
