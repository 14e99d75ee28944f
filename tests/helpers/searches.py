"""Planted searches of the best learning rate: times whose best rate and exponents are known."""

import numpy as np
import xarray as xr
from onepass.analysis import tuned
from scipy.stats import norm

RATES = np.geomspace(0.3, 4, 12)


def planted(rng, best=1.0, time=1e6, replicas=48, curve=0.6):
    """Times with ``log median = log T + curve (log γ/γ*)²``: exponential ones, as where noise decides, and censored.

    Their luck is that of a neighbouring rate up to a correlation of 0.9; the budget is twice the shortest median. Also
    other times at the best rate, within ten times the median.
    """
    luck = [rng.normal(size=replicas)]
    for _ in RATES[1:]:
        luck.append(0.9 * luck[-1] + np.sqrt(1 - 0.9**2) * rng.normal(size=replicas))
    scale = time * np.exp(curve * np.log(RATES / best) ** 2)[:, None] / np.log(2)
    times = -np.log(norm.sf(luck)) * scale
    budget = np.full(len(RATES), 2 * time)
    other = rng.exponential(time / np.log(2), replicas)
    again = np.minimum(other, 10 * time), other < 10 * time
    return np.minimum(times, budget[:, None]), times < budget[:, None], budget, again


def searches(delta=1.5, theta=2.0, mu=0.5, empty=(), protocol="projected_square"):
    """A gathered experiment with planted exponents; at the dimensions of `empty` nothing recovers."""
    rng, dimension = np.random.default_rng(2), np.array([2**10, 2**20, 2**30])
    cells = [planted(rng, time=1e3 * d**theta, replicas=64) for d in dimension]
    steps, recovered, budget = (np.stack([cell[i] for cell in cells]) for i in range(3))
    best_step, best_recovered = (np.stack([cell[3][i] for cell in cells]) for i in range(2))
    for found in (recovered, best_recovered):
        found[[i for i, d in enumerate(dimension) if d in empty]] = False
    rates = RATES * dimension[:, None] ** -float(delta)
    wide = (("protocol", "mu", "dimension", "rate"), rates[None, None])
    data = {
        "learning_rate": wide,
        "budget": (wide[0], budget[None, None]),
        "tolerance": (wide[0], np.full(rates.shape, 0.01)[None, None]),
        "recovery_step": ((*wide[0], "replica"), steps[None, None]),
        "recovered": ((*wide[0], "replica"), recovered[None, None]),
        "best_step": (("protocol", "mu", "dimension", "replica"), best_step[None, None]),
        "best_recovered": (("protocol", "mu", "dimension", "replica"), best_recovered[None, None]),
        "batch_size": (("mu", "dimension"), dimension[None] ** mu),
    }
    coords = {"protocol": [protocol], "mu": [mu], "dimension": dimension}
    about = {"target": "He3(x1)", "activation": "He3", "students": 1, "second_layer": "null", "noise": 0.0}
    return xr.Dataset(data, coords=coords, attrs={"information_exponent": 3, **about})


def fitted(**about):
    """Searches with what is fitted to them, as a figure gets both."""
    runs = searches(**about)
    return xr.merge([runs, tuned.fit_experiment(runs, resamples=100)], combine_attrs="override")


def values(ax, axis):
    """Coordinates of all markers in a panel, sorted."""
    lines = [line for line in ax.lines if line.get_marker() not in ("None", "", None, "|", "_")]
    return np.sort(np.concatenate([getattr(line, f"get_{axis}data")() for line in lines]).astype(float))
