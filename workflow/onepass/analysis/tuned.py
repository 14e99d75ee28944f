"""Best learning rates and their exponents, ``T* ∝ d^θ*``, ``γ* ∝ d^(−δ*)``, fitted plainly, nothing divided out.

A parabola in the logarithms of rate and median, through the rates near the smallest median, has the best rate at its
lowest point; replicas are resampled together over all rates, since they share their random numbers, and a rate is known
no better than the rates around it lie apart. T* is the median of other replicas, which did not choose the rate.
"""

from typing import NamedTuple

import numpy as np

from onepass.analysis.recovery import RESOLUTION, bootstrap_quantile, interval, median_recovery, samples_seen
from onepass.analysis.scaling import ScalingError, power_law
from onepass.protocol import Protocol
from onepass.simulation.optimum import lowest, lowest_points, near
from onepass.theory import exponents

_BOUNDS = {"": "", "_low": "lower 95 % bound of the ", "_high": "upper 95 % bound of the "}
_OF_CELLS = {
    "best_rate": ("learning rate of the shortest median recovery time", "1"),
    "best_time": ("median recovery time at the best rate, of replicas that did not choose it", "steps"),
    "best_samples": ("samples until recovery at the best rate", "samples"),
}
_OF_ROWS = {
    "theta": "exponent of the shortest time",
    "delta": "exponent of the best learning rate d^-delta",
    "sample_exponent": "exponent of the samples at the best rate",
}


class Best(NamedTuple):
    """Of one search, with values for resampled replicas."""

    rate: float  # nan where no rate recovers, or where all rates from it on are as good
    time: float  # steps; inf where no rate recovers
    recovered: float  # fraction of the replicas at this rate within ten times their median
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
        of a rate ``γ0 d^(−δ)`` with γ0 fixed, nan for protocols that are not basic. ``reason`` says why there is no
        fit, where there is none.
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
    put("recovered_fraction", "fraction recovered at the best rate within ten times the median", "1", "dimension")
    put("theta_theory", "time exponent of the theory, for a fixed prefactor of the rate", "1")
    put("delta_theory", "largest exponent of the rate that attains it", "1")
    put("reason", "why there is no fit", "")
    return result


def best_of(learning_rate, recovery_step, recovered, budget, again, resamples, rng) -> Best:
    """The best of some rates, increasing: arrays (rate,) and (rate, replica).

    `again` is what was measured there with other random numbers, ``best_step`` and ``best_recovered`` (replica,).
    """
    nothing = np.full(resamples, np.nan)
    times = np.where(recovered, recovery_step, np.inf)
    medians = np.median(times, axis=1)
    if not np.isfinite(medians).any():
        return Best(np.nan, np.inf, 0.0, np.nan, nothing, nothing)
    steps = bootstrap_quantile(*again, resamples, rng) + rng.uniform(-0.5, 0.5, resamples)  # known to half a step
    measured = float(median_recovery(*again).steps), float(again[1].mean())
    steps = np.maximum(steps, 0.5)

    first, last = near(medians)
    around = np.log(learning_rate[max(first - 1, 0) : last + 2])
    spacing = float(np.diff(around).max()) if len(around) > 1 else 0.0
    least = int(np.argmin(medians))
    if least < len(medians) - 1 and (medians[least:] == medians[least]).all():
        return Best(np.nan, *measured, spacing, nothing, steps)
    rate, _ = lowest(learning_rate, medians)
    window = slice(first, last + 1)
    drawn = rng.integers(times.shape[1], size=(resamples, times.shape[1]))
    resampled = np.median(times[window][:, drawn], axis=2)
    y = np.log(np.maximum(np.where(np.isfinite(resampled), resampled, budget[window, None]), 0.5))
    x = np.log(learning_rate[window] / learning_rate[first])
    if len(x) < 4:
        places = x[y.argmin(axis=0)]
    else:
        places, _ = lowest_points(x, y)
    places = places + spacing * rng.uniform(-0.5, 0.5, resamples)
    return Best(rate, *measured, spacing, learning_rate[first] * np.exp(places), steps)


