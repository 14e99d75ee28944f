"""Best learning rates and their exponents, ``T* ∝ d^θ*``, ``γ* ∝ d^(−δ*)``, fitted plainly, nothing divided out.

A parabola in the logarithms of rate and median, through the rates near the smallest median, has the best rate at its
lowest point. Replicas are resampled together over all rates, since they share their random numbers.
"""

from typing import NamedTuple

import numpy as np

from onepass.analysis.recovery import RESOLUTION, interval
from onepass.analysis.scaling import ScalingError, power_law
from onepass.protocol import Protocol
from onepass.simulation.tune import near
from onepass.theory import exponents

_BOUNDS = {"": "", "_low": "lower 95 % bound of the ", "_high": "upper 95 % bound of the "}
_OF_CELLS = {
    "best_rate": ("learning rate of the shortest median recovery time", "1"),
    "best_time": ("shortest median recovery time over the learning rates", "steps"),
    "best_samples": ("samples until recovery at the best rate", "samples"),
}
_OF_ROWS = {
    "theta": "exponent of the shortest time",
    "delta": "exponent of the best learning rate d^-delta",
    "sample_exponent": "exponent of the samples at the best rate",
}


class Best(NamedTuple):
    """Of one search, with values for resampled replicas."""

    rate: float  # nan where no rate recovers
    time: float  # steps; inf there
    recovered: float  # fraction of the replicas at the rate next to it
    spacing: float  # of the logarithms of the rates around it
    rates: np.ndarray  # (resamples,)
    times: np.ndarray


def fit_experiment(dataset, *, points=4, resamples=1000):
    """Best rates of a gathered experiment of tuned rates, and their exponents.

    Parameters
    ----------
    dataset : xarray.Dataset
        ``learning_rate``, ``budget``, ``tolerance`` (protocol, mu, dimension, rate), ``recovery_step``, ``recovered``
        (…, rate, replica), ``batch_size`` (mu, dimension), attribute ``information_exponent``.
    points, resamples : how many of the largest dimensions enter a fit, and the bootstrap resamples.

    Returns
    -------
    xarray.Dataset
        ``best_rate``, ``best_time``, ``best_samples``, ``recovered_fraction`` (protocol, mu, dimension); ``theta``,
        ``delta``, ``sample_exponent`` (protocol, mu) and between neighbours ``local_theta``, ``local_delta`` (protocol,
        mu, dimension_mid); all with 95 % bounds ``_low`` and ``_high``. ``theta_theory`` and ``delta_theory`` are those
        of a rate ``γ0 d^(−δ)`` with γ0 fixed. ``reason`` says why there is no fit, where there is none.
    """
    import xarray as xr

    ell = int(dataset.attrs["information_exponent"])
    dataset = dataset.sortby("dimension").transpose("protocol", "mu", "dimension", "rate", "replica", ...)
    coordinates = {name: dataset[name] for name in ("protocol", "mu", "dimension")}
    d = dataset.dimension.values.astype(float)
    middle = {"long_name": "geometric mean of neighbouring dimensions", "units": "1"}
    coordinates["dimension_mid"] = ("dimension_mid", np.sqrt(d[1:] * d[:-1]), middle)
    result = xr.Dataset(coords=coordinates, attrs=dataset.attrs | {"fit_resamples": resamples, "fit_points": points})
    rows = [
        _row(dataset.sel(protocol=protocol, mu=mu), protocol, mu, ell, points, resamples)
        for protocol in dataset.protocol.values
        for mu in dataset.mu.values
    ]

    def put(name, meaning, units, *dims):
        dims = ("protocol", "mu", *dims)
        values = np.reshape([row[name] for row in rows], [result.sizes[dim] for dim in dims])
        result[name] = (dims, values, {"long_name": meaning, "units": units})

    for bound, words in _BOUNDS.items():
        for name, (meaning, units) in _OF_CELLS.items():
            put(name + bound, words + meaning, units, "dimension")
        for name, meaning in _OF_ROWS.items():
            put(name + bound, words + meaning, "1")
        for name in ("theta", "delta"):
            put(f"local_{name}{bound}", f"{words}{_OF_ROWS[name]} between neighbours", "1", "dimension_mid")
    put("recovered_fraction", "fraction of replicas recovered at the best rate", "1", "dimension")
    put("theta_theory", "time exponent of the theory, for a fixed prefactor of the rate", "1")
    put("delta_theory", "largest exponent of the rate that attains it", "1")
    put("reason", "why there is no fit", "")
    return result


