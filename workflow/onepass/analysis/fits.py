"""The exponents of an aggregated experiment: one fit for every protocol and μ, with what theory says of it."""

from __future__ import annotations

import numpy as np

from onepass.analysis.gathered import model_of
from onepass.analysis.scaling import ScalingError, fit_exponent
from onepass.protocol import Protocol
from onepass.theory import exponents
from onepass.theory.climb import climb_factor, flow_climb
from onepass.theory.recovery_time import drift_coefficient, recovery_time

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
        settings["theta"] = exponents.recovery_exponent(protocol, ell, mu, deltas[-1])
        for factor, found in ((_factor(dataset, cell, ell, deltas[-1]), fits), (None, plain)):
            logarithm = factor is not None and exponents.has_log_factor(protocol, ell, mu, deltas[-1])
            fit = fit_exponent(*data, factor=factor, logarithm=logarithm, rng=_generator(protocol, mu), **settings)
            found.append(fit)

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
    logs = over_grid([exponents.has_log_factor(p, ell, mu, d) for (p, mu), d in zip(grid, deltas, strict=True)])
    result["log_factor"] = (("protocol", "mu"), logs, {"long_name": "whether T has log d", "units": "1"})
    for bound in ("", "_low", "_high"):
        result["sample_exponent" + bound] = result["theta" + bound] + result.mu
        name = result["theta" + bound].attrs["long_name"].replace("time", "sample")
        result["sample_exponent" + bound].attrs = {"long_name": name, "units": "1"}
    theory = [exponents.recovery_exponent(p, ell, mu, d) for (p, mu), d in zip(grid, deltas, strict=True)]
    result["time_theory"] = (
        ("protocol", "mu", "dimension"),
        _first_principles(dataset, grid).reshape(*shape, -1),
        {"long_name": "recovery time from first principles, to leading order", "units": "steps"},
    )
    result["theta_theory"] = dataset.get("theta_theory", (("protocol", "mu"), over_grid(theory)))
    result["theta_theory"].attrs |= {"long_name": "time exponent of the theory", "units": "1"}
    return result


def _single_index(dataset):
    """The model, where one student learns one direction and the data set says which; else None."""
    if "second_layer" not in dataset.attrs or "batch_size" not in dataset:
        return None
    model = model_of(dataset)
    return model if model.students == model.teachers == 1 else None


def _several_coordinates(dataset):
    """The model, where one student with equal overlaps at the start learns several coordinates; else None."""
    if "second_layer" not in dataset.attrs or dataset.attrs.get("initial") != "inverse_sqrt_d":
        return None
    model = model_of(dataset)
    return model if model.students == 1 < model.teachers else None


def _first_principles(dataset, grid):
    """`recovery_time` at every cell; nan where the data set does not say of which model, or of a wider one."""
    model = _single_index(dataset)
    if model is None:
        return np.full((len(grid), dataset.sizes["dimension"]), np.nan)
    start, threshold = dataset.attrs.get("initial_overlap", 1.0), dataset.attrs.get("threshold", 0.5)

    def time(protocol, mu, dimension):
        cell = dataset.sel(protocol=protocol, mu=mu, dimension=dimension)
        return recovery_time(
            model,
            Protocol.named(protocol),
            dimension=int(dimension),
            batch_size=int(cell.batch_size),
            learning_rate=float(cell.learning_rate),
            start=start,
            threshold=threshold,
        )

    return np.array([[time(protocol, mu, d) for d in dataset.dimension.values] for protocol, mu in grid])


def _factor(dataset, cell, ell, delta):
    """The climb of the noiseless overlap, or None where steps so large are taken that nothing climbs smoothly."""
    if delta is not None and delta < 1 - max(ell, 2) / 2 - 0.02:
        return None
    start, threshold = dataset.attrs.get("initial_overlap", 1.0), dataset.attrs.get("threshold", 0.5)
    students = dataset.attrs.get("students", 1)
    if (several := _several_coordinates(dataset)) is not None:
        climbs = np.array([flow_climb(several, float(d), float(start), threshold) for d in dataset.dimension.values])
        return climbs if np.isfinite(climbs).all() else None
    model = _single_index(dataset)
    gain = None if model is None else cell.learning_rate.values * drift_coefficient(model)
    return climb_factor(ell, dataset.dimension.values, start=start, threshold=threshold / np.sqrt(students), gain=gain)


def _learning_rate_exponent(cell, protocol, ell, mu):
    """δ of the learning rates used, or None where they do not tell or are the theory's."""
    if "learning_rate" not in cell or cell.sizes["dimension"] < 2:
        return None
    delta = -float(np.polyfit(np.log(cell.dimension.values), np.log(cell.learning_rate.values), 1)[0])
    # Rates proportional to a rounded batch size meet the edge of learning only nearly.
    return None if abs(delta - exponents.optimal_learning_rate_exponent(protocol, ell, mu)) < 0.02 else delta


def _generator(protocol, mu):
    return np.random.default_rng(np.random.SeedSequence(list(f"{protocol} {mu:.9g}".encode())))
