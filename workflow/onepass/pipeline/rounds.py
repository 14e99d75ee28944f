"""Replicas in rounds, until the exponents of an experiment are known as well as was asked for.

Each round has twice the replicas of the one before and takes those over, so that its runs are those of an experiment
of so many replicas, whatever was run before. All rows have equally many.
"""

import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from onepass.analysis.fits import fit_experiment
from onepass.pipeline import store
from onepass.pipeline.aggregate import aggregate
from onepass.pipeline.experiments import RecoveryExperiment
from onepass.pipeline.grid import cells_of
from onepass.pipeline.row import simulate_row


def simulate_rounds(
    name: str,
    experiment: RecoveryExperiment,
    outputs: Sequence[str],
    cache: str | Path,
    gpu_from: float = math.inf,
    *,
    anew: bool = False,
) -> None:
    """Simulate all cells of an experiment until each θ is known, one file each; what happens is printed.

    Rounds end where half of every 95 % interval of θ is `theta_halfwidth` at most, or with `most_replicas`. A row whose
    medians lie beyond their budget is not waited for: replicas do not bring them back.

    Parameters are those of `onepass.pipeline.row.simulate_row`; the files are those of the experiment's cells.
    """
    until, replicas = experiment.until, experiment.replicas
    while True:
        plain = experiment.model_copy(update={"replicas": replicas, "until": None})
        cells = cells_of(name, plain)
        simulate_row(cells, outputs, cache, gpu_from, anew=anew)
        fits = fit_experiment(aggregate(name, plain, outputs), points=until.points, resamples=until.resamples)
        width, where = widest(fits)
        print(f"round of {replicas} replicas: {where}", flush=True)
        if width <= until.theta_halfwidth or replicas == until.most_replicas:
            break
        replicas = min(2 * replicas, until.most_replicas)
    for cell, made, output in zip(cells_of(name, experiment), cells, outputs, strict=True):
        store.write_cell(cell, store.read_cell(made, output), output)


def widest(fits) -> tuple[float, str]:
    """The largest half-width of the intervals of θ, and whose it is; inf where a median has no upper bound yet, which
    more replicas may give it, and 0 where there is no θ to wait for."""
    half = (fits.theta_high - fits.theta_low) / 2
    bounded = (np.isfinite(fits["median_high"]) | ~np.isfinite(fits["median"])).all("dimension")
    half = half.where(bounded, np.inf)
    known = [(float(half.sel(protocol=p, mu=mu)), p, mu) for p, mu in product(fits.protocol.values, fits.mu.values)]
    width, protocol, mu = max((each for each in known if not math.isnan(each[0])), default=(0.0, "", 0.0))
    if not protocol:
        return width, "no row has a θ"
    what = f"θ ± {width:.3g} at most" if math.isfinite(width) else "a median without an upper bound"
    return width, f"{what}, of {protocol} at mu = {mu:g}"
