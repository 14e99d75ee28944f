"""What a step is along, each direction at its best rate: samples against batch size, steps of one sample against d."""

import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.tuned import time_exponent
from onepass.choices import Direction
from onepass.figures import panels, style
from onepass.protocol import Protocol
from onepass.theory.exponents import saddle_exponent

_LOOKS = {  # label, colour, marker
    Direction.GRADIENT: ("gradient", "#0072B2", "s"),
    Direction.CLIPPED: ("clipped at norm {0.clip:g}", "#E69F00", "v"),
    Direction.NORMALISED: ("normalised", "#D55E00", "o"),
    Direction.ROWS: ("each student normalised", "#009E73", "^"),
    Direction.POLAR: ("polar", "#CC79A7", "D"),
}


@style.context()
def draw(datasets):
    """Draw N* against n_b at the largest d with several batches, and T* of the smallest batch against d.

    Data sets of `onepass.analysis.tuned.fit_experiment` of one target, searches of a protocol in any number of them.
    """
    found = {name: searches(datasets, name) for name in panels.protocols(datasets)}
    names = sorted(found, key=lambda name: list(_LOOKS).index(Protocol.named(name).direction))
    figure = style.new_figure(3.1)
    left, right = figure.subplots(1, 2)
    d = max(d for points in found.values() for d in set(points[:, 0]) if len(set(points[points[:, 0] == d, 1])) > 1)
    smallest = min(points[:, 1].min() for points in found.values())
    handles = []
    for name in names:
        look, points = looked(name), found[name]
        batches = points[points[:, 0] == d]
        _curve(left, batches[:, 1], batches[:, 2:] * batches[:, 1:2], look)
        single = points[points[:, 1] == smallest]
        if len(set(single[:, 0])) > 1:
            _curve(right, single[:, 0], single[:, 2:], look)
            theta, low, high = time_exponent(*replicas(datasets, name, smallest))
            look |= {"label": f"{look['label']}, $T^* \\propto d^{{\\,{theta:.2f}}}$ [{low:.2f}–{high:.2f}]"}
        handles.append(Line2D([], [], **look, linewidth=1))
    left.axvline(d**0.5, color=style.MUTED, linewidth=0.8, linestyle=":", zorder=1)
    left.set(xscale="log", yscale="log", xlabel="batch size $n_b$", ylabel="samples $N^* = n_b T^*$")
    left.set_title(style.dimension(int(d)))
    _guides(right, found, smallest, panels.information_exponent(datasets))
    right.set(yscale="log", xlabel="dimension $d$", ylabel="steps $T^*$", title=f"$n_b = {smallest:g}$")
    panels.dimension_ticks(right, [int(d) for points in found.values() for d in points[points[:, 1] == smallest, 0]])
    right.margins(x=0.14)
    figure.legend(handles=handles, loc="outside lower center", ncols=3, columnspacing=1.3)
    return figure


def looked(name: str) -> dict:
    """Label, colour and marker of a protocol by its direction."""
    own = Protocol.named(name)
    label, colour, marker = _LOOKS[own.direction]
    return {"label": label.format(own), "color": colour, "marker": marker, "markersize": 4}


def searches(datasets, name: str) -> np.ndarray:
    """Rows (d, n_b, T*, lower and upper bound) of all searches of a protocol, by d and n_b; those that recover."""
    rows = []
    for dataset in datasets:
        if name in dataset.protocol.values:
            own = dataset.sel(protocol=name).transpose("mu", "dimension", ...)
            d = np.broadcast_to(own.dimension.values, own.batch_size.shape)
            values = (own.best_time, own.best_time_low, own.best_time_high)
            rows.append(np.stack([d, own.batch_size.values, *(each.values for each in values)], axis=-1).reshape(-1, 5))
    rows = np.concatenate(rows).astype(float)
    return np.array(sorted(map(tuple, rows[np.isfinite(rows[:, 2])]))).reshape(-1, 5)


def replicas(datasets, name: str, batch_size):
    """Of a protocol's searches of one batch size: dimensions (cell,), steps and recovered (cell, replica), by d."""
    cells = []
    for dataset in datasets:
        if name in dataset.protocol.values:
            own = dataset[["batch_size", "best_step", "best_recovered"]].sel(protocol=name)
            own = own.stack(cell=("mu", "dimension")).transpose("cell", ...)
            own = own.isel(cell=own.batch_size.values == batch_size)
            cells += zip(own.dimension.values, own.best_step.values, own.best_recovered.values, strict=True)
    return tuple(map(np.array, zip(*sorted(cells, key=lambda cell: cell[0]), strict=True)))


def _curve(ax, x, times, look):
    middle, low, high = times.T
    own = {"linewidth": 1.0, "elinewidth": 0.8, "markeredgecolor": "white", "markeredgewidth": 0.5, "zorder": 4}
    look = {key: value for key, value in look.items() if key not in ("label", "marker")} | {"fmt": f"{look['marker']}-"}
    ax.errorbar(x, middle, np.maximum([middle - low, high - middle], 0), **own | look)


def _guides(ax, found, smallest, ell):
    """Powers of d that information exponents ℓ and 1 have."""
    points = np.concatenate([points[points[:, 1] == smallest] for points in found.values()])
    d = np.array([points[:, 0].min(), points[:, 0].max()])
    for power, height in ((saddle_exponent(ell), 2.0), (saddle_exponent(1), 0.5)):
        edge = points[points[:, 0] == d[0], 2]
        start = height * (edge.max() if height > 1 else edge.min())
        ax.plot(d, start * (d / d[0]) ** power, color=style.MUTED, linewidth=0.8, linestyle="--", zorder=1)
        middle = np.sqrt(d[0] * d[1])
        label = f"$\\propto {style.power_of_d(1, power)}$"
        ax.annotate(label, (middle, start * (middle / d[0]) ** power), (-3, 5), textcoords="offset points", ha="right",
                    color=style.MUTED, fontsize=7.5)  # fmt: skip
