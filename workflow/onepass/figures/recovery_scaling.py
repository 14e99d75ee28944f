"""Recovery time against dimension, for every target, protocol and batch exponent."""

import numpy as np
from matplotlib.lines import Line2D
from scipy.optimize import isotonic_regression

from onepass.figures import panels, style

_GAP = 0.068  # between slopes written one above another, in heights of a panel
# Dotted: a curve that ends far from the column would seem to go on.
_LEADER = {"arrowstyle": "-", "linewidth": 0.6, "linestyle": ":", "shrinkA": 1, "shrinkB": 3}
_JITTER = 0.06  # standard deviation of log d between replicas


@style.context()
def draw(datasets):
    """Draw T in steps against d: replicas, censored medians with 95 % intervals, fits with their exponents."""
    figure, axes = panels.grid(datasets, panel_height=2.25)
    colours, names = panels.mu_colours(datasets), panels.protocols(datasets)
    rng = np.random.default_rng(0)
    for row, (target, group) in zip(axes, panels.by_target(datasets).items(), strict=True):
        row[0].set_ylabel(f"{panels.title(target, group)}\nrecovery time $T$ (steps)")
        slopes = [_panel(ax, group, name, colours, rng) for ax, name in zip(row, names, strict=True)]
        # The rows share their limits, which are known only now.
        for ax, found in zip(row, slopes, strict=True):
            _write_slopes(ax, found)
    panels.mu_legend(figure, colours, _handles())
    return figure


def _panel(ax, datasets, protocol, colours, rng):
    """Draw a panel; return ``(end of the curve, text, colour)`` of every μ."""
    slopes = []
    for mu, series in panels.each_series(datasets, protocol):
        colour = colours[mu]
        _draw_replicas(ax, series, colour, rng)
        panels.draw_medians(ax, series, colour)
        end = panels.draw_fit(ax, series, colour)
        measured = f"{_number(series.theta)}, {_number(series.theta_plain)}" if end else "no fit"
        last = float(series.dimension[-1]), float(series.recovery_step[-1].max())
        theory = float(series.theta_theory)
        slopes.append((end or last, f"{measured} ({'–' if np.isnan(theory) else f'{theory:g}'})", colour))
    return slopes


def _number(value):
    """An exponent to two digits, none of them −0."""
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−")


def _draw_replicas(ax, series, colour, rng):
    steps = series.recovery_step.transpose("dimension", "replica").values
    recovered = series.recovered.transpose("dimension", "replica").values.astype(bool)
    at = series.dimension.values[:, None] * np.exp(_JITTER * rng.standard_normal(steps.shape))
    ax.plot(at[recovered], steps[recovered], ".", color=colour, markersize=2.6, alpha=0.35, markeredgewidth=0, zorder=1)
    open_triangle = {"marker": "^", "markerfacecolor": "none", "markeredgewidth": 0.5, "markersize": 3}
    ax.plot(at[~recovered], steps[~recovered], color=colour, linestyle="none", alpha=0.8, zorder=2, **open_triangle)


def _write_slopes(ax, slopes):
    """Write the exponents in a column beside the panel, apart from each other, tied to the ends of their curves."""
    if not slopes:
        return
    ax.get_ylim()  # settles the limits that the transform is made of
    slopes = sorted(slopes, key=lambda slope: slope[0][1])
    to_panel = (ax.transScale + ax.transLimits).transform
    heights = _spread([to_panel(end)[1] for end, *_ in slopes], _GAP)
    look = {"textcoords": "axes fraction", "va": "center", "fontsize": 7, "color": style.INK, "annotation_clip": False}
    for (end, text, colour), height in zip(slopes, heights, strict=True):
        ax.annotate(text, end, (1.06, height), arrowprops=_LEADER | {"color": colour}, **look)
    style.note(ax, 1.06, heights[-1] + _GAP, r"$\theta$, plain (theory)", va="center", fontsize=7)


def _spread(heights, gap):
    """Move increasing heights in (0, 1) as little as possible (least squares) until `gap` apart."""
    offsets = gap * np.arange(len(heights))
    moved = isotonic_regression(np.asarray(heights) - offsets).x
    return np.clip(moved, 0.02, max(0.98 - offsets[-1] - gap, 0.02)) + offsets


def _handles():
    plain = {"color": style.INK, "linestyle": "none"}
    return [
        Line2D([], [], marker=".", markersize=3, alpha=0.5, markeredgewidth=0, label="replica", **plain),
        Line2D([], [], marker="^", markersize=3.5, markerfacecolor="none", label="not recovered in budget", **plain),
        Line2D([], [], marker="o", markersize=3.5, label="median, 95 % interval", **plain),
        Line2D([], [], color=style.INK, label="fit"),
        Line2D([], [], color=style.INK, linestyle=(0, (3, 2)), linewidth=0.8, label="extended"),
    ]
