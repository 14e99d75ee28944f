"""Replicas in rounds, until the exponents of an experiment are known as well as was asked for.

Each round has twice the replicas of the one before and takes those over, so that its runs are those of an experiment
of so many replicas, whatever was run before. All rows have equally many.
"""

import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path

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

    Rounds end where half of every 95 % interval of θ is `theta_halfwidth` at most, or with `most_replicas`. A row that
    no θ can be fitted to is not waited for: replicas do not bring a median within its budget.

    Parameters are those of `onepass.pipeline.row.simulate_row`; the files are those of the experiment's cells.
    """
    until, replicas = experiment.until, experiment.replicas
    while True:
        plain = experiment.model_copy(update={"replicas": replicas, "until": None})
        cells = cells_of(name, plain)
        simulate_row(cells, outputs, cache, gpu_from, anew=anew)
        fits = fit_experiment(aggregate(name, plain, outputs), points=until.points, resamples=until.resamples)
        width, where = widest(fits)
        print(f"round of {replicas} replicas: θ ± {width:.3g} at most, {where}", flush=True)
        if width <= until.theta_halfwidth or replicas == until.most_replicas:
            break
        replicas = min(2 * replicas, until.most_replicas)
    for cell, made, output in zip(cells_of(name, experiment), cells, outputs, strict=True):
        store.write_cell(cell, store.read_cell(made, output), output)


def widest(fits) -> tuple[float, str]:
    """The largest half-width of the intervals of θ, and whose it is; 0 where there is no θ."""
    half = (fits.theta_high - fits.theta_low) / 2
    rows = product(fits.protocol.values, fits.mu.values)
    known = [(float(half.sel(protocol=p, mu=mu)), f"of {p} at mu = {mu:g}") for p, mu in rows]
    return max((each for each in known if math.isfinite(each[0])), default=(0.0, "no row has one"))
