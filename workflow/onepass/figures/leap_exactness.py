"""What leaps cost in accuracy: bias of the median and distance of the laws against the tolerance."""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from onepass.analysis.exactness import equal_laws, leap_errors
from onepass.figures import style

_BAND, _ALLOWED = "0.88", "#D8EAD3"
_MARKERS = "osD^v"
_TAILS = (0.025, 0.975)
_PER_CENT = 20  # of a bias: what lies beyond is not drawn to scale
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
    figure = style.new_figure(4.6, min(style.WIDTH, 3.6 * len(datasets)))
    axes = figure.subplots(2, len(datasets), squeeze=False, sharex=True, sharey="row")
    sizes = sorted({int(size) for dataset in datasets for size in dataset.batch_size.values})
    colours = dict(zip(sizes, mpl.colormaps["viridis"](np.linspace(0.0, 0.88, len(sizes))), strict=True))
    for (top, bottom), dataset in zip(axes.T, datasets, strict=True):
        _column(top, bottom, dataset, colours)
    axes[0, 0].set_ylabel("bias of the median time, %")
    axes[1, 0].set_ylabel("Kolmogorov–Smirnov distance\nto single steps")
    handles = [Line2D([], [], color=c, marker="o", linestyle="none", label=f"$n_b = {n}$") for n, c in colours.items()]
    words = ("little noise", "more", "edge of learning")
    rates = max(dataset.sizes["gamma0"] for dataset in datasets)
    names = words if rates == len(words) else [f"rate {i + 1}" for i in range(rates)]
    handles += [
        Line2D([], [], color=style.INK, marker=m, linestyle="none", label=name)
        for m, name in zip(_MARKERS, names, strict=False)
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
    low, high = equal_laws(replicas, np.array(_TAILS))
    bottom.axhspan(low, high, color=_BAND, linewidth=0, zorder=0)
    for (i, j), shift in zip(settings, shifts, strict=True):
        own = errors.isel(gamma0=i, batch_size=j)
        look = {"color": colours[int(own.batch_size)], "marker": _MARKERS[i % len(_MARKERS)], "linestyle": "none"}
        place, bias = tolerance * shift, 100 * own.bias.values
        reaches = 100 * np.abs([own.bias - own.bias_low, own.bias_high - own.bias])
        top.errorbar(place, bias, yerr=reaches, elinewidth=0.6, markersize=3.2, **look)
        bottom.plot(place, own.distance, markersize=3.2, **look)
    top.set_xscale("log")
    top.set_xlim(*reach)
    top.set_ylim(-_PER_CENT, _PER_CENT)
    bottom.set_ylim(0, None)
    bottom.set_xlabel("tolerance of the leaps")
    bottom.set_xticks(tolerance, [f"{value:g}" for value in tolerance])
    bottom.minorticks_off()
    name, d = style.look(str(errors.protocol.values)).label, int(errors.dimension)
    top.set_title(f"{name}, $d = {d}$, {replicas} replicas")
