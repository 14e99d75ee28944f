"""Steps, samples and effective rates at the best learning rate against the batch size, without and with momentum.

The theory is `onepass.theory.momentum`: SGD of rate ``γ/(1 − β)`` that lags behind.
"""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from onepass.analysis.gathered import start_of
from onepass.choices import Momentum
from onepass.figures import panels, style
from onepass.protocol import Protocol
from onepass.theory.momentum import momentum_lag

_LAG = {"linewidth": 0.9, "linestyle": (0, (3, 2)), "zorder": 2}
_MARKERS = "os^Dv"


@style.context()
def draw(datasets):
    """Draw T*, N* and γ*/(1 − β) against n_b, a row an experiment, colours β; dashed what the lag predicts of T*.

    Data sets of `onepass.analysis.tuned.fit_experiment`, of their largest dimension, each with protocols that differ in
    their momentum alone, one of them without.
    """
    values = sorted({_beta(name) for name in panels.protocols(datasets)})
    colours = dict(zip(values, mpl.colormaps["viridis"](np.linspace(0, 0.85, len(values))), strict=True))
    figure = style.new_figure(2.1 * len(datasets) + 0.4)
    axes = figure.subplots(len(datasets), 3, squeeze=False)
    for row, dataset in zip(axes, datasets, strict=True):
        found = dataset.isel(dimension=int(np.argmax(dataset.dimension.values))).sortby("mu")
        for name in found.protocol.values:
            beta, own = _beta(name), found.sel(protocol=name)
            look = {"color": colours[beta], "marker": _MARKERS[values.index(beta) % len(_MARKERS)]}
            _row(row, own, beta, look | {"markersize": 3.6, "linewidth": 0.9, "elinewidth": 0.7, "alpha": 0.9})
            if beta:
                (plain,) = (other for other in found.protocol.values if not _beta(other))
                lost = momentum_lag(
                    panels.information_exponent([dataset]), beta, start_of(found), found.attrs["threshold"]
                )
                row[0].plot(own.batch_size, found.best_time.sel(protocol=plain) + lost, color=colours[beta], **_LAG)
        for ax in row:
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.yaxis.set_minor_formatter(NullFormatter())
            ax.set_ylim(*_decades(ax.get_ylim()))
        base = Protocol.named(str(found.protocol.values[0]))
        row[0].set_ylabel(f"{base.update}, {base.loss} loss\nsteps $T^*$")
        row[1].set_ylabel("samples $N^* = n_b T^*$")
        row[2].set_ylabel(r"effective rate $\gamma^*/(1-\beta)$")
        row[1].set_title(
            f"{panels.title(dataset.attrs['target'], [dataset])},  {style.dimension(int(found.dimension))}"
        )
    for ax in axes[-1]:
        ax.set_xlabel("batch size $n_b$")
    handles = [
        Line2D([], [], color=c, marker=_MARKERS[i % len(_MARKERS)], label=rf"$\beta = {beta:g}$")
        for i, (beta, c) in enumerate(colours.items())
    ]
    handles.append(Line2D([], [], color=style.MUTED, **_LAG, label=r"$T^*$ at $\beta = 0$ and the lag"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.4)
    return figure


def _decades(ends):
    """Whole ones: a label at both ends."""
    return 10.0 ** np.floor(np.log10(ends[0])), 10.0 ** np.ceil(np.log10(ends[1]))


def _beta(name):
    protocol = Protocol.named(str(name))
    return 0.0 if protocol.momentum == Momentum.NONE else protocol.beta


def _row(axes, own, beta, look):
    """The three quantities of one momentum, with their intervals."""
    shown = ("best_time", 1.0), ("best_samples", 1.0), ("best_rate", 1 / (1 - beta))
    for ax, (name, unit) in zip(axes, shown, strict=True):
        value, low, high = (own[name + bound].values * unit for bound in ("", "_low", "_high"))
        kept = np.isfinite(value)
        errors = np.maximum([value - low, high - value], 0)[:, kept]
        ax.errorbar(own.batch_size.values[kept], value[kept], errors, **look)
