"""Whether the overlap chain and d-dimensional SGD have the same law: Kolmogorov-Smirnov tests."""

from __future__ import annotations

import numpy as np

OBSERVABLES = ("overlap", "overlap_norm", "gram_sum")


class ExactnessError(ValueError):
    """Runs that do not hold both simulators."""


def compare(dataset):
    """Test, setting by setting, that both simulators draw from one law.

    Parameters
    ----------
    dataset : xarray.Dataset
        ``overlap``, ``overlap_norm``, ``gram_sum`` (protocol, students, batch_size, dimension, engine, replica),
        engines ``"sgd"`` and ``"chain"``; all replicas of both independent.

    Returns
    -------
    xarray.Dataset
        ``p_value`` and ``distance`` of the two-sample Kolmogorov-Smirnov test over (observable, protocol, students,
        batch_size, dimension).  nan for one student's norm and Gram matrix: they repeat the overlap.
    """
    import xarray as xr

    engines = dataset.engine.values.tolist() if "engine" in dataset.coords else []
    if sorted(engines) != ["chain", "sgd"]:
        raise ExactnessError(f"engines are {engines}: they must be 'sgd' and 'chain'")
    values = dataset[list(OBSERVABLES)].to_dataarray("observable")
    told = (values.students > 1) | (values.observable == "overlap")
    p_value, distance = xr.apply_ufunc(
        _test,
        values.sel(engine="sgd"),
        values.sel(engine="chain"),
        told,
        input_core_dims=[["replica"], ["replica"], []],
        output_core_dims=[[], []],
        vectorize=True,
    )
    dims = ("observable", "protocol", "students", "batch_size", "dimension")
    result = (
        xr.Dataset({"p_value": p_value, "distance": distance}).drop_vars("engine", errors="ignore").transpose(*dims)
    )
    result.p_value.attrs = {"long_name": "two-sample Kolmogorov-Smirnov p-value, sgd against chain", "units": "1"}
    result.distance.attrs = {"long_name": "largest distance of the two distribution functions", "units": "1"}
    return result


def _test(sgd, chain, told):
    from scipy.stats import ks_2samp

    if not told:
        return np.nan, np.nan
    found = ks_2samp(sgd, chain)
    return found.pvalue, found.statistic
