"""What the figures of overlaps and risks along runs share: replicas as thin lines, their median as a thick one.

Data sets are aggregated trajectories; *runs* are what one of them holds of one protocol, μ and dimension.
"""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.gathered import model_of
from onepass.analysis.recovery import samples_seen
from onepass.figures import style
from onepass.protocol import Protocol
from onepass.theory import dynamics
from onepass.theory.climb import start_norm
from onepass.theory.exponents import half, saddle_exponent
from onepass.theory.population_flow import population_flow

LABELS = {"overlap_norm": r"overlap $\|M\|_F$", "risk": "excess risk"}


def samples(runs) -> np.ndarray:
    """Samples used at each record, in units of ``d^(2h − 1)``: what recovery costs up to a constant."""
    return samples_used(runs) / float(runs.dimension) ** saddle_exponent(int(runs.attrs["information_exponent"]))


def samples_used(runs) -> np.ndarray:
    """Samples used at each record."""
    return samples_seen(runs.protocol.item(), float(runs.batch_size), runs.step.values)


def learning_rate(runs) -> tuple[float, float]:
    """γ0 and δ of ``γ = γ0 d^(−δ)``; on the line of the edge of learning γ0 holds what n_b and p bring."""
    gamma0, delta = float(runs.attrs["gamma0"]), runs.attrs["delta"]
    if delta != "line":
        return gamma0, float(delta)
    on_line = gamma0 * int(runs.attrs["students"]) * float(runs.attrs["n0"])
    return on_line, half(int(runs.attrs["information_exponent"])) - float(runs.mu)


def batch(dataset, mu) -> str:
    """How the batch size scales, set as mathematics without its dollars."""
    return f"n_b = {style.power_of_d(float(dataset.attrs['n0']), float(mu))}"


def draw_runs(ax, x, runs, quantity, colour):
    """Draw a quantity of all replicas, array (replica, record), against `x` (record,); step 0 has no logarithm."""
    values, seen = runs[quantity].transpose("replica", "record").values, x > 0
    ax.plot(x[seen], values[:, seen].T, color=colour, linewidth=0.4, alpha=0.35, zorder=2, rasterized=True)
    ax.plot(x[seen], np.median(values, axis=0)[seen], color=colour, linewidth=1.6, zorder=4)


def draw_mean(ax, x, runs, quantity, colour, every=1, **look):
    """Draw the mean over replicas as markers with its standard error."""
    values = runs[quantity].transpose("replica", "record").values
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    kept = np.flatnonzero(x > 0)[::every]
    look = {"fmt": "o", "markersize": 2.6, "elinewidth": 0.7, "linestyle": "none", "zorder": 3} | look
    ax.errorbar(x[kept], values.mean(axis=0)[kept], error[kept], color=colour, **look)


def mean_process(runs, protocol, *, intra_batch=True):
    """The finite-d mean process on the settings of runs; an xarray.Dataset as of `onepass.solve_dynamics`."""
    rate = {"batch_size": int(runs.batch_size), "learning_rate": float(runs.learning_rate)}
    return _solved(runs, protocol, equation="finite_d", intra_batch=intra_batch, **rate)


def limit(runs, protocol):
    """The limit of infinite dimension on the scalings of runs."""
    prefactor, delta = learning_rate(runs)
    prefactors = {"batch_prefactor": float(runs.attrs["n0"]), "learning_rate_prefactor": prefactor}
    return _solved(runs, protocol, equation="limit", mu=float(runs.mu), delta=delta, **prefactors)


def _solved(runs, protocol, **own):
    return dynamics.solve_dynamics(
        model_of(runs),
        Protocol.named(protocol),
        dimension=int(runs.dimension),
        steps=int(runs.step.max()),
        initial=("overlap", initial_overlap(runs)),
        records=200,
        **own,
    )


def single_students(runs, starts, times):
    """Overlaps (times, n, teacher) in the population flow of students that start, each alone, with `starts`.

    `starts` (n, teacher) are whole sets of the runs' students, one after another; `samples_a_time` turns the times of
    the flow into samples.
    """
    own = model_of(runs)
    return population_flow(own, starts, np.resize(own.second_layer, len(starts)), times)


def samples_a_time(runs) -> float:
    """Samples that a unit of time of the population flow takes."""
    return float(runs.batch_size) * int(runs.attrs["students"]) / float(runs.learning_rate)


def protocol_handles(names):
    """Legend handles of protocols drawn as lines."""
    return style.protocol_handles(names, marker=None, linewidth=1.6)


def dimension_colours(dimension):
    """Colours of dimensions, from light to dark."""
    values = sorted(int(d) for d in np.atleast_1d(dimension))
    return dict(zip(values, mpl.colormaps["viridis"](np.linspace(0.8, 0.0, len(values))), strict=True))


def dimension_handles(colours):
    """Legend handles of the dimensions."""
    return [Line2D([], [], color=colour, linewidth=1.6, label=f"$d = {d}$") for d, colour in colours.items()]


def initial_overlap(runs) -> float:
    """The overlap of every student with every direction at the start; on the sphere a typical one."""
    start, dimension, teachers = runs.attrs["initial"], float(runs.dimension), runs.sizes["teacher"]
    if start == "inverse_sqrt_d":
        return dimension**-0.5
    return float(start_norm(start, teachers, dimension) / np.sqrt(teachers) if isinstance(start, str) else start)
