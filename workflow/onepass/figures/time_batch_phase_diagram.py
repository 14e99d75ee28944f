"""The plane of batch and time exponents: what theory allows, and what was measured."""

import numpy as np
from matplotlib.lines import Line2D

from onepass.figures import panels, style
from onepass.theory import diagrams

_REGIONS = {  # fill, label
    "sgd": ("#E8EEF4", "every protocol learns"),
    "correlation": ("#FBE9C6", "correlation loss\nor spherical"),
    "polylog": ("#DCEBDD", "polylogarithmic"),
    "not_learning": ("#E3E3E3", "not learning"),
}
_LINES = {"one_step": {"linewidth": 2.4}, "validity": {"linestyle": ":", "color": style.MUTED}}
POINTS = {  # marker, size, label; open, around what was measured there, and one within the other at ℓ = 2
    "sgd_optimum": ("o", 10, "best batch, square loss"),
    "correlation_optimum": ("D", 11.5, "best batch, correlation loss"),
    "one_step": ("h", 9, "one giant step"),
}


@style.context()
def draw(datasets):
    """Draw the (μ, θ) diagram of each target's information exponent, with measured exponents on top."""
    figure, drawn = panels.mu_panels(datasets, height=3.4)
    names = panels.protocols(datasets)
    for ax, group in drawn:
        draw_diagram(ax, _diagram(group))
        panels.draw_exponents(ax, group, "theta", names)
    panels.protocol_legend(
        figure, names, [panels.plain_handle(), *drawn[0][0].get_legend_handles_labels()[0], validity()]
    )
    return figure


def validity():
    """Legend handle of the line above which the expansion behind the theory holds."""
    return Line2D([], [], label="validity of the expansion", **_LINES["validity"])


def _diagram(datasets):
    """Diagram of a target's information exponent, large enough for what was measured."""
    ell = panels.information_exponent(datasets)
    usual = max(ell, 2)
    mu = max(float(dataset.mu.max()) for dataset in datasets)
    highest = (dataset[name].max().fillna(0) for dataset in datasets for name in ("theta_high", "theta_plain"))
    theta = float(max(highest))
    return diagrams.time_diagram(ell, mu_max=max(usual + 0.5, mu + 0.2), theta_max=max(usual - 0.5, theta + 0.1))


def draw_diagram(ax, diagram, labels=None):
    """Draw regions, lines and points of a `Diagram` of (μ, θ) or (μ, δ).

    `labels`, where given, hold by region its alignment, place (fractions of the axis of μ and of the region's edge)
    and name.
    """
    right, top = diagram.regions["sgd"].max(axis=0)
    bottom = min(corners[:, 1].min() for corners in diagram.regions.values() if len(corners))
    for name, corners in diagram.regions.items():
        if len(corners):
            fill, label = _REGIONS[name]
            ax.fill(*corners.T, color=fill, linewidth=0, zorder=0)
            if labels:
                align, x, y, label = labels[name]
                edge = corners[corners[:, 0] == (right if align == "right" else 0), 1]
                x, y = x * right, edge.min() + y * np.ptp(edge)
            else:
                x, y, align = _label_place(diagram, corners, right, top)
            ax.text(x, y, label, ha=align, va="center", fontsize=7.5, color=style.INK, zorder=1)
    for name, points in diagram.lines.items():
        ax.plot(*points.T, **({"color": style.INK, "linewidth": 1.0, "zorder": 2} | _LINES.get(name, {})))
    for name, (marker, size, label) in POINTS.items():
        look = {"color": style.INK, "markerfacecolor": "none", "markeredgewidth": 1.0, "linestyle": "none"}
        ax.plot(*diagram.points[name], marker, markersize=size, label=label, zorder=5, **look)
    ax.set_xlim(-0.035 * right, right)
    ax.set_ylim(bottom - 0.09 * top if bottom == 0 else bottom, top)


def _label_place(diagram, corners, right, top):
    """Where a region is named: at the right edge, clear of what was measured, or else above the line of validity."""
    at_edge = corners[:, 0] == right
    if at_edge.any():
        return 0.98 * right, corners[at_edge, 1].mean(), "right"
    return 0.015 * right, diagram.lines["validity"][0, 1] + 0.08 * top, "left"
