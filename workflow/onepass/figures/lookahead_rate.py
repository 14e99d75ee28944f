"""Samples against the size of a first look: where the generative exponent gives way to the information exponent."""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D

from onepass.figures import directions, panels, style
from onepass.protocol import Protocol


@style.context()
def draw(datasets):
    """Draw N*/d against ρ₀, colours dimensions, and N*/d² against ``ρ₀ √d``; without a first look dotted.

    Data sets of `onepass.analysis.tuned.fit_experiment` of one target, searches of a protocol in any number of them.
    """
    points = by_rate(datasets)
    sizes = sorted(set(points[:, 1]))
    shades = dict(zip(sizes, mpl.colormaps["viridis"](np.linspace(0, 0.83, len(sizes))), strict=True))
    figure = style.new_figure(3.1)
    left, right = figure.subplots(1, 2)
    for d, colour in shades.items():
        own = points[points[:, 1] == d]
        rates, times = own[:, 0], own[:, 2:]
        for ax, unit, stretch in ((left, d, 1.0), (right, d**2, d**0.5)):
            _curve(ax, rates * stretch, times / unit, colour)
    (rate, d, samples), *_ = points[(points[:, 0] > 0) & (points[:, 1] == sizes[-1])][:, :3]
    x = rate * d**0.5 * np.array([1.0, 6.0])
    right.plot(x, samples / d**2 * (x / x[0]) ** -2, color=style.MUTED, linewidth=0.8, linestyle="--", zorder=1)
    place = {"ha": "right", "va": "top", "textcoords": "offset points", "color": style.MUTED, "fontsize": 7.5}
    right.annotate(r"$\propto (\rho_0 \sqrt{d})^{-2}$", (x[-1], samples / d**2 / 36), (-22, 6), **place)
    left.set(xlabel=r"first look $\rho_0$  ($\rho = \rho_0 / d$)", ylabel="samples $N^*/d$")
    right.set(xlabel=r"$\rho_0 \sqrt{d}$", ylabel="$N^*/d^2$")
    for ax in (left, right):
        ax.set(xscale="log", yscale="log")
    handles = [
        Line2D([], [], color=c, marker="o", markersize=3.5, label=style.dimension(int(d))) for d, c in shades.items()
    ]
    handles.append(Line2D([], [], color=style.INK, linestyle=":", label="no first look"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def by_rate(datasets) -> np.ndarray:
    """Rows (ρ₀, d, N*, lower and upper bound), by ρ₀; 0 is no first look."""
    rows = [
        np.insert(np.delete(found, 1, axis=1) * np.array([1, *[found[0, 1]] * 3]), 0, rate, axis=1)
        for name in panels.protocols(datasets)
        for rate, found in [(Protocol.named(name).lookahead_rate, directions.searches(datasets, name))]
    ]
    return np.array(sorted(map(tuple, np.concatenate(rows))))


def _curve(ax, x, samples, colour):
    seen = x > 0
    middle, low, high = samples[seen].T
    errors = np.maximum([middle - low, high - middle], 0)
    ax.errorbar(x[seen], middle, errors, fmt="o-", color=colour, markersize=3.5, linewidth=1, elinewidth=0.8, zorder=4)
    if not seen.all():
        ax.axhline(samples[~seen][0, 0], color=colour, linewidth=1.0, linestyle=":", zorder=2)
