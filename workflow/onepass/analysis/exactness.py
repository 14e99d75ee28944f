"""Whether two engines draw from the same law: Kolmogorov-Smirnov tests."""

import numpy as np

from onepass.errors import OnepassError

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
        batch_size, dimension).  nan for one student's norm and Gram matrix: they repeat the overlap.
    """
    import xarray as xr

    engines = dataset.engine.values.tolist() if "engine" in dataset.coords and dataset.engine.ndim else []
    if len(engines) != 2:
        raise ExactnessError(f"engines are {engines}: there must be two, such as 'sgd' and 'chain'")
    values = dataset[list(TIMES if is_timed(dataset) else OBSERVABLES)].to_dataarray("observable")
    told = (values.students > 1) | values.observable.isin(["overlap", *TIMES])
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
