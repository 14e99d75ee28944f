"""The best radius of a smoothed landscape, and the exponent of the time there, from searches of the best rate."""

import numpy as np

from onepass.analysis.recovery import RESOLUTION, bootstrap_quantile
from onepass.analysis.scaling import power_law
from onepass.protocol import Protocol


def radius_of(name: str) -> float:
    """The radius that a protocol smooths by; 0 for none."""
    return Protocol.named(str(name)).smoothing


def by_radius(datasets, resamples=1000):
    """Times at the best rate of each radius, and at the best radius.

    Parameters
    ----------
    datasets : xarray.Datasets of `onepass.analysis.tuned.fit_experiment`, whose protocols differ in their radius alone,
        on the same mu and dimensions.

    Returns
    -------
    xarray.Dataset
        ``time``, ``samples`` (radius, mu, dimension) with bounds ``_low`` and ``_high``; ``best_radius`` (mu,
        dimension) of the fewest samples; and ``theta`` (case, mu), the slope of log time on log d, with 95 % bounds:
        of the case ``"best"``, each dimension at its best radius, and of ``"none"``, radius 0, where there is one.
    """
    import xarray as xr

    rows = [dataset.sel(protocol=[name]) for dataset in datasets for name in dataset.protocol.values]
    rows = sorted(rows, key=lambda row: radius_of(row.protocol.item()))
    names = ("best_step", "best_recovered", "best_time", "best_samples")
    names += tuple(f"{name}_{bound}" for name in names[2:] for bound in ("low", "high"))
    kept = [row[[*names]].sortby(["mu", "dimension"]).squeeze("protocol", drop=True) for row in rows]
    radii = xr.DataArray([radius_of(row.protocol.item()) for row in rows], dims="radius", name="radius")
    found = xr.concat(kept, radii, join="exact").rename({name: name.removeprefix("best_") for name in names})
    place = found.time.argmin("radius")
    found["best_radius"] = found.radius[place]
    cases = {"best": found.isel(radius=place)} | ({"none": found.sel(radius=0.0)} if 0.0 in found.radius else {})
    slopes = [[_slope(case.sel(mu=mu), resamples) for mu in found.mu.values] for case in cases.values()]
    found = found.assign_coords(case=list(cases))
    for name, values in zip(("theta", "theta_low", "theta_high"), np.moveaxis(np.array(slopes), -1, 0), strict=True):
        found[name] = (("case", "mu"), values)
    return found.drop_vars(["step", "recovered"])


def _slope(series, resamples) -> tuple[float, float, float]:
    """Exponent of the median time of replicas that did not choose the rate, with its bounds; times are in steps."""
    rng = np.random.default_rng(np.random.SeedSequence(list(f"radius {series.mu.item():.9g}".encode())))
    time = series.time.values
    replicas = zip(series.step.values, series.recovered.values.astype(bool), strict=True)
    refits = np.array([bootstrap_quantile(*each, resamples, rng) for each in replicas])
    refits = np.maximum(refits + rng.uniform(-0.5, 0.5, refits.shape), 0.5)
    usable = np.isfinite(time) & np.isfinite(refits).all(axis=1)
    if usable.sum() < 2:
        return (np.nan,) * 3
    own = series.dimension.values[usable].astype(float), np.log(time[usable]), np.log(refits[usable])
    return power_law(*own, rng, resolution=RESOLUTION / np.maximum(time[usable], 0.5))
