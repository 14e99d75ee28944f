"""Exponents fitted to recovery times: ``T = A d^θ F(d)`` with a known factor F, usually that of `climb`.

Weighted least squares of ``log T - log F`` on ``log d`` over the largest dimensions, T being the
censored median.  Intervals are percentiles of refits to replicas resampled within each dimension and to dimensions
reweighted at random (the Bayesian bootstrap: with a handful of them, drawing some twice would often leave no range to
fit over), with half a step of uniform jitter on every resampled median: a time counted in steps is known no better, and
without it three replicas that all take 4 steps would claim no uncertainty.
"""

from dataclasses import dataclass

import numpy as np

from onepass.analysis.recovery import RESOLUTION, bootstrap_quantile, interval, median_recovery
from onepass.errors import OnepassError

FEWEST_REPLICAS = 8  # with 4 a 95 % interval covers 91 %, with 2 it covers 65 %


class ScalingError(OnepassError, ValueError):
    """Recovery times that no exponent can be fitted to."""


@dataclass(frozen=True)
class ExponentFit:
    """A fit of ``T = prefactor d^theta factor``; intervals are 95 %, arrays over dimensions."""

    dimension: np.ndarray
    median: np.ndarray  # steps; inf beyond the budget
    median_low: np.ndarray
    median_high: np.ndarray
    recovered_fraction: np.ndarray
    fitted: np.ndarray  # bool: which dimensions entered the fit
    theta: float
    theta_low: float
    theta_high: float
    prefactor: float
    theta_limit: float  # with a correction ``1 + c/√d`` fitted beside it; nan for fewer than four points
    theta_limit_low: float
    theta_limit_high: float
    log_power: float  # κ of ``T / d^θ ∝ (log d)^κ`` at the known θ, of ``F^κ`` where F is a logarithm; or nan
    log_power_low: float
    log_power_high: float
    factor: np.ndarray  # divided out of T before the fit
    reduced_chi2: float  # nan for two points
    dimension_mid: np.ndarray  # geometric mean of neighbours
    local_slope: np.ndarray  # of log(T / factor), between neighbours; nan where T is unknown
    local_slope_low: np.ndarray
    local_slope_high: np.ndarray
    reason: str  # why theta is nan; empty otherwise


def fit_exponent(
    dimension,
    recovery_step,
    recovered,
    *,
    factor=None,
    theta=None,
    logarithm=False,
    points=4,
    resamples=1000,
    rng,
):
    """Fit the exponent of the recovery time.

    Parameters
    ----------
    dimension : array (d,)
        Increasing, above 1.
    recovery_step, recovered : arrays (d, replica)
        As in `onepass.analysis.recovery`.
    factor : array (d,), optional
        What theory multiplies the power of d by, for instance ``log d``; above 0. It is divided out.
    theta : float, optional
        The known exponent at which the power of ``log d`` is fitted.
    logarithm : bool
        Whether the factor is itself a logarithm of d, of which the power is then fitted.
    points : int
        The largest so many usable dimensions enter.  A dimension is usable where neither the median nor
        the upper end of its interval lies beyond the budget: otherwise its scatter is unknown above.
    resamples : int
        Bootstrap resamples of the replicas.
    rng : numpy.random.Generator

    Returns
    -------
    ExponentFit
        Where the points scatter more than their errors allow (reduced χ² > 1), the interval of θ is widened
        about θ by the square root of it; never narrowed.  With fewer than two usable points, or fewer than
        `FEWEST_REPLICAS`, whose bootstrap is too sure of itself, θ is nan.
    """
    dimension, recovery_step, recovered, factor = _checked(dimension, recovery_step, recovered, factor, points)
    runs = list(zip(recovery_step, recovered, strict=True))  # of each dimension
    median, fraction = np.array([median_recovery(*times) for times in runs]).T
    resampled = np.array([bootstrap_quantile(*times, resamples, rng) for times in runs])
    median_low, median_high = interval(resampled, axis=1)

    x = np.log(dimension)
    log_factor = np.log(factor)
    with np.errstate(divide="ignore"):
        y = np.log(median) - log_factor
        jitter = rng.uniform(-0.5, 0.5, resampled.shape)
        # A resampled time of 0 keeps a logarithm: half a step.
        refits = np.log(np.maximum(resampled + jitter, 0.5 * (median > 0)[:, None])) - log_factor[:, None]

    usable = np.isfinite(y) & np.isfinite(median_high)
    fitted = usable & (np.cumsum(usable[::-1])[::-1] <= points)
    each = x, y, refits, recovery_step.max(axis=1), log_factor, median, fitted
    line = _fit_line(*each, replicas=recovery_step.shape[1], known=theta, logarithm=logarithm, rng=rng)

    with np.errstate(invalid="ignore"):
        slope = np.diff(y) / np.diff(x)
        slopes = interval(np.diff(refits, axis=0) / np.diff(x)[:, None], axis=1)
    known = np.isfinite(slope)
    return ExponentFit(
        dimension=dimension,
        median=median,
        median_low=median_low,
        median_high=median_high,
        recovered_fraction=fraction,
        fitted=fitted,
        **line,
        factor=factor,
        dimension_mid=np.sqrt(dimension[1:] * dimension[:-1]),
        local_slope=np.where(known, slope, np.nan),
        local_slope_low=np.where(known, slopes[0], np.nan),
        local_slope_high=np.where(known, slopes[1], np.nan),
    )


