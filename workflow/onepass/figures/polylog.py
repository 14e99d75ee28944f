"""Polylogarithmic recovery: with ℓ = 2 and n_b ∝ d the correlation loss needs a time ∝ log d."""

import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.gathered import model_of, start_of
from onepass.figures import curves, style
from onepass.protocol import Protocol
from onepass.simulation.parameters import LARGEST_COUNT
from onepass.theory.dynamics import solve_dynamics

SMALLEST, LARGEST = 5, 32  # log2 of the d of the mean process
MOST_STEPS = 10_000  # of the mean process: where T grows like a power of d it is drawn as far as this goes


@style.context()
def draw(datasets):
    """Draw T against log2 d: the mean process to d = 2^32, the stochastic chain as far as it was run.

    One experiment of one protocol and μ, of equal overlaps at the start.
    """
    (dataset,) = datasets
    series = dataset.isel(protocol=0, mu=0)
    figure = style.new_figure(3.0, 4.2)
    ax = figure.subplots()
    colour = style.look(str(series.protocol.values)).colour
    exponent = np.arange(SMALLEST, LARGEST + 1)
    ax.plot(exponent, [mean_time(series, 2 ** int(k)) for k in exponent], color=style.INK, linewidth=1.2)
    at = np.log2(series.dimension.values)
    low, high = (np.quantile(series.recovery_step.transpose("dimension", "replica"), q, axis=1) for q in (0.1, 0.9))
    median = series["median"].values
    ax.errorbar(at, median, [median - low, high - median], fmt="s", color=colour, markersize=4, elinewidth=1)
    ax.set_xlabel(r"$\log_2 d$")
    ax.set_ylabel("recovery time $T$ (steps)")
    ax.set_ylim(0, None)
    handles = [
        Line2D([], [], color=style.INK, label="mean process"),
        Line2D([], [], color=colour, marker="s", linestyle="none", label="SGD: median, 10–90 % of replicas"),
    ]
    ax.legend(handles=handles, loc="upper left")
    rate = style.power_of_d(float(series.attrs["gamma0"]), -float(series["delta"]))
    batch = curves.batch(series, series.mu)
    ax.set_title(f"{style.formula(series.attrs['target'])}, ${batch}$, $\\gamma = {rate}$")
    return figure


def mean_time(series, dimension: int) -> float:
    """Steps of the mean process until the overlaps' norm reaches the experiment's threshold.

    Batch size, learning rate, start and budget follow d as those of the experiment do. nan where it does not get there
    within its budget or `MOST_STEPS`, or the batch is beyond `LARGEST_COUNT`.
    """
    about, d = series.attrs, float(dimension)
    batch_size = round(about["n0"] * d ** float(series.mu))
    budget = about["step_budget"] / about["gamma0"] * d ** float(series.theta_theory)
    if batch_size > LARGEST_COUNT:
        return np.nan
    model = model_of(series)
    scaled_start = float(start_of(series)[0]) * float(series.dimension[0]) ** 0.5  # in units of 1/√d at every d
    solved = solve_dynamics(
        model,
        Protocol.named(str(series.protocol.values)),
        dimension=dimension,
        steps=int(min(np.ceil(budget), MOST_STEPS)),
        initial=("overlap", scaled_start * d**-0.5 / model.teachers**0.5),
        equation="finite_d",
        batch_size=max(1, batch_size),
        learning_rate=about["gamma0"] * d ** -float(series["delta"]),
        records=MOST_STEPS,
    )
    there = np.flatnonzero(np.linalg.norm(solved.overlap.values, axis=(1, 2)) >= about["threshold"])
    return float(solved.step.values[there[0]]) if there.size else np.nan
