"""Where a larger batch stops being free when samples are seen again: samples, and steps as a power of d, against μ."""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D

from onepass.choices import Lookahead
from onepass.figures import directions, panels, style
from onepass.protocol import Protocol

_LOOKS = {Lookahead.SAMPLE: ("#D55E00", "o"), Lookahead.BATCH: ("#0072B2", "s"), Lookahead.NONE: ("#009E73", "^")}


@style.context()
def draw(datasets):
    """Draw N*/d against μ, a panel a protocol and colours dimensions, and at the right θ between dimensions.

    Data sets of `onepass.analysis.tuned.fit_experiment` of one target, searches of a protocol in any number of them.
    """
    names = panels.protocols(datasets)
    found = {name: directions.searches(datasets, name) for name in names}
    sizes = sorted({d for points in found.values() for d in points[:, 0]})
    shades = dict(zip(sizes, mpl.colormaps["viridis"](np.linspace(0, 0.83, len(sizes))), strict=True))
    figure = style.new_figure(3.0)
    axes = figure.subplots(1, len(names) + 1, width_ratios=[1] * len(names) + [1.25])
    for ax, name in zip(axes, names, strict=False):
        for d in sizes:
            points = found[name][found[name][:, 0] == d]
            middle, low, high = (points[:, 2:] * points[:, 1:2] / d / Protocol.named(name).passes).T
            errors = np.maximum([middle - low, high - middle], 0)
            own = {
                "fmt": f"{_look(name)[1]}-",
                "color": shades[d],
                "markersize": 3.5,
                "linewidth": 1,
                "elinewidth": 0.8,
            }
            ax.errorbar(exponents_of(points), middle, errors, **own)
        ax.set_title(style.look(name).label.replace(", ", ",\n"))
        ax.set_yscale("log")
        ax.axvline(1, color=style.MUTED, linewidth=0.8, linestyle=":", zorder=1)
    limits = np.array([ax.get_ylim() for ax in axes[:-1]])
    for ax in axes[:-1]:
        ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())
        ax.tick_params(labelleft=ax is axes[0])
    axes[0].set_ylabel("samples $N^*/d$")
    _slopes(axes[-1], found)
    for ax in axes:
        panels.mu_ticks(ax)
        ax.set_xlim(-0.1, 2.1)
        ax.set_xlabel(r"$\mu$  ($n_b = d^{\,\mu}$)")
    handles = [Line2D([], [], color=c, linewidth=2, label=style.dimension(int(d))) for d, c in shades.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def exponents_of(points) -> np.ndarray:
    """μ of searches, rows (d, n_b, …): the power of d nearest to each batch, of quarters."""
    return np.round(4 * np.log(points[:, 1]) / np.log(points[:, 0])) / 4


def slopes(points) -> np.ndarray:
    """Rows (μ, θ, lower and upper bound), θ between the smallest and the largest d of each μ that has two."""
    rows = []
    for mu in sorted(set(exponents_of(points))):
        at = points[exponents_of(points) == mu]
        if len(at) > 1:
            (first, *_, last), length = np.log(at), np.log(at[-1, 0] / at[0, 0])
            spread = np.hypot(*((np.log(at[place, 4]) - np.log(at[place, 3])) / 2 for place in (0, -1)))
            theta = (last[2] - first[2]) / length
            rows.append((mu, theta, theta - spread / length, theta + spread / length))
    return np.array(rows).reshape(-1, 4)


def _slopes(ax, found):
    mu = np.array([0.0, 1.0, 2.0])
    ax.plot(mu, np.maximum(1 - mu, 0), color=style.MUTED, linewidth=3, alpha=0.4, zorder=1)
    for place, (name, points) in enumerate(found.items()):
        colour, marker = _look(name)
        x, theta, low, high = slopes(points).T
        shift = 0.03 * (place - (len(found) - 1) / 2)
        ax.errorbar(x + shift, theta, [theta - low, high - theta], fmt=marker, color=colour, markersize=4, elinewidth=1)
    ax.axvline(1, color=style.MUTED, linewidth=0.8, linestyle=":", zorder=1)
    ax.set(ylabel=r"$\theta$  ($T^* \propto d^{\,\theta}$)", title="steps between the\nends in $d$")
    handles = [
        Line2D([], [], color=_look(name)[0], marker=_look(name)[1], linestyle="none", markersize=4,
               label=_short(Protocol.named(name)))
        for name in found
    ]  # fmt: skip
    handles.append(Line2D([], [], color=style.MUTED, linewidth=3, alpha=0.4, label=r"$\max(1 - \mu, 0)$"))
    ax.legend(handles=handles, loc="upper right")


def _look(name: str) -> tuple[str, str]:
    return _LOOKS[Protocol.named(name).lookahead]


def _short(protocol: Protocol) -> str:
    if protocol.passes > 1:
        return f"{protocol.passes} passes"
    return f"each {protocol.lookahead}'s" if protocol.lookahead == Lookahead.SAMPLE else f"the {protocol.lookahead}'s"
