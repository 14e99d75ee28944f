"""What leaps cost in accuracy: bias of the median and distance of the laws against the tolerance."""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from onepass.analysis.exactness import equal_laws, leap_errors
from onepass.figures import style

_BAND, _ALLOWED = "0.88", "#D8EAD3"
_MARKERS = "osD^v"
_TAILS = (0.025, 0.975)
_LINEAR, _PER_CENT = 2, 30  # of a bias: up to where it is drawn to scale, and where the axis ends
_SINGLE = 0.5  # of the steps: with more leaps than that, most are single steps
_ALL = {"color": "#D55E00", "zorder": 4}
_SPREAD = 0.3  # of a step between two tolerances that the points of all settings fill


@style.context()
def draw(datasets):
    """Draw bias and distance of recovery times in leaps against their tolerance, a column for every dataset.

    Parameters
    ----------
    datasets : list of xarray.Dataset
        See `onepass.analysis.exactness.leap_errors`; of one protocol and one dimension each.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = style.new_figure(4.9, min(style.WIDTH, 3.6 * len(datasets)))
    axes = figure.subplots(2, len(datasets), squeeze=False, sharex=True, sharey="row")
    sizes = sorted({int(size) for dataset in datasets for size in dataset.batch_size.values})
    colours = dict(zip(sizes, mpl.colormaps["viridis"](np.linspace(0.0, 0.88, len(sizes))), strict=True))
    for (top, bottom), dataset in zip(axes.T, datasets, strict=True):
        _column(top, bottom, dataset, colours)
    axes[1, 0].set_ylim(0, None)
    axes[0, 0].set_ylabel("bias of the median time, %")
    axes[1, 0].set_ylabel(r"Kolmogorov–Smirnov distance" + "\n" + r"to single steps $\times \sqrt{n/2}$")
    handles = [Line2D([], [], color=c, marker="o", linestyle="none", label=f"$n_b = {n}$") for n, c in colours.items()]
    words = ("little noise", "more", "edge of learning")
    rates = max(dataset.sizes["gamma0"] for dataset in datasets)
    names = words if rates == len(words) else [f"rate {i + 1}" for i in range(rates)]
    handles += [
        Line2D([], [], color=style.INK, marker=m, linestyle="none", label=name)
        for m, name in zip(_MARKERS, names, strict=False)
    ]
    handles += [
        Line2D(
            [], [], color=style.INK, marker="o", markerfacecolor="white", linestyle="none", label="mostly single steps"
        ),
        Line2D([], [], marker="_", markersize=9, markeredgewidth=2, linestyle="none", label="all settings", **_ALL),
    ]
    handles += [Patch(color=_ALLOWED, label="within the tolerance"), Patch(color=_BAND, label="equal laws, 95 %")]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, columnspacing=1.4)
    return figure


def _column(top, bottom, dataset, colours):
    errors = leap_errors(dataset).isel(protocol=0, dimension=0).sortby("leap_tolerance")
    tolerance, replicas = errors.leap_tolerance.values, dataset.sizes["replica"]
    settings = [(i, j) for i in range(errors.sizes["gamma0"]) for j in range(errors.sizes["batch_size"])]
    step = np.diff(np.log(tolerance)).min() if len(tolerance) > 1 else 1.0
    shifts = np.exp(_SPREAD * step * np.linspace(-1, 1, len(settings)))
    reach = np.array([tolerance[0] * shifts[0] / 1.3, tolerance[-1] * shifts[-1] * 1.3])
    top.fill_between(reach, -100 * reach, 100 * reach, color=_ALLOWED, linewidth=0, zorder=0)
    top.axhline(0, color=style.MUTED, linewidth=0.7, zorder=1)
    low, high = equal_laws(2, np.array(_TAILS))
    bottom.axhspan(low, high, color=_BAND, linewidth=0, zorder=0)
    for (i, j), shift in zip(settings, shifts, strict=True):
        own = errors.isel(gamma0=i, batch_size=j)
        look = {"color": colours[int(own.batch_size)], "marker": _MARKERS[i % len(_MARKERS)], "linestyle": "none"}
        for some, face in ((own.single < _SINGLE, look["color"]), (own.single >= _SINGLE, "white")):
            at, found = tolerance[some] * shift, own.isel(leap_tolerance=np.flatnonzero(some))
            bars = 100 * np.abs([found.bias - found.bias_low, found.bias_high - found.bias])
            look |= {"markersize": 3.2, "markerfacecolor": face, "markeredgewidth": 0.7}
            top.errorbar(at, 100 * found.bias, yerr=bars, elinewidth=0.6, **look)
            bottom.plot(at, found.distance * np.sqrt(replicas / 2), **look)
    bars = 100 * np.abs([errors.mean_bias - errors.mean_low, errors.mean_high - errors.mean_bias])
    wide = {"marker": "_", "markersize": 17, "markeredgewidth": 1.8, "elinewidth": 1.8, "linestyle": "none"}
    top.errorbar(tolerance, 100 * errors.mean_bias, yerr=bars, **wide, **_ALL)
    top.set_xscale("log")
    top.set_xlim(*reach)
    top.set_yscale("symlog", linthresh=_LINEAR, linscale=1.5)
    top.set_ylim(-_PER_CENT, _PER_CENT)
    ticks = [-20, -5, -2, -1, 0, 1, 2, 5, 20]
    top.set_yticks(ticks, [f"{tick:+d}".replace("-", "−") if tick else "0" for tick in ticks])
    top.yaxis.set_minor_locator(NullLocator())
    bottom.set_xlabel("tolerance of the leaps")
    bottom.set_xticks(tolerance, [f"{value:g}" for value in tolerance])
    bottom.minorticks_off()
    name, d = style.look(str(errors.protocol.values)).label, int(errors.dimension)
    target = style.formula(dataset.attrs["target"]) if "target" in dataset.attrs else name
    top.set_title(f"{target}, {name}\n$d = {d}$, {replicas} replicas")
