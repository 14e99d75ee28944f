"""Exponents fitted to recovery times: ``T = A d^θ F(d)`` with a known factor F, usually that of `climb`.

Weighted least squares of ``log T - log F`` on ``log d`` over the largest dimensions, T being the
censored median.  Intervals are percentiles of refits to replicas resampled within each dimension, with
half a step of uniform jitter on every resampled median: a time counted in steps is known no better, and
without it three replicas that all take 4 steps would claim no uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onepass import phases
from onepass.climb import climb_factor
from onepass.recovery import RESOLUTION, bootstrap_quantile, interval, median_recovery


class ScalingError(ValueError):
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
    factor: np.ndarray  # divided out of T before the fit
    reduced_chi2: float  # nan for two points
    dimension_mid: np.ndarray  # geometric mean of neighbours
    local_slope: np.ndarray  # of log(T / factor), between neighbours; nan where T is unknown
    local_slope_low: np.ndarray
    local_slope_high: np.ndarray
    reason: str  # why theta is nan; empty otherwise


def fit_exponent(dimension, recovery_step, recovered, *, factor=None, points=4, smallest=None, resamples=1000, rng):
    """Fit the exponent of the recovery time.

    Parameters
    ----------
    dimension : array (d,)
        Increasing, above 1.
    recovery_step, recovered : arrays (d, replica)
        As in `onepass.recovery`.
    factor : array (d,), optional
        What theory multiplies the power of d by, for instance ``log d``; above 0. It is divided out.
    points : int
        The largest so many usable dimensions enter.  A dimension is usable where neither the median nor
        the upper end of its interval lies beyond the budget: otherwise its scatter is unknown above.
    smallest : float, optional
        No smaller dimension enters.
    resamples : int
        Bootstrap resamples of the replicas.
    rng : numpy.random.Generator

    Returns
    -------
    ExponentFit
        Where the points scatter more than their errors allow (reduced χ² > 1), the interval of θ is widened
        about θ by the square root of it; never narrowed.  With fewer than two usable points θ is nan.
    """
    dimension, recovery_step, recovered, factor = _checked(dimension, recovery_step, recovered, factor, points)
    cells = list(zip(recovery_step, recovered, strict=True))
    median, fraction = np.array([median_recovery(*cell) for cell in cells]).T
    resampled = np.array([bootstrap_quantile(*cell, resamples, rng) for cell in cells])
    median_low, median_high = interval(resampled, axis=1)

    x = np.log(dimension)
    log_factor = np.log(factor)
    with np.errstate(divide="ignore"):
        y = np.log(median) - log_factor
        jitter = rng.uniform(-0.5, 0.5, resampled.shape)
        # A resampled time of 0 keeps a logarithm: half a step.
        refits = np.log(np.maximum(resampled + jitter, 0.5 * (median > 0)[:, None])) - log_factor[:, None]

    usable = np.isfinite(y) & np.isfinite(median_high)
    if smallest is not None:
        usable &= dimension >= smallest
    fitted = usable & (np.cumsum(usable[::-1])[::-1] <= points)
    line = _fit_line(x, y, refits, recovery_step.max(axis=1), log_factor, median, fitted)

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


def _fit_line(x, y, refits, budget, log_factor, median, fitted):
    """Fit y on x over `fitted`, and every refit with the same weights."""
    if fitted.sum() < 2:
        reason = f"{fitted.sum()} dimension(s) with a median inside the budget: a slope needs two"
        names = ("theta", "theta_low", "theta_high", "prefactor", "reduced_chi2")
        return dict.fromkeys(names, np.nan) | {"reason": reason}
    x, y, log_factor = x[fitted], y[fitted], log_factor[fitted]
    # The few (< 2.5 %) resamples beyond the budget count as the budget.
    refits = np.where(np.isposinf(refits[fitted]), (np.log(budget[fitted]) - log_factor)[:, None], refits[fitted])
    # Half the central 68 %, robust against the tails; never below the resolution of one step.
    error = np.subtract(*np.quantile(refits, [0.8413, 0.1587], axis=1)) / 2
    error = np.maximum(error, RESOLUTION / median[fitted])

    theta, intercept = np.polyfit(x, y, 1, w=1 / error)
    low, high = interval(np.polyfit(x, refits, 1, w=1 / error)[0])
    freedom = len(x) - 2
    chi2 = np.sum(((y - theta * x - intercept) / error) ** 2) / freedom if freedom else np.nan
    widening = np.sqrt(np.fmax(chi2, 1.0))
    return {
        "theta": float(theta),
        "theta_low": float(theta - widening * max(theta - low, 0.0)),
        "theta_high": float(theta + widening * max(high - theta, 0.0)),
        "prefactor": float(np.exp(intercept)),
        "reduced_chi2": float(chi2),
        "reason": "",
    }


_MEANING = {  # variable: (dimensions beside protocol and mu, long name, units)
    "median": (("dimension",), "median recovery time, inf beyond the budget", "step"),
    "median_low": (("dimension",), "lower 95 % bound of the median", "step"),
    "median_high": (("dimension",), "upper 95 % bound of the median", "step"),
    "recovered_fraction": (("dimension",), "fraction of replicas recovered within the budget", "1"),
    "fitted": (("dimension",), "whether the dimension entered the fit", "1"),
    "theta": ((), "time exponent", "1"),
    "theta_low": ((), "lower 95 % bound of the time exponent", "1"),
    "theta_high": ((), "upper 95 % bound of the time exponent", "1"),
    "prefactor": ((), "prefactor of the power law", "step"),
    "factor": (("dimension",), "known factor of T, divided out before the fit", "1"),
    "reduced_chi2": ((), "reduced chi-squared of the fit", "1"),
    "local_slope": (("dimension_mid",), "time exponent between neighbouring dimensions", "1"),
    "local_slope_low": (("dimension_mid",), "lower 95 % bound of the local exponent", "1"),
    "local_slope_high": (("dimension_mid",), "upper 95 % bound of the local exponent", "1"),
    "reason": ((), "why there is no fit", "1"),
}


def fit_experiment(dataset, *, points=4, smallest=None, resamples=1000):
    """Fit every (protocol, mu) of an aggregated experiment.

    Parameters
    ----------
    dataset : xarray.Dataset
        ``recovery_step`` and ``recovered`` (protocol, mu, dimension, replica), attribute
        ``information_exponent``; ``learning_rate`` (protocol, mu, dimension) and ``theta_theory``
        (protocol, mu) where known.  The learning rates decide which factor T carries; attributes
        ``threshold``, ``initial_overlap`` and ``students`` say from where to where the overlap climbs.
    points, smallest, resamples
        As in `fit_exponent`.

    Returns
    -------
    xarray.Dataset
        The fields of `ExponentFit` over (protocol, mu[, dimension or dimension_mid]) with the climb of the noiseless
        overlap as known factor, ``theta_plain`` without it, ``log_factor`` (whether that factor is a logarithm),
        ``sample_exponent`` = θ + μ with bounds, and ``theta_theory``.  A fit depends on its own replicas
        alone: its bootstrap is seeded by the protocol and μ.
    """
    import xarray as xr

    for name in ("recovery_step", "recovered"):
        if name not in dataset or set(dataset[name].dims) != {"protocol", "mu", "dimension", "replica"}:
            raise ScalingError(f"{name!r} must be there with dimensions protocol, mu, dimension, replica")
    if "information_exponent" not in dataset.attrs:
        raise ScalingError("attribute 'information_exponent' is missing: the theory of the fit needs it")
    ell = int(dataset.attrs["information_exponent"])
    dataset = dataset.sortby("dimension").transpose("protocol", "mu", "dimension", "replica", ...)
    grid = [(str(p), float(mu)) for p in dataset.protocol.values for mu in dataset.mu.values]
    shape = dataset.sizes["protocol"], dataset.sizes["mu"]

    settings = {"points": points, "smallest": smallest, "resamples": resamples}
    fits, plain, deltas = [], [], []
    for protocol, mu in grid:
        cell = dataset.sel(protocol=protocol, mu=mu)
        deltas.append(_learning_rate_exponent(cell, protocol, ell, mu))
        data = cell.dimension.values, cell.recovery_step.values, cell.recovered.values.astype(bool)
        for factor, found in ((_factor(dataset, ell, deltas[-1]), fits), (None, plain)):
            found.append(fit_exponent(*data, factor=factor, rng=_generator(protocol, mu), **settings))

    def over_grid(values):
        values = np.array(values)
        return values.reshape(shape + values.shape[1:])

    coordinates = {name: dataset[name] for name in ("protocol", "mu", "dimension")}
    middle = {"long_name": "geometric mean of neighbouring dimensions", "units": "1"}
    coordinates["dimension_mid"] = ("dimension_mid", fits[0].dimension_mid, middle)
    attributes = dataset.attrs | {"fit_resamples": resamples, "fit_points": points}
    result = xr.Dataset(coords=coordinates, attrs=attributes)
    for name, (dims, meaning, units) in _MEANING.items():
        values = over_grid([getattr(fit, name) for fit in fits])
        result[name] = (("protocol", "mu", *dims), values, {"long_name": meaning, "units": units})
    for name in ("theta", "theta_low", "theta_high"):
        meaning = f"{_MEANING[name][1]} of a plain power law"
        values = over_grid([getattr(fit, name) for fit in plain])
        result[name.replace("theta", "theta_plain")] = (
            ("protocol", "mu"),
            values,
            {"long_name": meaning, "units": "1"},
        )
    logs = over_grid([phases.has_log_factor(p, ell, mu, d) for (p, mu), d in zip(grid, deltas, strict=True)])
    result["log_factor"] = (("protocol", "mu"), logs, {"long_name": "whether T has log d", "units": "1"})
    for bound in ("", "_low", "_high"):
        result["sample_exponent" + bound] = result["theta" + bound] + result.mu
        name = result["theta" + bound].attrs["long_name"].replace("time", "sample")
        result["sample_exponent" + bound].attrs = {"long_name": name, "units": "1"}
    theory = [phases.recovery_exponent(p, ell, mu, d) for (p, mu), d in zip(grid, deltas, strict=True)]
    result["theta_theory"] = dataset.get("theta_theory", (("protocol", "mu"), over_grid(theory)))
    result["theta_theory"].attrs |= {"long_name": "time exponent of the theory", "units": "1"}
    return result


def _factor(dataset, ell, delta):
    """The climb of the noiseless overlap, or None where steps so large are taken that nothing climbs smoothly."""
    if delta is not None and delta < 1 - max(ell, 2) / 2 - 0.02:
        return None
    start, threshold = dataset.attrs.get("initial_overlap", 1.0), dataset.attrs.get("threshold", 0.5)
    students = dataset.attrs.get("students", 1)
    return climb_factor(ell, dataset.dimension.values, start=start, threshold=threshold / np.sqrt(students))


def _learning_rate_exponent(cell, protocol, ell, mu):
    """δ of the learning rates used, or None where they do not tell or are the theory's."""
    if "learning_rate" not in cell or cell.sizes["dimension"] < 2:
        return None
    delta = -float(np.polyfit(np.log(cell.dimension.values), np.log(cell.learning_rate.values), 1)[0])
    # Rates proportional to a rounded batch size meet the edge of learning only nearly.
    return None if abs(delta - phases.optimal_learning_rate_exponent(protocol, ell, mu)) < 0.02 else delta


def _generator(protocol, mu):
    return np.random.default_rng(np.random.SeedSequence(list(f"{protocol} {mu:.9g}".encode())))


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