def time_exponent(dimension, steps, recovered, resamples=1000) -> tuple[float, float, float]:
    """Exponent of median times of single cells, wherever they were run, with its 95 % bounds; nan of less than two.

    Parameters
    ----------
    dimension : array (cell,)
    steps, recovered : arrays (cell, replica), ``best_step`` and ``best_recovered``; a cell with nan has not been run.
    """
    run = np.isfinite(steps).all(axis=1)
    rng = np.random.default_rng([int(d) for d in dimension[run]])
    cells = [(each, there == 1) for each, there in zip(steps[run], recovered[run], strict=True)]
    time = np.array([median_recovery(*cell).steps for cell in cells])
    refits = np.array([bootstrap_quantile(*cell, resamples, rng) for cell in cells]).reshape(-1, resamples)
    refits = np.maximum(refits + rng.uniform(-0.5, 0.5, refits.shape), 0.5)  # known to half a step
    usable = np.isfinite(time) & np.isfinite(refits).all(axis=1)
    if usable.sum() < 2:
        return (np.nan,) * 3
    d, time, refits = dimension[run][usable].astype(float), time[usable], refits[usable]
    return power_law(d, np.log(time), np.log(refits), rng, resolution=RESOLUTION / np.maximum(time, 0.5))


def median_at(learning_rate, median, rate) -> float:
    """Median (rate,) at a rate between those of a search, on straight lines between the logarithms; nan beyond them."""
    known = np.isfinite(median)
    places = np.log(rate), np.log(learning_rate[known]), np.log(median[known])
    return float(np.exp(np.interp(*places, left=np.nan, right=np.nan)))


def _row(series, protocol, mu, ell, points, resamples) -> dict:
    """All results of one protocol and batch exponent, by name."""
    rng = np.random.default_rng(np.random.SeedSequence(list(f"tuned {protocol} {mu:.9g}".encode())))
    sizes = series.batch_size.values.astype(float)
    found = [_search(series.isel(dimension=i), resamples, rng) for i in range(series.sizes["dimension"])]
    keys = ("rate", "time", "recovered", "spacing")
    rate, time, fraction, spacing = (np.array([getattr(best, key) for best in found]) for key in keys)
    rates, times = (np.array([getattr(best, key) for best in found]) for key in ("rates", "times"))
    samples = [samples_seen(protocol, n_b, steps) for n_b, steps in ((sizes, time), (sizes[:, None], times))]
    row = {"best_rate": rate, "best_time": time, "best_samples": samples[0], "recovered_fraction": fraction}
    for name, values in (("rate", rates), ("time", times), ("samples", samples[1])):
        row[f"best_{name}_low"], row[f"best_{name}_high"] = interval(values, axis=1)
    d = series.dimension.values.astype(float)
    count = np.isfinite(time).sum()
    row["reason"] = "" if count > 1 else f"recovery at {count} dimension(s): a slope needs two"
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
        usable = np.isfinite(y) & np.isfinite(refits).all(axis=1)
        chosen = usable & (np.cumsum(usable[::-1])[::-1] <= points)
        ends = (np.nan,) * 3
        if chosen.sum() > 1:
            ends = power_law(d[chosen], y[chosen], refits[chosen], rng, resolution=RESOLUTION * step[chosen])
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
    for bound in _BOUNDS:
        row[f"sample_exponent{bound}"] = row[f"theta{bound}"] + mu
    protocol, known = Protocol.named(str(protocol)), exponents.knows(str(protocol))
    known = known and series.attrs.get("inputs", "isotropic") == "isotropic"
    row["theta_theory"] = exponents.recovery_exponent(protocol, ell, mu) if known else np.nan
    row["delta_theory"] = exponents.optimal_learning_rate_exponent(protocol, ell, mu) if known else np.nan
    return row


def _search(cell, resamples, rng) -> Best:
    """The best of the rates of one search that have its own tolerance; the scan's have that of 0.1."""
    rates, tolerance = cell.learning_rate.values, cell.tolerance.values
    if not (rates > 0).any():
        raise ScalingError("no learning rates: the data set is not one of tuned rates")
    fine = (rates > 0) & (tolerance == tolerance[rates > 0].min())
    steps, recovered, budget = (cell[name].values[fine] for name in ("recovery_step", "recovered", "budget"))
    again = cell.best_step.values, cell.best_recovered.values.astype(bool)
    return best_of(rates[fine], steps, recovered.astype(bool), budget, again, resamples, rng)