def best_of(learning_rate, recovery_step, recovered, budget, resamples, rng) -> Best:
    """The best of some rates, increasing: arrays (rate,) and (rate, replica).

    A median at the edge of what was tried, or a parabola without a lowest point, is taken as it is.
    """
    times = np.where(recovered, recovery_step, np.inf)
    medians = np.median(times, axis=1)
    if not np.isfinite(medians).any():
        nothing = np.full(resamples, np.nan)
        return Best(np.nan, np.inf, 0.0, np.nan, nothing, nothing)
    first, last = near(medians)
    window = slice(first, last + 1)
    rate, times, longest = learning_rate[window], times[window], np.log(budget[window])
    x = np.log(rate / rate[0])
    drawn = rng.integers(times.shape[1], size=(resamples, times.shape[1]))
    again = np.median(times[:, drawn], axis=2) + rng.uniform(-0.5, 0.5, resamples)  # a time is known to half a step
    y = np.log(np.maximum(np.column_stack([medians[window], again]), 0.5))
    place, height = _lowest(x, np.where(np.isfinite(y), y, longest[:, None]))
    nearest = int(np.argmin(np.abs(x - place[0])))
    rates, values = rate[0] * np.exp(place), np.exp(height)
    fraction = float(recovered[window][nearest].mean())
    around = np.log(learning_rate[max(first - 1, 0) : last + 2])
    spacing = float(np.diff(around).max()) if len(around) > 1 else 0.0
    return Best(float(rates[0]), float(values[0]), fraction, spacing, rates[1:], values[1:])


def median_at(learning_rate, median, rate) -> float:
    """Median (rate,) at a rate between those of a search, on straight lines between the logarithms."""
    known = np.isfinite(median)
    return float(np.exp(np.interp(np.log(rate), np.log(learning_rate[known]), np.log(median[known]))))


def _lowest(x, y):
    """Lowest points of parabolas through the columns of y (point, column), no further out than the points."""
    if len(x) < 4:
        least = y.argmin(axis=0)
        return x[least], y[least, np.arange(y.shape[1])]
    middle, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    scaled = (x - middle) / half
    curve, slope, height = np.polyfit(scaled, y, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.clip(-slope / (2 * curve), -1, 1)
    ends = np.where(slope > 0, -1.0, 1.0)
    place = np.where(curve > 0, place, ends)
    return middle + half * place, height + slope * place + curve * place**2


def _row(series, protocol, mu, ell, points, resamples) -> dict:
    """All results of one protocol and batch exponent, by name."""
    rng = np.random.default_rng(np.random.SeedSequence(list(f"tuned {protocol} {mu:.9g}".encode())))
    sizes = series.batch_size.values.astype(float)
    found = [_search(series.isel(dimension=i), resamples, rng) for i in range(series.sizes["dimension"])]
    keys = ("rate", "time", "recovered", "spacing")
    rate, time, fraction, spacing = (np.array([getattr(best, key) for best in found]) for key in keys)
    rates, times = (np.array([getattr(best, key) for best in found]) for key in ("rates", "times"))
    row = {"best_rate": rate, "best_time": time, "best_samples": time * sizes, "recovered_fraction": fraction}
    for name, values in (("rate", rates), ("time", times), ("samples", times * sizes[:, None])):
        row[f"best_{name}_low"], row[f"best_{name}_high"] = interval(values, axis=1)
    d = series.dimension.values.astype(float)
    usable = np.isfinite(rate)
    row["reason"] = "" if usable.sum() > 1 else f"a best rate at {usable.sum()} dimension(s): a slope needs two"
    chosen = usable & (np.cumsum(usable[::-1])[::-1] <= points)
    resolution = 1 / np.maximum(time, 0.5), spacing  # a step of the times, a step between two rates
    for name, sign, value, again, step in (
        ("theta", 1, time, times, resolution[0]),
        ("delta", -1, rate, rates, resolution[1]),
    ):
        with np.errstate(invalid="ignore"):
            y, refits = sign * np.log(value), sign * np.log(again)
            steps = np.diff(np.log(d))
            slopes = np.diff(y) / steps
            bounds = interval(np.diff(refits, axis=0) / steps[:, None], axis=1)
        row |= {f"local_{name}": slopes, f"local_{name}_low": bounds[0], f"local_{name}_high": bounds[1]}
        ends = (np.nan,) * 3
        if chosen.sum() > 1:
            ends = power_law(d[chosen], y[chosen], refits[chosen], rng, resolution=RESOLUTION * step[chosen])
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
    for bound in _BOUNDS:
        row[f"sample_exponent{bound}"] = row[f"theta{bound}"] + mu
    protocol = Protocol.named(str(protocol))
    row["theta_theory"] = exponents.recovery_exponent(protocol, ell, mu)
    row["delta_theory"] = exponents.optimal_learning_rate_exponent(protocol, ell, mu)
    return row


def _search(cell, resamples, rng) -> Best:
    """The best of the rates of one search that have its own tolerance; the scan's have that of 0.1."""
    rates, tolerance = cell.learning_rate.values, cell.tolerance.values
    if not (rates > 0).any():
        raise ScalingError("no learning rates: the data set is not one of tuned rates")
    fine = (rates > 0) & (tolerance == tolerance[rates > 0].min())
    steps, recovered, budget = (cell[name].values[fine] for name in ("recovery_step", "recovered", "budget"))
    return best_of(rates[fine], steps, recovered.astype(bool), budget, resamples, rng)
