"""Many students of a few directions: the overlap of each along the runs."""

import numpy as np
from matplotlib.lines import Line2D

from onepass.figures import curves, style
from onepass.theory.exponents import half

HORIZON = 20.0  # of the flow, in units of d^(h − 1) of its time: most students have recovered by then


@style.context()
def draw(datasets):
    """Draw ‖m_j‖ of every student against samples, and their median; rows datasets, columns μ.

    Data sets of one protocol and dimension each, and of equal μ.
    """
    mus = datasets[0].mu.values
    figure = style.new_figure(1.9 * len(datasets) + 0.7)
    axes = figure.subplots(len(datasets), len(mus), squeeze=False, sharex=True, sharey=True)
    for row, dataset in zip(axes, datasets, strict=True):
        colour = style.look(str(dataset.protocol.values[0])).colour
        times, (low, middle, high) = _flow(dataset)
        for ax, mu in zip(row, mus, strict=True):
            runs = dataset.isel(protocol=0, dimension=0).sel(mu=mu)
            norms, samples, flowing = _norms(runs), curves.samples_used(runs), times * curves.samples_a_time(runs)
            ax.plot(samples[1:], norms[1:], color=colour, linewidth=0.4, alpha=0.4, zorder=2, rasterized=True)
            ax.plot(samples[1:], np.median(norms, axis=1)[1:], color=colour, linewidth=1.8, zorder=4)
            ax.fill_between(flowing, low, high, color=style.MUTED, alpha=0.25, linewidth=0, zorder=0)
            ax.plot(flowing, middle, "--", color=style.INK, linewidth=1.1, zorder=5)
            ax.axvline(samples[-1], color=style.MUTED, linewidth=0.7, linestyle=":", zorder=1)
        row[0].set_ylabel(f"$\\gamma_0 = {dataset.attrs['gamma0']:g}$\n" + r"overlap $\|m_j\|$")
    for ax, mu in zip(axes[0], mus, strict=True):
        ax.set_title(f"${curves.batch(datasets[0], mu)}$")
        ax.set_xscale("log")
        ax.set_xlim(left=float(datasets[0].batch_size.max()) / 10)  # before that nothing moves
        ax.set_ylim(0, 1.03)
    for ax in axes[-1]:
        ax.set_xlabel("samples $N$")
    handles = [
        Line2D([], [], color=colour, linewidth=0.6, label="each student"),
        Line2D([], [], color=colour, linewidth=1.8, label="their median"),
        Line2D([], [], color=style.INK, linestyle="--", label="population flow: median, 10 to 90 %"),
        Line2D([], [], color=style.MUTED, linestyle=":", linewidth=0.9, label="end of the runs"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.2)
    return figure


def _norms(runs):
    """‖m_j‖ (record, replica·student)."""
    norms = np.linalg.norm(runs.overlaps.transpose("record", "replica", "student", "teacher").values, axis=-1)
    return norms.reshape(len(norms), -1)


def _flow(dataset):
    """Times and quantiles of the overlaps of all students of a data set, each alone in the population flow."""
    first = dataset.isel(protocol=0, dimension=0, record=0)
    starts = first.overlaps.transpose("mu", "replica", "student", "teacher").values
    times = np.geomspace(HORIZON * 1e-6, HORIZON, 300)
    times *= float(first.dimension) ** (half(int(dataset.attrs["information_exponent"])) - 1)
    flow = curves.single_students(first, starts.reshape(-1, starts.shape[-1]), times)
    return times, np.quantile(np.linalg.norm(flow, axis=-1), [0.1, 0.5, 0.9], axis=1)
