"""Exit times of phase retrieval against dimension and width, on the law of the exit time."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from onepass.analysis.gathered import model_of
from onepass.analysis.recovery import recovery_quantile
from onepass.figures import panels, style
from onepass.protocol import Protocol
from onepass.theory.exit_time import exit_time

QUARTILES = (0.25, 0.5, 0.75)
_COLOURS = ("#0072B2", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#D55E00")  # of the widths, in increasing order
_MARKERS = "os^Dvp"
_GREYS = (style.INK, "0.55")  # of the protocols, where colours would be read as widths
_DODGE = 1.06  # factor between the protocols where both stand in one panel


@style.context()
def draw(datasets):
    """Draw ``n_b T/d`` against d, a panel a protocol and colours widths p, and against p at the largest d.

    Data sets of one width and one batch exponent each, of protocols that `onepass.theory.exit_time` knows.
    """
    datasets = sorted(datasets, key=lambda dataset: int(dataset.attrs["students"]))
    names = panels.protocols(datasets)
    figure = style.new_figure(2.9)
    axes = figure.subplots(1, len(names) + 1, sharey=True)
    for ax, name in zip(axes, names, strict=False):
        ax.set_title(style.look(name).label)
        for colour, marker, dataset in zip(_COLOURS, _MARKERS, datasets, strict=False):
            series = dataset.sel(protocol=name).isel(mu=0).sortby("dimension")
            low, middle, high = predicted(series, name)
            ax.fill_between(series.dimension, low, high, color=colour, alpha=0.2, linewidth=0)
            ax.plot(series.dimension, middle, color=colour, linewidth=1.0)
            _markers(ax, series.dimension.values, measured(series), color=colour, fmt=marker)
        panels.dimension_ticks(ax, [d for dataset in datasets for d in dataset.dimension.values])
        ax.set_xlabel("dimension $d$")
    _widths(axes[-1], datasets, names)
    axes[0].set_yscale("log")
    axes[0].set_ylabel(r"samples to exit, $n_b T / d$")
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1, label=f"$p = {d.attrs['students']}$")
        for colour, marker, d in zip(_COLOURS, _MARKERS, datasets, strict=False)
    ]
    handles += [
        Line2D([], [], color=style.MUTED, linewidth=1, label="law: median"),
        Patch(color=style.MUTED, alpha=0.25, linewidth=0, label="law: quartiles"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.2)
    return figure


def measured(series) -> np.ndarray:
    """Quartiles (3, dimension) of ``n_b T/d`` of one protocol; nan for one beyond the budget."""
    runs = series.transpose("dimension", "replica", ...)
    found = [
        [recovery_quantile(steps, recovered, q) for q in QUARTILES]
        for steps, recovered in zip(runs.recovery_step.values, runs.recovered.values.astype(bool), strict=True)
    ]
    return np.where(np.isfinite(found), found, np.nan).T * _unit(series)


def predicted(series, name: str) -> np.ndarray:
    """The same of the law, on the settings of the data."""
    model, protocol, sphere = model_of(series), Protocol.named(name), series.attrs["initial"] == "sphere"

    def time(place, quantile):
        here = series.isel(dimension=place)
        return exit_time(
            model,
            protocol,
            dimension=int(here.dimension),
            batch_size=int(here.batch_size),
            learning_rate=float(here.learning_rate),
            threshold=float(series.attrs["threshold"]),
            start=None if sphere else float(here.start_norm),
            quantile=quantile,
        )

    found = [[time(place, q) for place in range(series.sizes["dimension"])] for q in QUARTILES]
    return np.where(np.isfinite(found), found, np.nan) * _unit(series)


def _unit(series) -> np.ndarray:
    return series.batch_size.values / series.dimension.values.astype(float)


def _markers(ax, x, quartiles, **look):
    low, middle, high = quartiles
    own = {"markersize": 4, "elinewidth": 0.9, "markeredgecolor": "white", "markeredgewidth": 0.5, "zorder": 4}
    ax.errorbar(x, middle, [middle - low, high - middle], linestyle="none", **own | look)


def _widths(ax, datasets, names):
    """At the largest d of each width: both protocols against p."""
    looks = style.looks(names)
    p = np.array([int(dataset.attrs["students"]) for dataset in datasets], dtype=float)
    for place, name in enumerate(names):
        ends = [d.sel(protocol=name).isel(mu=0).sortby("dimension").isel(dimension=[-1]) for d in datasets]
        x, colour = p * _DODGE ** (2 * place - len(names) + 1), _GREYS[place % 2]
        law = np.concatenate([predicted(end, name)[1] for end in ends])
        ax.plot(p, law, color=colour, linewidth=1.0, linestyle=("-", "--")[place % 2])
        _markers(ax, x, np.concatenate([measured(end) for end in ends], axis=1), color=colour, fmt="sX"[place % 2])
    ax.set_xscale("log", base=2)
    ax.set_xticks(p, [f"{each:g}" for each in p])
    ax.set_xlabel("students $p$")
    largest = max(int(dataset.dimension.max()) for dataset in datasets)
    ax.set_title(style.dimension(largest))
    handles = [
        Line2D([], [], color=_GREYS[i % 2], marker="sX"[i % 2], markersize=4, linestyle=("-", "--")[i % 2],
               linewidth=1, label=looks[name].label.split(",")[0])
        for i, name in enumerate(names)
    ]  # fmt: skip
    ax.legend(handles=handles, loc="upper right")