def _fit_line(x, y, refits, budget, log_factor, median, fitted, *, replicas, known, logarithm, rng):
    """Fit y on x over `fitted`, and every refit with the weights of its own."""
    reason = ""
    if replicas < FEWEST_REPLICAS:
        reason = f"{replicas} replica(s): an interval needs {FEWEST_REPLICAS}"
    elif fitted.sum() < 2:
        reason = f"{fitted.sum()} dimension(s) with a median above 0 and inside the budget: a slope needs two"
    slopes = ("theta", "theta_limit", "log_power")
    line = dict.fromkeys(
        ["prefactor", "reduced_chi2", *(name + end for name in slopes for end in ("", "_low", "_high"))], np.nan
    )
    line["reason"] = reason
    if reason:
        return line
    x, y, log_factor = x[fitted], y[fitted], log_factor[fitted]
    # The few (< 2.5 %) resamples beyond the budget count as the budget.
    refits = np.where(np.isposinf(refits[fitted]), (np.log(budget[fitted]) - log_factor)[:, None], refits[fitted])
    # Half the central 68 %, robust against the tails; never below the resolution of one step.
    error = np.subtract(*np.quantile(refits, [0.8413, 0.1587], axis=1)) / 2
    error = np.maximum(error, RESOLUTION / median[fitted])

    constant = np.ones_like(x)
    fitting = {"y": y, "refits": refits, "error": error, "rng": rng}
    intercept, chi2 = _slope("theta", np.stack([constant, x], axis=1), line, **fitting)
    line |= {"prefactor": float(np.exp(intercept)), "reduced_chi2": chi2}
    if len(x) >= 4:
        _slope("theta_limit", np.stack([constant, x, np.exp(-x / 2)], axis=1), line, **fitting)
    if known is not None and np.isfinite(known):
        # all of what is left beside the known power, the factor that was divided out included
        rest = log_factor - known * x
        fitting |= {"y": y + rest, "refits": refits + rest[:, None]}
        _slope("log_power", np.stack([constant, log_factor if logarithm else np.log(x)], axis=1), line, **fitting)
    return line


def power_law(dimension, logarithm, refits, rng, resolution):
    """Exponent of d in a quantity, with its 95 % bounds, from its logarithm.

    Parameters
    ----------
    logarithm, refits : arrays (d,) and (d, resamples), of the quantity and of resampled ones.
    resolution : array (d,)
        The error of the logarithm is at least this.
    """
    error = np.maximum(np.subtract(*np.quantile(refits, [0.8413, 0.1587], axis=1)) / 2, resolution)
    line = {}
    columns = np.stack([np.ones(len(logarithm)), np.log(dimension)], axis=1)
    _slope("exponent", columns, line, y=logarithm, refits=refits, error=error, rng=rng)
    return line["exponent"], line["exponent_low"], line["exponent_high"]


def plain_slope(dimension, values) -> float:
    """Slope of a straight line through the logarithms, arrays (d,), all points alike; nan unless all are finite."""
    if not np.isfinite(values).all() or not (values > 0).all():
        return np.nan
    return float(np.polyfit(np.log(dimension), np.log(values), 1)[0])


def _slope(name, columns, line, *, y, refits, error, rng):
    """Put the coefficient of the second column, with its interval, into `line`; return the first one and χ²."""

    def solve(weight, values):
        weighted = columns * weight[:, None]
        return np.linalg.lstsq(weighted, values * weight, rcond=None)[0]

    found = solve(1 / error, y)
    count = len(y)
    shares = count * rng.dirichlet(np.ones(count), refits.shape[1]) if count > columns.shape[1] else 1.0
    weights = np.sqrt(np.broadcast_to(shares, refits.T.shape)) / error
    low, high = interval(np.array([solve(*pair)[1] for pair in zip(weights, refits.T, strict=True)]))
    freedom = count - columns.shape[1]
    chi2 = float(np.sum(((y - columns @ found) / error) ** 2) / freedom) if freedom else np.nan
    widening = np.sqrt(np.fmax(chi2, 1.0))
    line[name] = float(found[1])
    line[f"{name}_low"] = float(found[1] - widening * max(found[1] - low, 0.0))
    line[f"{name}_high"] = float(found[1] + widening * max(high - found[1], 0.0))
    return float(found[0]), chi2


def _checked(dimension, recovery_step, recovered, factor, points):
    dimension = np.asarray(dimension, dtype=float)
    recovery_step, recovered = np.asarray(recovery_step, dtype=float), np.asarray(recovered)
    if dimension.ndim != 1 or not dimension.size or dimension.min() <= 1 or (np.diff(dimension) <= 0).any():
        raise ScalingError(f"dimension = {dimension}: it must be an increasing list of numbers above 1")
    shape = recovery_step.shape
    if len(shape) != 2 or shape != recovered.shape or shape[0] != len(dimension):
        raise ScalingError(
            f"recovery_step {shape} and recovered {recovered.shape}: both must have shape "
            f"(d, replica) with d = {len(dimension)}"
        )
    factor = np.ones_like(dimension) if factor is None else np.asarray(factor, dtype=float)
    if factor.shape != dimension.shape or not (np.isfinite(factor) & (factor > 0)).all():
        raise ScalingError(f"factor = {factor}: it must be one finite number above 0 a dimension")
    if points < 2:
        raise ScalingError(f"points = {points}: a slope needs two or more")
    return dimension, recovery_step, recovered, factor
