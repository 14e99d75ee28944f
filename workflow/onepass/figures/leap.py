"""A staircase is climbed in about d samples, its highest stair alone in about d^2."""

import numpy as np
from matplotlib.lines import Line2D

from onepass.figures import curves, style
from onepass.theory.exponents import saddle_exponent

LINES = ((0, (1, 1)), "--", "-")  # of the dimensions, the largest the plainest
LEVEL = 0.25  # overlap whose samples are compared: above the start, below where each coordinate ends


@style.context()
def draw(datasets):
    """Draw the overlap with each coordinate against samples for every target, and samples to `LEVEL` against d.

    One data set a target, of one student, protocol and μ each.
    """
    figure = style.new_figure(3.2)
    axes = figure.subplots(1, len(datasets) + 1, width_ratios=[1.1] * len(datasets) + [1])
    for ax, dataset in zip(axes, datasets, strict=False):
        _overlaps(ax, dataset)
        ax.set_xlim(1, max(float((d.step.max("record") * d.batch_size / d.dimension).max()) for d in datasets))
        ax.set_ylim(0, 0.8)
    axes[0].set_ylabel("overlap with coordinate")
    _samples(axes[-1], datasets)

    teachers = max(dataset.sizes["teacher"] for dataset in datasets)
    dimensions = [int(d) for d in datasets[0].dimension.values]
    handles = [Line2D([], [], color=_colour(r), linewidth=1.8, label=f"$x_{r + 1}$") for r in range(teachers)]
    handles += [
        Line2D([], [], color=style.INK, linestyle=line, label=f"$d = {d}$")
        for d, line in zip(dimensions, _lines(dimensions), strict=True)
    ]
    handles.append(Line2D([], [], color=style.MUTED, linewidth=0.8, label="population flow"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.4)
    return figure


def samples_to(samples, overlap, level):
    """Samples at which a curve of overlaps climbs to a level, between records in their logarithm; nan if never."""
    reached = np.flatnonzero(overlap >= level)
    if not reached.size or reached[0] == 0:
        return np.nan
    if samples[reached[0] - 1] == 0:
        return samples[reached[0]]
    around = slice(reached[0] - 1, reached[0] + 1)
    return float(np.exp(np.interp(level, overlap[around], np.log(samples[around]))))


def _colour(coordinate):
    return style.COORDINATES[coordinate % len(style.COORDINATES)]


def _lines(dimensions):
    return (LINES * len(dimensions))[-len(dimensions) :]


def _runs(dataset):
    """The runs at each dimension."""
    return [dataset.isel(protocol=0, mu=0).sel(dimension=d) for d in dataset.dimension.values]


def _median(runs):
    """Overlaps (record, teacher) of the first student, median over replicas."""
    return runs.overlaps.isel(student=0).median("replica").transpose("record", "teacher").values


def _flow(runs):
    """Samples and overlaps (samples, teacher) of the population flow from the start of the runs."""
    start = runs.overlaps.isel(replica=[0], student=0, record=0).values
    samples = np.geomspace(float(runs.batch_size), curves.samples_used(runs)[-1], 300)
    return samples, curves.single_students(runs, start, samples / curves.samples_a_time(runs))[:, 0]


def _overlaps(ax, dataset):
    for runs, line in zip(_runs(dataset), _lines(dataset.dimension.values), strict=True):
        samples, median = curves.samples_used(runs), _median(runs)
        for r in range(median.shape[1]):
            ax.plot(samples[1:] / float(runs.dimension), median[1:, r], color=_colour(r), linestyle=line, linewidth=1.5)
    ax.set_xscale("log")
    ax.set_xlabel("samples $N/d$")
    ax.set_title(style.formula(dataset.attrs["target"]))


def _samples(ax, datasets):
    for dataset, marker in zip(datasets, "os^D", strict=False):
        each = _runs(dataset)
        power = saddle_exponent(int(dataset.attrs["information_exponent"]))
        measured = np.array([[samples_to(curves.samples_used(r), m, LEVEL) for m in _median(r).T] for r in each])
        flow = np.array([[samples_to(t, m, LEVEL) for m in overlaps.T] for t, overlaps in map(_flow, each)])
        for r in range(measured.shape[1]):
            ax.plot(dataset.dimension, flow[:, r], color=style.MUTED, linewidth=0.8, zorder=1)
            ax.plot(dataset.dimension, measured[:, r], marker, color=_colour(r), zorder=3)
        d, slowest = dataset.dimension.values.astype(float), measured[-1].max()
        ax.plot(d, slowest * (d / d[-1]) ** power, ":", color=style.INK, linewidth=0.9, zorder=2)
        if np.isfinite(slowest):
            law = f"${style.power_of_d(1, power)}$"
            ax.annotate(law, (d[-1], slowest), (0, 5), textcoords="offset points", ha="center")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlabel("dimension $d$")
    ax.set_ylabel(f"samples $N$ to an overlap of {LEVEL:g}")
