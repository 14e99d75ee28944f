"""Whether two engines draw from the same law: Kolmogorov-Smirnov tests."""

import numpy as np

from onepass.errors import OnepassError
from onepass.protocol import Protocol, Update

OBSERVABLES = ("overlap", "overlap_norm", "gram_sum")
TIMES = ("recovery_step",)


class ExactnessError(OnepassError, ValueError):
    """Runs that do not hold two engines."""


def compare(dataset):
    """Test, setting by setting, that both engines draw from one law.

    Parameters
    ----------
    dataset : xarray.Dataset
        ``overlap``, ``overlap_norm``, ``gram_sum`` or, where the attribute ``threshold`` is a number,
        ``recovery_step`` in steps (protocol, students, batch_size, dimension, engine, replica); two engines, all
        replicas of both independent.  A time beyond the budget counts as the budget, with either engine.

    Returns
    -------
    xarray.Dataset
        ``p_value`` and ``distance`` of the two-sample Kolmogorov-Smirnov test over (observable, protocol, students,
        batch_size, dimension).  nan for one student's norm and Gram matrix where they repeat the overlap or the sphere.
    """
    import xarray as xr

    engines = dataset.engine.values.tolist() if "engine" in dataset.coords and dataset.engine.ndim else []
    if len(engines) != 2:
        raise ExactnessError(f"engines are {engines}: there must be two, such as 'sgd' and 'chain'")
    values = dataset[list(TIMES if is_timed(dataset) else OBSERVABLES)].to_dataarray("observable")
    plain = [Protocol.named(str(name)).update == Update.PLAIN for name in values.protocol.values]
    moving = (values.observable == "gram_sum") & xr.DataArray(plain, dims="protocol")
    told = (values.students > 1) | values.observable.isin(["overlap", *TIMES]) | moving
    p_value, distance = xr.apply_ufunc(
        _test,
        *(values.sel(engine=engine) for engine in engines),
        told,
        input_core_dims=[["replica"], ["replica"], []],
        output_core_dims=[[], []],
        vectorize=True,
    )
    dims = ("observable", "protocol", "students", "batch_size", "dimension")
    result = (
        xr.Dataset({"p_value": p_value, "distance": distance}).drop_vars("engine", errors="ignore").transpose(*dims)
    )
    pair = " against ".join(engines)
    result.p_value.attrs = {"long_name": f"two-sample Kolmogorov-Smirnov p-value, {pair}", "units": "1"}
    result.distance.attrs = {"long_name": "largest distance of the two distribution functions", "units": "1"}
    return result


def is_timed(dataset) -> bool:
    """Whether the runs of an exactness experiment stop at a threshold; a file has "null" where they do not."""
    return dataset.attrs.get("threshold") not in (None, "null")


def equal_laws(replicas: int, probability):
    """Quantile of the Kolmogorov-Smirnov distance between two samples of ``replicas`` from one continuous law.

    The asymptotic form, good to 1 % from a hundred replicas; times counted in steps lie closer together.
    """
    from scipy.stats import kstwobign

    return kstwobign.ppf(probability) * np.sqrt(2 / replicas)


def _test(first, second, told):
    from scipy.stats import ks_2samp

    if not told:
        return np.nan, np.nan
    found = ks_2samp(first, second)
    return found.pvalue, found.statistic


def leap_errors(dataset):
    """What leaps change in recovery times, setting by setting and tolerance by tolerance.

    Parameters
    ----------
    dataset : xarray.Dataset
        ``recovery_step``, ``recovered`` and ``leaps`` (protocol, gamma0, batch_size, dimension, leap_tolerance,
        replica); single steps stand at tolerance 0.  A time beyond the budget is later than all others.

    Returns
    -------
    xarray.Dataset
        Over (protocol, gamma0, batch_size, dimension, leap_tolerance > 0): ``bias`` of the median relative to that of
        single steps, nan where one of them lies beyond the budget; ``bias_low``, ``bias_high``, a 95 % interval of it
        by order statistics of both; ``distance`` and ``p_value`` of the two-sample Kolmogorov-Smirnov test; ``single``,
        leaps over steps, both summed over replicas: at 1 every leap is a step. Over (protocol, dimension,
        leap_tolerance): ``mean_bias``, ``mean_low``, ``mean_high``, the settings together, weighted by their intervals.
    """
    import xarray as xr

    if 0 not in dataset.leap_tolerance.values:
        raise ExactnessError(
            f"tolerances are {dataset.leap_tolerance.values.tolist()}: single steps, 0, must be among them"
        )
    times = dataset.recovery_step.where(dataset.recovered, np.inf).transpose(..., "replica")
    exact, leaps = (
        times.sel(leap_tolerance=0, drop=True),
        times.isel(leap_tolerance=np.flatnonzero(dataset.leap_tolerance > 0)),
    )
    names = ("bias", "bias_low", "bias_high", "p_value", "distance")
    found = xr.apply_ufunc(
        _leap_error,
        *xr.broadcast(exact, leaps),
        input_core_dims=[["replica"], ["replica"]],
        output_core_dims=[[]] * len(names),
        vectorize=True,
    )
    errors = xr.Dataset(dict(zip(names, found, strict=True)))
    own = dataset[["leaps", "recovery_step"]].isel(leap_tolerance=np.flatnonzero(dataset.leap_tolerance > 0))
    errors["single"] = own.leaps.sum("replica") / own.recovery_step.sum("replica")
    half_width = (errors.bias_high - errors.bias_low) / 2
    weight, settings = half_width.where(half_width > 0) ** -2.0, ["gamma0", "batch_size"]
    errors["mean_bias"] = (weight * errors.bias).sum(settings) / weight.sum(settings)
    reach = weight.sum(settings) ** -0.5
    errors["mean_low"], errors["mean_high"] = errors.mean_bias - reach, errors.mean_bias + reach
    return errors


def _leap_error(exact, leaps):
    median, low, high = _medians(exact)
    own, own_low, own_high = _medians(leaps)
    if not np.isfinite(median) or not np.isfinite(own):
        bias = down = up = np.nan
    else:
        bias = own / median - 1
        down = np.hypot(own - own_low, high - median) / median
        up = np.hypot(own_high - own, median - low) / median
    p_value, distance = _test(exact, leaps, told=True)
    return bias, bias - down, bias + up, p_value, distance


def _medians(times):
    """The median of times and its 95 % interval; each time somewhere within its last step, with which many may end."""
    ordered, count = np.sort(times - np.random.default_rng(1).random(len(times))), len(times)
    half_width = 0.98 * np.sqrt(count)  # 1.96 standard deviations of a binomial number of half as many
    ranks = count / 2 - half_width, count / 2 + half_width
    low, high = (ordered[int(np.clip(np.round(rank), 0, count - 1))] for rank in ranks)
    return ordered[count // 2], low, high
