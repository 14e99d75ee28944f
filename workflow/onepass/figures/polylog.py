"""Polylogarithmic recovery: with ℓ = 2 and n_b ∝ d the correlation loss needs a time ∝ log d."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D

from onepass.figures import curves, style
from onepass.protocol import Protocol
from onepass.theory.dynamics import solve_dynamics

LARGEST = 32  # log2 of the largest d of the mean process
MOST_STEPS = 500  # of it


@style.context()
def draw(datasets):
    """Draw T against log2 d: the mean process to d = 2^32, the stochastic chain as far as it was run.

    Parameters
    ----------
    datasets : list of xarray.Dataset
        One experiment of recovery times with one protocol and μ, runs merged with fits.

    Returns
    -------
    matplotlib.figure.Figure
    """
    (dataset,) = datasets
    cell = dataset.isel(protocol=0, mu=0)
    exponent = np.arange(5, LARGEST + 1)
    figure = style.new_figure(3.0, 4.2)
    ax = figure.subplots()
    colour = style.look(str(cell.protocol.values)).colour
    ax.plot(exponent, [mean_time(cell, 2.0**k) for k in exponent], color=style.INK, linewidth=1.2)
    at = np.log2(cell.dimension.values)
    low, high = (np.quantile(cell.recovery_step.transpose("dimension", "replica"), q, axis=1) for q in (0.1, 0.9))
    median = cell["median"].values
    ax.errorbar(at, median, [median - low, high - median], fmt="s", color=colour, markersize=4, elinewidth=1)
    ax.set_xlabel(r"$\log_2 d$")
    ax.set_ylabel("recovery time $T$ (steps)")
    ax.set_ylim(0, None)
    handles = [
        Line2D([], [], color=style.INK, label="mean process"),
        Line2D([], [], color=colour, marker="s", linestyle="none", label="SGD: median, 10–90 % of replicas"),
    ]
    ax.legend(handles=handles, loc="upper left")
    ax.set_title(f"{style.formula(dataset.attrs['target'])}, {_scalings(cell)}")
    return figure


def mean_time(cell, dimension) -> float:
    """Steps of the mean process, on the scalings of the runs, to their threshold; nan beyond `MOST_STEPS`."""
    start = float(cell.start_norm[-1]) * np.sqrt(float(cell.dimension[-1]) / dimension)
    solved = solve_dynamics(
        model := curves.model(cell),
        Protocol.named(str(cell.protocol.values)),
        dimension=int(dimension),
        steps=MOST_STEPS,
        initial=("overlap", start / np.sqrt(model.teachers)),
        equation="finite_d",
        batch_size=max(1, round(float(cell.attrs["n0"]) * dimension ** float(cell.mu))),
        learning_rate=float(cell.attrs["gamma0"]) * dimension ** -float(cell.delta),
        records=10_000,
    )
    reached = np.linalg.norm(solved.overlap.values, axis=(1, 2)) >= float(cell.attrs["threshold"])
    return float(solved.step.values[np.argmax(reached)]) if reached.any() else np.nan


def _scalings(cell) -> str:
    """Batch size and learning rate of the runs, as mathematics."""
    n0, mu, gamma0, delta = (float(x) for x in (cell.attrs["n0"], cell.mu, cell.attrs["gamma0"], cell.delta))
    batch = f"{n0:g}\\,d" + ("" if mu == 1 else f"^{{\\,{mu:g}}}")
    rate = f"{gamma0:g}" + ("" if delta == 0 else f"\\,d^{{\\,{-delta:g}}}")
    return f"$n_b = {batch}$, $\\gamma = {rate}$"
