"""Polylogarithmic recovery: with ℓ = 2 and n_b ∝ d the correlation loss needs a time ∝ log d."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D

from onepass.figures import curves, style
from onepass.protocol import Protocol
from onepass.theory.dynamics import solve_dynamics

LARGEST = 32  # log2 of the largest d of the mean process


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
    ax.plot(exponent, [mean_time(dataset, 2.0**k) for k in exponent], color=style.INK, linewidth=1.2)
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
    n0, gamma0 = dataset.attrs["n0"], dataset.attrs["gamma0"]
    ax.set_title(f"{style.formula(dataset.attrs['target'])}, $n_b = {n0:g}\\,d$, $\\gamma = {gamma0:g}$")
    return figure


def mean_time(dataset, dimension) -> int:
    """Steps of the mean process until the overlap reaches the experiment's threshold."""
    protocol = str(dataset.protocol.values[0])
    solved = solve_dynamics(
        curves.model(dataset),
        Protocol.named(protocol),
        dimension=int(dimension),
        steps=60,
        initial=("overlap", float(dimension) ** -0.5),
        equation="finite_d",
        batch_size=int(dataset.attrs["n0"] * dimension),
        learning_rate=float(dataset.attrs["gamma0"]),
        records=10_000,
    )
    overlap = np.linalg.norm(solved.overlap.values, axis=(1, 2))
    return int(solved.step.values[np.argmax(overlap >= float(dataset.attrs["threshold"]))])
