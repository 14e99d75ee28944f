"""What a larger learning rate costs: runs that fail, and times that spread."""

import numpy as np
from matplotlib.lines import Line2D
from scipy.stats import beta

from onepass.figures import panels, style

_COLOURS = ("#0072B2", "#E69F00", "#CC79A7", "#009E73")  # of the learning rates, in increasing order
_MARKERS = "os^Dv"  # of the μ
_TAILS = [0.1, 0.5, 0.9]
_DODGE = 1.07  # factor in d between curves


@style.context()
def draw(datasets):
    """Draw the fraction recovered and T over the time without noise against d, columns protocols, colours γ0.

    Data sets of one target with learning rates that differ in γ0; the μ that all have are drawn.
    """
    datasets = sorted(datasets, key=lambda dataset: float(dataset.attrs["gamma0"]))
    names = [name for name in panels.protocols(datasets) if all(name in d.protocol.values for d in datasets)]
    mus = sorted(set.intersection(*({float(mu) for mu in dataset.mu.values} for dataset in datasets)))
    figure = style.new_figure(4.2)
    axes = figure.subplots(2, len(names), squeeze=False, sharex=True, sharey="row")
    for column, name in zip(axes.T, names, strict=True):
        column[0].set_title(style.look(name).label)
        for colour, dataset in zip(_COLOURS, datasets, strict=False):
            for place, (marker, mu) in enumerate(zip(_MARKERS, mus, strict=False)):
                shift = _DODGE ** (place - (len(mus) - 1) / 2)
                look = {"color": colour, "fmt": f"{marker}-", "markersize": 3.8, "elinewidth": 0.8, "linewidth": 0.6}
                series = dataset.sel(protocol=name, mu=mu).sortby("dimension")
                for ax, values in zip(column, (recovered_fraction(series), relative_times(series)), strict=True):
                    low, middle, high = values
                    errors = np.maximum([middle - low, high - middle], 0)
                    ax.errorbar(series.dimension * shift, middle, errors, **look)
        panels.dimension_ticks(column[1], [d for dataset in datasets for d in dataset.dimension.values])
        column[1].axhline(1, color=style.MUTED, linewidth=0.8, linestyle=":", zorder=1)
        column[1].set_xlabel("dimension $d$")
    axes[0, 0].set_ylabel("fraction recovered\nwithin the budget")
    axes[1, 0].set_ylabel(r"$T$ / time without noise")
    axes[1, 0].set_yscale("log")
    axes[0, 0].set_ylim(None, 1.03)
    handles = [
        Line2D([], [], color=colour, linewidth=2, label=f"$\\gamma_0 = {float(dataset.attrs['gamma0']):g}$")
        for colour, dataset in zip(_COLOURS, datasets, strict=False)
    ]
    handles += [
        Line2D([], [], color=style.INK, marker=marker, markersize=3.8, linestyle="none", label=f"$\\mu = {mu:g}$")
        for marker, mu in zip(_MARKERS, mus, strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def recovered_fraction(series):
    """Fraction of replicas recovered with its 95 % Clopper-Pearson bounds: low, value, high, each (dimension,)."""
    hits, count = series.recovered.sum("replica").values, series.sizes["replica"]
    low = np.where(hits > 0, beta.ppf(0.025, hits, count - hits + 1), 0.0)
    high = np.where(hits < count, beta.ppf(0.975, hits + 1, count - hits), 1.0)
    return low, hits / count, high


def relative_times(series):
    """Quantiles 10, 50, 90 % of T over ``time_theory``, each (dimension,); nan for one beyond the budget."""
    times = np.where(series.recovered, series.recovery_step, np.inf)
    found = np.quantile(times, _TAILS, axis=series.recovery_step.dims.index("replica"), method="inverted_cdf")
    expected = series.time_theory.values
    return np.where(np.isfinite(found), found / expected, np.nan)
