"""The smoothed landscape at the best learning rate: samples against the radius, and θ(μ) at the best radius.

The theory is `onepass.theory.smoothing`, at radii ``s = d^(1/4)``, and without smoothing `onepass.theory.exponents`.
"""

import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.radius import by_radius
from onepass.figures import panels, style
from onepass.theory.exponents import recovery_exponent
from onepass.theory.smoothing import smoothed_recovery_exponent

_NONE = {"markerfacecolor": "white", "linestyle": (0, (3, 2))}  # radius 0
_QUARTER = {"marker": "|", "linestyle": "none", "markeredgewidth": 1.2}


@style.context()
def draw(datasets):
    """Draw N* against the radius, N* at the best radius against d, and θ* against μ, hollow without smoothing.

    Data sets of `onepass.analysis.tuned.fit_experiment` on the same μ, whose protocols differ in radius alone.
    """
    found, colours = by_radius(datasets), panels.mu_colours(datasets)
    figure = style.new_figure(3.0)
    radii, sizes, exponents = figure.subplots(1, 3)
    _against_radius(radii, found.isel(mu=0))
    for mu, colour in colours.items():
        _against_dimension(sizes, found.sel(mu=mu), colour)
    _diagram(exponents, found, colours, panels.information_exponent(datasets))
    radii.set_title(f"{panels.title(datasets[0].attrs['target'], datasets)},  $\\mu = {found.mu.values[0]:g}$")
    panels.mu_legend(figure, colours, _handles())
    return figure


def _handles():
    look = {"color": style.INK, "marker": "o", "markersize": 3.8, "linewidth": 0.9}
    line = {"linewidth": 3, "solid_capstyle": "butt"}
    return [
        Line2D([], [], **look, label="best radius"),
        Line2D([], [], **look | _NONE, label="no smoothing"),
        Line2D([], [], color="0.55", **line, label=r"theory, $s = d^{\,1/4}$"),
        Line2D([], [], color="0.85", **line, label="theory, no smoothing"),
        Line2D([], [], color=style.MUTED, **_QUARTER, label=r"$s = d^{\,1/4}$"),
    ]


def _points(ax, x, found, colour, name="samples", **look):
    value, low, high = (found[name + bound].values for bound in ("", "_low", "_high"))
    kept = np.isfinite(value)
    errors = np.maximum([value - low, high - value], 0)[:, kept]
    look = {"color": colour, "marker": "o", "markersize": 3.8, "linewidth": 0.9, "elinewidth": 0.8} | look
    ax.errorbar(np.asarray(x)[kept], value[kept], errors, **look)


def _against_radius(ax, found):
    """N* against the radius, a line a dimension, on each a mark at the fourth root."""
    greys = np.linspace(0.7, 0.0, found.sizes["dimension"])
    for d, grey in zip(found.dimension.values, greys, strict=True):
        own = found.sel(dimension=d)
        own = own.isel(radius=np.isfinite(own.samples.values))
        _points(ax, own.radius, own, str(grey))
        last = own.isel(radius=-1)
        end = max(last.radius.item(), d**0.25), last.samples.item()
        ax.annotate(style.dimension(int(d)).replace("d = ", ""), end, (5, -2), textcoords="offset points",
                    color=str(grey), fontsize=7)  # fmt: skip
        height = np.exp(np.interp(d**0.25, own.radius, np.log(own.samples)))
        ax.plot([d**0.25], [height], color=str(grey), **_QUARTER | {"markersize": 11}, zorder=1)
    ax.set_yscale("log")
    ax.margins(x=0.12)
    ax.set_xticks(found.radius.values)
    ax.set_xlabel("radius of smoothing $s$")
    ax.set_ylabel("samples $N^*$")


def _against_dimension(ax, found, colour):
    _points(ax, found.dimension, found.sel(radius=found.best_radius), colour)
    if 0.0 in found.radius:
        _points(ax, found.dimension, found.sel(radius=0.0), colour, **_NONE, zorder=1.5)
    ax.set_yscale("log")
    panels.dimension_ticks(ax, found.dimension.values)
    ax.set_xlabel("dimension $d$")
    ax.set_ylabel("samples $N^*$ at the best radius")


def _diagram(ax, found, colours, ell):
    mu = np.linspace(0, float(found.mu.max()) + 0.2, 401)
    look = {"linewidth": 3, "solid_capstyle": "butt", "zorder": 1}
    ax.plot(mu, recovery_exponent("spherical_correlation", ell, mu), color="0.85", **look)
    ax.plot(mu, smoothed_recovery_exponent(ell, mu), color="0.55", **look)
    for case in found.case.values[::-1]:
        own = found.sel(case=case)
        for mu_, colour in colours.items():
            shown = {"linestyle": "none"} | ({} if case == "best" else {"markerfacecolor": "white"})
            _points(ax, [mu_], own.sel(mu=[mu_]), colour, "theta", **shown, zorder=4 if case == "best" else 3)
    panels.mu_ticks(ax)
    ax.set_xlabel(r"batch size $\mu$  ($n_b \propto d^{\,\mu}$)")
    ax.set_ylabel(r"time $\theta^*$  ($T^* \propto d^{\,\theta^*}$)")
