"""How large a batch must be for its sums to be drawn from a Gaussian."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from onepass.analysis.exactness import compare, equal_laws, is_timed
from onepass.figures import panels, style

_TAILS = (0.025, 0.975)
_BAND = "0.86"


@style.context()
def draw(datasets):
    """Draw the Kolmogorov-Smirnov distance of two engines against n_b, a panel for every dataset.

    Each data set of one number of students and one dimension. Its attribute ``gaussian_from`` is the batch size from
    which engine auto takes the Gaussian.
    """
    figure = style.new_figure(3.2 if len(datasets) > 1 else 4.0, min(style.WIDTH, 3.6 * len(datasets)))
    axes = figure.subplots(1, len(datasets), squeeze=False, sharey=True)[0]
    for ax, dataset in zip(axes, datasets, strict=True):
        _panel(ax, dataset)
    axes[0].set_ylabel("Kolmogorov–Smirnov distance,\n" + " to ".join(map(str, datasets[0].engine.values)))
    handles = [
        *style.protocol_handles(panels.protocols(datasets), linestyle="none"),
        Line2D([], [], color=style.INK, linewidth=0.9, linestyle="--", label=r"$\propto n_b^{-1/2}$"),
        Patch(color=_BAND, label="equal laws, 95 %"),
    ]
    if any(_switch(dataset) for dataset in datasets):
        label = "engine auto: Gaussian from here"
        handles.append(Line2D([], [], color=style.INK, linewidth=0.9, linestyle=":", label=label))
    columns = 3 if len(datasets) > 1 else 1
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, columnspacing=1.5)
    return figure


def fall(batch_size, distance, floor):
    """Prefactor of ``n_b^(-1/2)`` through the distances (n_b,) above `floor`, least squares of logarithms; or nan."""
    seen = distance > floor
    return float(np.exp(np.mean(np.log(distance[seen] * np.sqrt(batch_size[seen]))))) if seen.any() else np.nan


def _switch(dataset):
    """Batch size from which engine auto takes the Gaussian; None where the configuration names none."""
    switch = dataset.attrs.get("gaussian_from")
    return None if switch in (None, "null") else float(switch)


def _panel(ax, dataset):
    distance = compare(dataset).distance.isel(observable=0, students=0, dimension=0)
    size, replicas = distance.batch_size.values, dataset.sizes["replica"]
    low, high = equal_laws(replicas, np.array(_TAILS))
    ax.axhspan(low, high, color=_BAND, linewidth=0, zorder=0)
    for protocol, values in distance.groupby("protocol"):
        shown, values = style.look(str(protocol)), values.values.squeeze()
        ax.plot(size, values, shown.marker, color=shown.colour, markeredgecolor="white", markeredgewidth=0.5, zorder=4)
        line = fall(size, values, high) / np.sqrt(size)
        ax.plot(size, line, "--", color=style.lighter(shown.colour), linewidth=0.9, zorder=2)
    if switch := _switch(dataset):
        ax.axvline(switch, color=style.INK, linewidth=0.9, linestyle=":", zorder=1)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("batch size $n_b$")
    d, steps = int(distance.dimension), int(dataset.attrs["steps"])
    what = "recovery times" if is_timed(dataset) else f"overlaps after {steps} step{'s' * (steps > 1)}"
    ax.set_title(f"{what}, $d = {d}$, {replicas} replicas")
