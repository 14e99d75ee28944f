"""The recovery times of all experiments in one table, a row a cell: what a reader takes elsewhere to plot or fit."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd

from onepass.analysis.recovery import recovery_quantile
from onepass.simulation.records import labelled

QUANTILES = (0.1, 0.25, 0.75, 0.9)  # beside the median
# Columns of the table: name, meaning, units.
COLUMNS = {
    "experiment": ("name of the experiment", ""),
    "target": ("formula of the target", ""),
    "protocol": ("training protocol", ""),
    "mu": ("exponent of the batch size", "1"),
    "dimension": ("input dimension d", "1"),
    "batch_size": ("batch size n_b", "samples"),
    "learning_rate": ("learning rate", "1"),
    "budget": ("steps after which a replica that has not recovered ends; empty where all recovered", "steps"),
    "replicas": ("replicas", "1"),
    "censored_fraction": ("fraction of replicas that did not recover within the budget", "1"),
    "diverged_fraction": ("fraction of replicas that diverged, among those that did not recover", "1"),
    "median": ("median recovery time, inf beyond the budget", "steps"),
    "median_low": ("lower 95 % bound of the median", "steps"),
    "median_high": ("upper 95 % bound of the median", "steps"),
    **{f"quantile_{q:g}": (f"quantile of {q:.0%} of the recovery times, inf beyond the budget", "steps")
       for q in QUANTILES},
    "time_theory": ("recovery time from first principles, to leading order", "steps"),
    "fitted": ("whether the dimension entered the fit of the exponent", "1"),
}  # fmt: skip


def table(runs: Sequence, fits: Sequence) -> pd.DataFrame:
    """One row with `COLUMNS` for every cell of gathered recovery experiments and what was fitted to each of them."""
    rows = []
    for gathered, fit in zip(runs, fits, strict=True):
        grid = product(*(gathered[dim].values for dim in ("protocol", "mu", "dimension")))
        for protocol, mu, dimension in grid:
            place = {"protocol": protocol, "mu": mu, "dimension": dimension}
            rows.append({**place, **_row(gathered.sel(place), fit.sel(place))})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def dataset(times: pd.DataFrame):
    """The table as an xarray.Dataset over ``row``, every variable with its meaning and units."""
    return labelled(times.rename_axis("row").to_xarray(), COLUMNS | {"row": ("row of the table", "1")})


def _row(cell, fit):
    steps, recovered = cell.recovery_step.values, cell.recovered.values.astype(bool)
    measured = {name: float(fit[name]) for name in ("median", "median_low", "median_high", "time_theory")}
    return measured | {
        "experiment": cell.attrs["experiment"],
        "target": cell.attrs["target"],
        "batch_size": int(cell.batch_size),
        "learning_rate": float(cell.learning_rate),
        "budget": np.nan if recovered.all() else float(steps[~recovered].max()),
        "replicas": steps.size,
        "censored_fraction": 1 - recovered.mean(),
        "diverged_fraction": float(cell["diverged_fraction"]) if "diverged_fraction" in cell else 0.0,
        **{f"quantile_{q:g}": recovery_quantile(steps, recovered, q) for q in QUANTILES},
        "fitted": bool(fit.fitted),
    }
