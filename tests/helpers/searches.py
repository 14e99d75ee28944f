"""Planted searches of the best learning rate: times whose best rate and exponents are known."""

import numpy as np
import xarray as xr

RATES = np.geomspace(0.3, 4, 12)


def planted(rng, best=1.0, time=1e6, replicas=48, spread=0.5, curve=0.6):
    """Times of replicas with ``log median = log T + curve (log γ/γ*)²``, and a luck shared by all rates."""
    shape = curve * np.log(RATES / best) ** 2
    luck = rng.normal(size=replicas) * spread
    own = rng.normal(size=(len(RATES), replicas)) * 0.1 * spread
    times = time * np.exp(shape[:, None] + luck + own)
    budget = np.full(len(RATES), 4 * time)
    return np.minimum(times, budget[:, None]), times < budget[:, None], budget


def searches(delta=1.5, theta=2.0, mu=0.5, empty=(), protocol="projected_square"):
    """A gathered experiment with planted exponents; at the dimensions of `empty` nothing recovers."""
    rng, dimension = np.random.default_rng(2), np.array([2**10, 2**20, 2**30])
    cells = [planted(rng, time=1e3 * d**theta, replicas=64) for d in dimension]
    steps, recovered, budget = (np.stack([cell[i] for cell in cells]) for i in range(3))
    recovered[[i for i, d in enumerate(dimension) if d in empty]] = False
    rates = RATES * dimension[:, None] ** -float(delta)
    wide = (("protocol", "mu", "dimension", "rate"), rates[None, None])
    data = {
        "learning_rate": wide,
        "budget": (wide[0], budget[None, None]),
        "tolerance": (wide[0], np.full(rates.shape, 0.01)[None, None]),
        "recovery_step": ((*wide[0], "replica"), steps[None, None]),
        "recovered": ((*wide[0], "replica"), recovered[None, None]),
        "batch_size": (("mu", "dimension"), dimension[None] ** mu),
    }
    coords = {"protocol": [protocol], "mu": [mu], "dimension": dimension}
    about = {"target": "He3(x1)", "activation": "He3", "students": 1, "second_layer": "null", "noise": 0.0}
    return xr.Dataset(data, coords=coords, attrs={"information_exponent": 3, **about})
