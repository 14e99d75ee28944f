"""The interaction within a batch: absent from the limit, needed at finite dimension."""

import numpy as np
from matplotlib.lines import Line2D

from onepass.figures import curves, style

_THEORIES = {  # label, line style, marker
    "with": ("mean process", "-", "o"),
    "without": ("without intra-batch term", "--", "s"),
    "limit": ("limit $d \\to \\infty$", ":", "^"),
}


@style.context()
def draw(datasets):
    """Draw the risk and its difference from the limit on logarithmic times, and the largest error of each theory.

    One data set of one protocol and μ.
    """
    (dataset,) = datasets
    dataset = dataset.isel(protocol=0, mu=0)
    name, colours = str(dataset.protocol.values), curves.dimension_colours(dataset.dimension.values)
    _, delta = curves.learning_rate(dataset)
    figure = style.new_figure(3.3)
    risk, difference, summary = figure.subplots(1, 3)
    errors = {theory: [] for theory in _THEORIES}
    for d, colour in colours.items():
        runs = dataset.sel(dimension=d)
        solved = {
            "with": curves.mean_process(runs, name),
            "without": curves.mean_process(runs, name, intra_batch=False),
            "limit": curves.limit(runs, name),
        }
        scale = float(d) ** -delta  # of time
        x, reference = runs.step.values * scale, np.interp(runs.step, solved["limit"].step, solved["limit"].risk)
        curves.draw_mean(risk, x, runs, "risk", colour, every=3)
        curves.draw_mean(difference, x, runs.assign(risk=runs.risk - reference), "risk", colour, every=3)
        measured, moved = runs.risk.mean("replica").values, x > 0
        for theory, dynamics in solved.items():
            values = np.interp(runs.step, dynamics.step, dynamics.risk)
            errors[theory].append(abs(values - measured).max())
            line = _THEORIES[theory][1]
            if theory != "limit":
                risk.plot(x[moved], values[moved], line, color=colour, linewidth=1)
                difference.plot(x[moved], (values - reference)[moved], line, color=colour, linewidth=1)
    largest = dataset.sel(dimension=max(colours))
    limit = curves.limit(largest, name)
    scale = float(max(colours)) ** -delta
    risk.plot(limit.step * scale, limit.risk, _THEORIES["limit"][1], color=style.INK, linewidth=1.2)
    difference.axhline(0, color=style.INK, linestyle=_THEORIES["limit"][1], linewidth=1.2)
    for theory, (_, line, marker) in _THEORIES.items():
        summary.plot(list(colours), errors[theory], line, marker=marker, color=style.INK, markersize=4, linewidth=1)
    for ax, label in ((risk, "excess risk"), (difference, "difference from the limit")):
        ax.set_xlabel(r"time $\tau = t\, d^{\,-\delta}$")
        ax.set_ylabel(label)
        ax.set_xscale("log")
        ax.set_xlim(0.9 * scale, float(largest.step.max()) * scale)
    risk.set_yscale("log")
    summary.set_xscale("log")
    summary.set_yscale("log")
    summary.set_xlabel("dimension $d$")
    summary.set_ylabel("largest error of the theory")
    lines = [
        Line2D([], [], color=style.INK, linestyle=line, marker=marker, markersize=4, label=label)
        for label, line, marker in _THEORIES.values()
    ]
    simulated = Line2D([], [], color=style.MUTED, marker="o", linestyle="none", markersize=3, label="SGD, mean")
    handles = [*curves.dimension_handles(colours), simulated, *lines]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure
