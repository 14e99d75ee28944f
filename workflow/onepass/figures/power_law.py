"""Risk against steps for inputs whose variances are a power law: linear students, committees, and their exponents."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.gathered import model_of
from onepass.figures import curves, panels, style
from onepass.inputs.kind import MOST_BLOCKS
from onepass.theory.power_law import mean_risk, risk_exponent

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_MARKERS = "oshD^"
_DASHES = (0, (4, 2))
DECADE = 10.0  # of steps at the end of a run, to which a power is fitted
MARKS = 4  # records from one marker to the next
DODGE = 0.05  # of an exponent, between targets


@style.context()
def draw(datasets):
    """Draw the risk of the runs against steps, a panel a target, and what exponents they end with beside the theory.

    Data sets of one protocol, μ and dimension each, of one student direction a teacher, from inputs of a `Spectrum` of
    power above 1; those of a linear student have the exact mean as well.
    """
    groups = panels.by_target(datasets)
    teachers = sorted({model_of(dataset).inputs.teacher for dataset in datasets})
    colours = dict(zip(teachers, _COLOURS, strict=False))
    figure = style.new_figure(3.2)
    axes = figure.subplots(1, len(groups) + 1)
    for ax, own in zip(axes, groups.values(), strict=False):
        for dataset in own:
            _risk(ax, dataset, colours[model_of(dataset).inputs.teacher])
        ax.set(xscale="log", yscale="log", xlabel="step $t$", title=_title(own))
        ax.set_xlim(None, 8 * ax.get_xlim()[1])  # room for labels
    axes[0].set_ylabel("excess risk")
    _exponents(axes[-1], groups, colours)
    handles = [Line2D([], [], color=colour, label=rf"teacher $\propto i^{{\,-{b:g}}}$" if b else "teacher even in $i$")
               for b, colour in colours.items()]  # fmt: skip
    handles += [
        Line2D([], [], color=style.INK, linewidth=0.8, label="exact mean, no blocks"),
        Line2D([], [], color=style.MUTED, linewidth=1.2, linestyle=_DASHES, label="power of the theory"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.1, handlelength=1.6)
    return figure


def slopes(runs) -> tuple[float, float]:
    """Mean over the replicas of the power of t that the risk falls by over the last decade of steps, and its standard
    error."""
    x, y = _last_decade(runs.step.values, runs.risk.transpose("record", "replica").values)
    found = -np.polyfit(np.log(x), np.log(y), 1)[0]
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found)))


def exact(runs) -> np.ndarray | None:
    """`mean_risk` of the same inputs cut into blocks as fine as they may be, (record,); None where students are not
    linear, or start at random overlaps."""
    model = model_of(runs)
    linear = model.students == model.teachers == 1 and (model.target, model.activation) == ("x1", "x")
    if not linear or runs.attrs["initial"] in ("sphere", "norm_inverse_sqrt_d"):
        return None
    covariance = replace(model.inputs, blocks=MOST_BLOCKS).at(int(runs.dimension), 1)
    place = float(runs.learning_rate), int(runs.batch_size), runs.step.values
    return mean_risk(covariance, *place, curves.initial_overlap(runs))


def _runs(dataset):
    return dataset.isel(protocol=0, mu=0, dimension=0)


def _title(datasets) -> str:
    linear = exact(_runs(datasets[0])) is not None
    return "linear student" if linear else f"committee of {model_of(datasets[0]).teachers}"


def _last_decade(steps: np.ndarray, *values) -> tuple[np.ndarray, ...]:
    kept = steps >= steps.max() / DECADE
    kept &= np.append(np.diff(steps) > 0, True)  # a short list of records repeats its last
    return steps[kept], *(value[kept] for value in values)


def _risk(ax, dataset, colour: str) -> None:
    runs, inputs = _runs(dataset), model_of(dataset).inputs
    steps, mean = runs.step.values, exact(runs)
    if mean is None:
        curves.draw_runs(ax, steps, runs, "risk", colour)
    else:
        curves.draw_mean(ax, steps, runs, "risk", colour, every=MARKS)
        ax.plot(steps[steps > 0], mean[steps > 0], color=style.INK, linewidth=0.8, zorder=4)
    x, y = _last_decade(steps, np.median(runs.risk.transpose("record", "replica").values, axis=1))
    power = risk_exponent(inputs.power, inputs.teacher)
    height = np.exp(np.mean(np.log(y) + power * np.log(x)))
    ends = np.array([x.min() / DECADE, x.max()])
    ax.plot(ends, 1.6 * height * ends**-power, color=style.MUTED, linewidth=1.2, linestyle=_DASHES, zorder=1)
    label = f"$t^{{\\,-{Fraction(power).limit_denominator(20)}}}$"
    ax.annotate(label, (ends[1], 1.6 * height * ends[1] ** -power), (3, 0), textcoords="offset points", va="center",
                color=style.MUTED, fontsize=7)  # fmt: skip


def _exponents(ax, groups, colours: dict) -> None:
    """What fitted powers of single runs are above the theory's; bars, what those of the exact mean are."""
    handles = []
    for place, (marker, own) in enumerate(zip(_MARKERS, groups.values(), strict=False)):
        look = {"marker": marker, "markersize": 5, "linestyle": "none", "elinewidth": 0.9}
        for dataset in own:
            runs, inputs = _runs(dataset), model_of(dataset).inputs
            theory, (middle, error) = risk_exponent(inputs.power, inputs.teacher), slopes(runs)
            x = theory + DODGE * (place - (len(groups) - 1) / 2)
            ax.errorbar([x], [middle - theory], [1.96 * error], color=colours[inputs.teacher], zorder=4, **look)
            if (mean := exact(runs)) is not None:
                slope = -np.polyfit(*map(np.log, _last_decade(runs.step.values, mean)), 1)[0]
                ax.plot([x], [slope - theory], "_", color=style.INK, markersize=13, zorder=3)
        handles.append(Line2D([], [], color="0.5", marker=marker, linestyle="none", label=_title(own)))
    handles.append(Line2D([], [], color=style.INK, marker="_", markersize=9, linestyle="none", label="exact mean"))
    ax.axhline(0, color=style.MUTED, linewidth=1.2, linestyle=_DASHES, zorder=1)
    ax.margins(x=0.15, y=0.25)
    ax.set(xlabel="theory, $(a + b - 1)/a$", ylabel="measured minus theory", title="last decade of steps")
    ax.legend(handles=handles, loc="upper right", fontsize=7, handletextpad=0.2, borderaxespad=0)
