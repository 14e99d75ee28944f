"""Steps and samples at the best learning rate against the batch size: where larger batches stop being free."""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D

from onepass.figures import panels, style
from onepass.theory.exponents import saddle_exponent


@style.context()
def draw(datasets):
    """Draw T* and N* against n_b, and their collapse on ``n_b/d^(ℓ−1)``; a row a target, colours dimensions.

    Data sets of `onepass.analysis.tuned.fit_experiment`, several of one target together.
    """
    groups = sorted(panels.by_target(datasets).items(), key=lambda item: panels.information_exponent(item[1]))
    looks = style.looks(panels.protocols(datasets))
    figure = style.new_figure(2.1 * len(groups) + 0.9)
    axes = figure.subplots(len(groups), 4, squeeze=False)
    sizes = sorted({int(d) for dataset in datasets for d in dataset.dimension.values})
    colours = dict(zip(sizes, mpl.colormaps["viridis"](np.linspace(0, 0.85, len(sizes))), strict=True))
    for row, (target, group) in zip(axes, groups, strict=True):
        power = saddle_exponent(panels.information_exponent(group))
        for protocol, shown in looks.items():
            for d, batch, time, samples in curves(group, protocol):
                look = {"color": colours[d], "marker": shown.marker, "markersize": 3.2, "linewidth": 0.7}
                unit = float(d) ** power
                row[0].plot(batch, time, **look)
                row[1].plot(batch, samples, **look)
                row[2].plot(batch / unit, time, **look)
                row[3].plot(batch / unit, samples / unit, **look)
        for ax in row:
            ax.set_xscale("log")
            ax.set_yscale("log")
        for ax in row[2:]:
            ax.axvline(1, color=style.MUTED, linewidth=0.8, linestyle=":", zorder=1)
        name = style.power_of_d(1, power)
        row[0].set_ylabel(f"{panels.title(target, group)}\nsteps $T^*$")
        row[1].set_ylabel("samples $N^*$")
        row[2].set_ylabel("steps $T^*$")
        row[3].set_ylabel(f"$N^*/{name}$")
        for ax in row[:2]:
            ax.set_xlabel("batch size $n_b$")
        for ax in row[2:]:
            ax.set_xlabel(f"$n_b/{name}$")
    handles = [
        Line2D([], [], color=style.INK, marker=shown.marker, markersize=3.5, label=shown.label)
        for shown in looks.values()
    ]
    handles += [Line2D([], [], color=colour, linewidth=2, label=style.dimension(d)) for d, colour in colours.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, columnspacing=1.2)
    return figure


def curves(group, protocol):
    """Yield d, and by increasing batch size n_b, T* and N* (point,), of every dimension with two points or more."""
    found = {}
    for dataset in group:
        if protocol in dataset.protocol.values:
            row = dataset.sel(protocol=protocol)
            for i, d in enumerate(row.dimension.values):
                at = row.isel(dimension=i)
                points = zip(at.batch_size.values, at.best_time.values, strict=True)
                found.setdefault(int(d), []).extend((float(n), float(t)) for n, t in points if np.isfinite(t))
    for d, points in sorted(found.items()):
        if len(points) > 1:
            batch, time = np.array(sorted(points)).T
            yield d, batch, time, batch * time
