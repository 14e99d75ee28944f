"""What the figures of overlaps and risks along runs share: replicas as thin lines, their median as a thick one.

Datasets are aggregated trajectories, see `pipeline.aggregate`; a *cell* is one of them at one protocol, μ and
dimension.
"""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.gathered import model_of as model
from onepass.figures import style
from onepass.protocol import Protocol
from onepass.theory import dynamics
from onepass.theory.population_flow import population_flow

LABELS = {"overlap_norm": r"overlap $\|M\|_F$", "risk": "excess risk"}


def samples(cell) -> np.ndarray:
    """Samples used at each record, in units of ``d^max(ℓ - 1, 1)``: what recovery costs up to a constant."""
    power = max(int(cell.attrs["information_exponent"]) - 1, 1)
    return cell.step.values * float(cell.batch_size) / float(cell.dimension) ** power


def draw_runs(ax, x, cell, quantity, colour, *, replicas=True, shape="-"):
    """Draw a quantity of all replicas, array (replica, record), against `x` (record,); step 0 has no logarithm."""
    values, seen = cell[quantity].transpose("replica", "record").values, x > 0
    if replicas:
        ax.plot(x[seen], values[:, seen].T, color=colour, linewidth=0.4, alpha=0.35, zorder=2, rasterized=True)
    ax.plot(x[seen], np.median(values, axis=0)[seen], shape, color=colour, linewidth=1.6, zorder=4)


def draw_mean(ax, x, cell, quantity, colour, every=1, **look):
    """Draw the mean over replicas as markers with its standard error."""
    values = cell[quantity].transpose("replica", "record").values
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    kept = np.flatnonzero(x > 0)[::every]
    look = {"fmt": "o", "markersize": 2.6, "elinewidth": 0.7, "linestyle": "none", "zorder": 3} | look
    ax.errorbar(x[kept], values.mean(axis=0)[kept], error[kept], color=colour, **look)


def mean_process(cell, protocol, *, intra_batch=True):
    """The finite-d mean process on the settings of a cell; an xarray.Dataset as of `onepass.solve_dynamics`."""
    return dynamics.solve_dynamics(
        model(cell),
        Protocol.named(protocol),
        dimension=int(cell.dimension),
        steps=int(cell.step.max()),
        initial=("overlap", _initial(cell)),
        equation="finite_d",
        batch_size=int(cell.batch_size),
        learning_rate=float(cell.learning_rate),
        intra_batch=intra_batch,
        records=200,
    )


def limit(cell, protocol):
    """The limit of infinite dimension on the scalings of a cell."""
    return dynamics.solve_dynamics(
        model(cell),
        Protocol.named(protocol),
        dimension=int(cell.dimension),
        steps=int(cell.step.max()),
        initial=("overlap", _initial(cell)),
        equation="limit",
        mu=float(cell.mu),
        delta=float(cell.attrs["delta"]),
        batch_prefactor=float(cell.attrs["n0"]),
        learning_rate_prefactor=float(cell.attrs["gamma0"]),
        records=200,
    )


def single_students(cell, starts, samples):
    """Overlaps (samples, n, teacher) of the students of a cell, each alone, that start with `starts` (n, teacher).

    `starts` holds whole sets of students, one after another.
    """
    own = model(cell)
    time = samples * float(cell.learning_rate) / (float(cell.batch_size) * own.students)
    return population_flow(own, starts, np.resize(own.second_layer, len(starts)), time)


def protocol_handles(names):
    """Legend handles of protocols drawn as lines."""
    return [Line2D([], [], color=style.look(n).colour, linewidth=1.6, label=style.look(n).label) for n in names]


def dimension_colours(dimension):
    """Colours of dimensions, from light to dark."""
    import matplotlib as mpl

    values = sorted(int(d) for d in np.atleast_1d(dimension))
    return dict(zip(values, mpl.colormaps["viridis"](np.linspace(0.8, 0.0, len(values))), strict=True))


def dimension_handles(colours):
    """Legend handles of the dimensions."""
    return [Line2D([], [], color=colour, linewidth=1.6, label=f"$d = {d}$") for d, colour in colours.items()]


def _initial(cell) -> float:
    start = cell.attrs["initial"]
    return float(cell.dimension) ** -0.5 if start == "inverse_sqrt_d" else float(start)
