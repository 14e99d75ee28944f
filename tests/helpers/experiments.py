"""Experiments as the pipeline gathers them: made up for the figures, simulated for the fits."""

import numpy as np
import onepass
import xarray as xr
from onepass.analysis.exactness import OBSERVABLES
from onepass.analysis.fits import fit_experiment
from onepass.theory import exponents

DIMENSIONS = [32, 64, 128, 256]
PROTOCOLS = ["projected_square", "projected_correlation"]
GAMMA0, REPLICAS = 0.002, 48  # of the simulated ones


def experiment(target="He3(x1)", ell=3, mus=(0.0, 1.0, 1.5), censored=0, protocols=PROTOCOLS):
    """Planted recovery times with theory's exponents; the last `censored` μ never recover in more than a few runs."""
    rng = np.random.default_rng(1)
    d = np.array(DIMENSIONS, dtype=float)
    theory = np.array([[exponents.recovery_exponent(p, ell, mu) for mu in mus] for p in protocols])
    median = 50 * d ** theory[..., None]
    times = np.ceil(median[..., None] * np.exp(0.3 * rng.normal(size=(*median.shape, 12))))
    budget = np.ceil(1.5 * median[..., None])
    recovered = times <= budget
    for i in range(censored):
        recovered[:, -1 - i, :, 2:] = False
    times = np.where(recovered, times, budget)
    dims = ("protocol", "mu", "dimension")
    runs = xr.Dataset(
        {
            "recovery_step": ((*dims, "replica"), times),
            "recovered": ((*dims, "replica"), recovered),
            "batch_size": (dims[1:], np.round(d ** np.array(mus)[:, None])),
            "theta_theory": (dims[:2], theory),
        },
        coords={"protocol": protocols, "mu": list(mus), "dimension": DIMENSIONS},
        attrs={"target": target, "information_exponent": ell, "threshold": 0.5},
    )
    return xr.merge([runs, fit_experiment(runs, resamples=50)], compat="override", combine_attrs="override")


def exactness(shift=0.0, replicas=60):
    """Normal observables of both engines, those of the chain shifted."""
    rng = np.random.default_rng(2)
    coords = {
        "protocol": [*PROTOCOLS, "spherical_square"],
        "students": [1, 2],
        "batch_size": [1, 40],
        "dimension": [16, 64],
        "engine": ["sgd", "chain"],
    }
    shape = *(len(values) for values in coords.values()), replicas
    data = {name: ((*coords, "replica"), rng.normal(size=shape)) for name in OBSERVABLES}
    dataset = xr.Dataset(data, coords=coords)
    return dataset + shift * (dataset.engine == "chain")


def recovery(protocol, mu, engine="chain"):
    """Recovery times on the published scalings, as an aggregated experiment."""
    delta = exponents.optimal_learning_rate_exponent(protocol, 3, mu)
    theta = exponents.recovery_exponent(protocol, 3, mu)
    runs = [
        onepass.simulate(
            onepass.Model("He3(x1)", "He3"),
            onepass.Protocol.named(protocol),
            dimension=d,
            batch_size=round(d**mu),
            learning_rate=GAMMA0 * d**-delta,
            steps=round(0.25 * d**theta / GAMMA0),
            replicas=REPLICAS,
            engine=engine,
            seed=[11, d],
            initial=("overlap", d**-0.5),
            records=0,
        )[["recovery_step", "recovered"]]
        for d in DIMENSIONS
    ]
    dataset = xr.concat(runs, "dimension").drop_vars("step", errors="ignore").expand_dims(protocol=[protocol], mu=[mu])
    return dataset.assign_coords(dimension=DIMENSIONS).assign_attrs(information_exponent=3, threshold=0.5)


def drawn(ax):
    """x and y of the points with intervals of a panel, one array a call."""
    return [np.transpose(container[0].get_xydata()) for container in ax.containers]
