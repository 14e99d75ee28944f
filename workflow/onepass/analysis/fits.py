"""The exponents of an aggregated experiment: one fit for every protocol and μ, with what theory says of it."""

import numpy as np

from onepass.analysis.gathered import climb, climbing_model, start_of
from onepass.analysis.scaling import ScalingError, fit_exponent
from onepass.protocol import Protocol
from onepass.theory import exponents
from onepass.theory.recovery_time import recovery_time

_MEANING = {  # variable: (dimensions beside protocol and mu, long name, units)
    "median": (("dimension",), "median recovery time, inf beyond the budget", "steps"),
    "median_low": (("dimension",), "lower 95 % bound of the median", "steps"),
    "median_high": (("dimension",), "upper 95 % bound of the median", "steps"),
    "recovered_fraction": (("dimension",), "fraction of replicas recovered within the budget", "1"),
    "fitted": (("dimension",), "whether the dimension entered the fit", "1"),
    "theta": ((), "time exponent", "1"),
    "theta_low": ((), "lower 95 % bound of the time exponent", "1"),
    "theta_high": ((), "upper 95 % bound of the time exponent", "1"),
    "prefactor": ((), "prefactor of the power law", "steps"),
    "theta_limit": ((), "time exponent with a correction 1 + c/√d fitted beside it", "1"),
    "theta_limit_low": ((), "lower 95 % bound of it", "1"),
    "theta_limit_high": ((), "upper 95 % bound of it", "1"),
    "log_power": ((), "power of log d beside the theory's power of d", "1"),
    "log_power_low": ((), "lower 95 % bound of it", "1"),
    "log_power_high": ((), "upper 95 % bound of it", "1"),
    "factor": (("dimension",), "known factor of T, divided out before the fit", "1"),
    "reduced_chi2": ((), "reduced chi-squared of the fit", "1"),
    "local_slope": (("dimension_mid",), "time exponent between neighbouring dimensions", "1"),
    "local_slope_low": (("dimension_mid",), "lower 95 % bound of the local exponent", "1"),
    "local_slope_high": (("dimension_mid",), "upper 95 % bound of the local exponent", "1"),
}


def fit_experiment(dataset, *, points=4, resamples=1000):
    """Fit every (protocol, mu) of an aggregated experiment.

    Parameters
    ----------
    dataset : xarray.Dataset
        ``recovery_step`` and ``recovered`` (protocol, mu, dimension, replica), attribute
        ``information_exponent``; ``delta`` (protocol, mu), the exponent δ of the learning rate, where it is not the
        theory's.  δ decides which factor T carries; ``start_norm`` (dimension) and the attributes ``threshold`` and
        ``students`` say from where to where the overlap climbs.
    points, resamples
        As in `fit_exponent`.

    Returns
    -------
    xarray.Dataset
        The fields of `ExponentFit` over (protocol, mu[, dimension or dimension_mid]) with the climb of the noiseless
        overlap as known factor, ``theta_plain`` without it, ``log_factor`` (whether that factor is a logarithm),
        ``sample_exponent`` = θ + μ with bounds, and ``theta_theory``; of a protocol that the theory does not know both
        fits are plain and ``theta_theory`` is nan.  A fit depends on its own replicas
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
    options = {"points": points, "resamples": resamples}
    fits, plain, rates = [], [], []
    for protocol, mu in grid:
        series = dataset.sel(protocol=protocol, mu=mu)
        delta = float(series["delta"]) if "delta" in series.variables else None
        known = exponents.knows(protocol)
        rates.append((protocol, ell, mu, delta) if known else None)
        data = series.dimension.values, series.recovery_step.values, series.recovered.values.astype(bool)
        options["theta"] = exponents.recovery_exponent(*rates[-1]) if known else np.nan
        climbs = known and (delta is None or exponents.climbs(ell, delta))
        for factor, found in ((climb(series) if climbs else None, fits), (None, plain)):
            logarithm = factor is not None and exponents.has_log_factor(*rates[-1])
            fit = fit_exponent(*data, factor=factor, logarithm=logarithm, rng=_generator(protocol, mu), **options)
            found.append(fit)

    coordinates = {name: dataset[name] for name in ("protocol", "mu", "dimension")}
    middle = {"long_name": "geometric mean of neighbouring dimensions", "units": "1"}
    coordinates["dimension_mid"] = ("dimension_mid", fits[0].dimension_mid, middle)
    attributes = dataset.attrs | {"fit_resamples": resamples, "fit_points": points}
    result = xr.Dataset(coords=coordinates, attrs=attributes)

    def put(name, values, meaning, *dims, units="1"):
        dims = ("protocol", "mu", *dims)
        values = np.reshape(values, [result.sizes[dim] for dim in dims])
        result[name] = (dims, values, {"long_name": meaning, "units": units})

    for name, (dims, meaning, units) in _MEANING.items():
        put(name, [getattr(fit, name) for fit in fits], meaning, *dims, units=units)
    for name in ("theta", "theta_low", "theta_high"):
        meaning, power_laws = _MEANING[name][1], [getattr(fit, name) for fit in plain]
        put(name.replace("theta", "theta_plain"), power_laws, f"{meaning} of a plain power law")
        samples = [getattr(fit, name) + mu for fit, (_, mu) in zip(fits, grid, strict=True)]
        put(name.replace("theta", "sample_exponent"), samples, meaning.replace("time", "sample"))
    put("log_factor", [bool(rate) and exponents.has_log_factor(*rate) for rate in rates], "whether T has log d")
    theory = [exponents.recovery_exponent(*rate) if rate else np.nan for rate in rates]
    put("theta_theory", theory, "time exponent of the theory, nan where it knows none")
    times = _first_principles(dataset, grid)
    budgets = dataset.recovery_step.max("replica").values.reshape(times.shape)
    reasons = [_reason(*each) for each in zip(fits, budgets, times, strict=True)]
    put("reason", reasons, "why there is no fit")
    put("time_theory", times, "recovery time from first principles, to leading order", "dimension", units="steps")
    return result


def _reason(fit, budget, time) -> str:
    """Why there is no fit, with the budgets that a run could only fail within."""
    short = (fit.recovered_fraction < 1) & np.isfinite(time) & (budget < time)
    if not fit.reason or not short.any():
        return fit.reason
    least = [f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}" for low, high in
             ((values[short].min(), values[short].max()) for values in (budget, time))]  # fmt: skip
    return (
        f"{fit.reason}; at {short.sum()} of {len(time)} dimensions the budget of {least[0]} steps is below the time "
        f"from first principles, {least[1]}"
    )


def _first_principles(dataset, grid):
    """`recovery_time` at every protocol, μ and dimension; nan where theory cannot tell."""
    model = climbing_model(dataset)
    if model is None or "batch_size" not in dataset or "learning_rate" not in dataset:
        return np.full((len(grid), dataset.sizes["dimension"]), np.nan)
    start, threshold = start_of(dataset), dataset.attrs.get("threshold", 0.5)

    def time(protocol, mu, place, dimension):
        found = dataset.sel(protocol=protocol, mu=mu).isel(dimension=place)
        return recovery_time(
            model,
            Protocol.named(protocol),
            dimension=int(dimension),
            batch_size=int(found.batch_size),
            learning_rate=float(found.learning_rate),
            start=float(start[place]),
            threshold=threshold,
        )

    dimensions = list(enumerate(dataset.dimension.values))
    return np.array([[time(protocol, mu, *d) for d in dimensions] for protocol, mu in grid])


def _generator(protocol, mu):
    return np.random.default_rng(np.random.SeedSequence(list(f"{protocol} {mu:.9g}".encode())))
