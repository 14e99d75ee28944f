"""Every measured time exponent on the lines of the theory: where a larger batch stops saving time."""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D

from onepass.figures import panels, style
from onepass.theory import exponents

_PANELS = {  # protocol: where its lines bend
    "projected_square": r"$\mu = \max(\ell, 2)/2$",
    "projected_correlation": r"$\mu = \max(\ell, 2) - 1$",
}
_DODGE = 0.03  # in μ, between information exponents with one line


@style.context()
def draw(datasets):
    """Draw θ(μ) with 95 % intervals for every information exponent, one panel a loss of the projected update."""
    names = [name for name in _PANELS if name in panels.protocols(datasets)]
    groups = sorted(panels.by_target(datasets).values(), key=panels.information_exponent)
    colours = mpl.colormaps["viridis"](np.linspace(0.82, 0, len(groups)))
    figure = style.new_figure(3.4, style.WIDTH if len(names) > 1 else 4.2)
    axes = figure.subplots(1, max(len(names), 1), squeeze=False, sharey=True)[0]
    right = max(float(dataset.mu.max()) for dataset in datasets) + 0.25
    for ax, name in zip(axes, names, strict=False):
        for shift, colour, group in zip(_dodges(groups), colours, groups, strict=True):
            _theory(ax, group, name, colour, right)
            panels.draw_measured(ax, group, "theta", name, shift, fmt="o", color=colour)
        ax.set_title(f"{style.look(name).label}:\na larger batch saves time up to {_PANELS[name]}")
        count, held, plain = _coverage(datasets, name)
        words = f"{held} of {count} intervals\nhold the theory (plain: {plain})"
        style.note(ax, 0.98, 0.97, words, ha="right", va="top")
        panels.mu_ticks(ax)
        ax.set_xlim(-0.1, right)
        ax.set_xlabel(r"batch-size exponent $\mu$  ($n_b \propto d^{\,\mu}$)")
    axes[0].set_ylabel(r"time exponent $\theta$  ($T \propto d^{\,\theta}$)")
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="none", label=panels.title(g[0].attrs["target"], g))
        for colour, g in zip(colours, groups, strict=True)
    ]
    handles += [
        panels.plain_handle(),
        Line2D([], [], color="0.7", linewidth=2.5, label="theory"),
        Line2D([], [], color=style.INK, marker="o", markersize=9, markerfacecolor="none", linestyle="none",
               label="best batch"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _theory(ax, group, name, colour, right):
    ell = panels.information_exponent(group)
    mu, best = np.linspace(0, right, 801), exponents.optimal_batch_exponent(name, ell)
    light = style.lighter(mpl.colors.to_hex(colour))
    ax.plot(mu, exponents.recovery_exponent(name, ell, mu), color=light, linewidth=2.5, zorder=2)
    at = exponents.recovery_exponent(name, ell, best)
    ax.plot(best, at, "o", markersize=10, color=style.INK, markerfacecolor="none", markeredgewidth=0.9, zorder=3)


def _dodges(groups):
    """Shifts in μ that keep apart the information exponents that share a line: 1 and 2."""
    halves = [exponents.half(panels.information_exponent(group)) for group in groups]
    return [_DODGE * (halves[:i].count(half) - (halves.count(half) - 1) / 2) * 2 for i, half in enumerate(halves)]


def _coverage(datasets, name):
    """How many exponents were fitted, and how many intervals hold the theory's value: of θ, of the plain ones."""
    rows = [dataset.sel(protocol=name) for dataset in datasets if name in dataset.protocol.values]

    def held(of):
        inside = ((row[f"{of}_low"] <= row.theta_theory) & (row.theta_theory <= row[f"{of}_high"]) for row in rows)
        return sum(int(each.sum()) for each in inside)

    return sum(int(np.isfinite(row.theta).sum()) for row in rows), held("theta"), held("theta_plain")
