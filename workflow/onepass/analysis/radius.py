"""The best radius of a smoothed landscape, and the exponent of the time there, from searches of the best rate."""

import numpy as np

from onepass.analysis.tuned import time_exponent
from onepass.protocol import Protocol


def radius_of(name: str) -> float:
    """The radius that a protocol smooths by; 0 for none."""
    return Protocol.named(str(name)).smoothing


def by_radius(datasets, resamples=1000):
    """Times at the best rate of each radius, and at the best radius.

    Parameters
    ----------
    datasets : xarray.Datasets of `onepass.analysis.tuned.fit_experiment`, whose protocols differ in their radius alone,
        on the same mu; a radius may have other dimensions than another.

    Returns
    -------
    xarray.Dataset
        ``time``, ``samples`` (radius, mu, dimension) with bounds ``_low`` and ``_high``, nan where nothing was run;
        ``best_radius`` (mu, dimension), of the shortest search: those replicas choose, others are measured; and
        ``theta`` (case, mu), the slope of log time on log d, with 95 % bounds: of the case ``"best"``, each dimension
        at its best radius, and of ``"none"``, radius 0, where there is one.
    """
    import xarray as xr

    rows = [dataset.sel(protocol=name, drop=True) for dataset in datasets for name in dataset.protocol.values]
    radii = [radius_of(name) for dataset in datasets for name in dataset.protocol.values]
    found = xr.concat(
        [_measured(row) for row in rows], xr.DataArray(radii, dims="radius", name="radius"), join="outer"
    ).sortby(["radius", "mu", "dimension"])
    place = found.searched.fillna(np.inf).argmin("radius")
    found["best_radius"] = found.radius[place]
    cases = {"best": found.isel(radius=place)} | ({"none": found.sel(radius=0.0)} if 0.0 in found.radius else {})
    slopes = [
        [time_exponent(row.dimension.values, row.step.values, row.recovered.values, resamples) for row in rows]
        for rows in ([case.sel(mu=mu) for mu in found.mu.values] for case in cases.values())
    ]
    found = found.assign_coords(case=list(cases))
    for name, values in zip(("theta", "theta_low", "theta_high"), np.moveaxis(np.array(slopes), -1, 0), strict=True):
        found[name] = (("case", "mu"), values)
    return found.drop_vars(["step", "recovered", "searched"])


def _measured(row):
    """Of one radius: times of the replicas that did not choose the rate, and the shortest median of those that did."""
    import xarray as xr

    names = ["best_step", "best_recovered"]
    names += [f"best_{name}{bound}" for name in ("time", "samples") for bound in ("", "_low", "_high")]
    kept = row[names].rename({name: name.removeprefix("best_") for name in names})
    kept["recovered"] = kept.recovered.astype(float)  # where a radius was not run this is nan
    kept["searched"] = xr.where(row.recovered, row.recovery_step, np.inf).median("replica").min("rate")
    return kept
