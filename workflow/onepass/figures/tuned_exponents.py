"""Exponents at learning rates found by search, on the lines of the theory for rates with a fixed prefactor."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from onepass.figures import panels, style
from onepass.theory import exponents

_ROWS = {
    "theta": (r"time $\theta^*$", exponents.recovery_exponent),
    "delta": (r"rate $\delta^*$", exponents.optimal_learning_rate_exponent),
    "sample_exponent": (r"samples $\theta^* + \mu$", exponents.sample_exponent),
}
_DODGE = 0.03  # in μ, between protocols


@style.context()
def draw(datasets):
    """Draw θ*, δ* and θ* + μ against μ, a column for every target.

    Data sets of `onepass.analysis.tuned.fit_experiment`, several of one target side by side.
    """
    groups = sorted(panels.by_target(datasets).items(), key=lambda item: panels.information_exponent(item[1]))
    names = panels.protocols(datasets)
    figure = style.new_figure(5.6)
    axes = figure.subplots(len(_ROWS), len(groups), squeeze=False, sharex="col")
    for column, (target, group) in zip(axes.T, groups, strict=True):
        column[0].set_title(panels.title(target, group))
        ell = panels.information_exponent(group)
        for ax, (name, (_, theory)) in zip(column, _ROWS.items(), strict=True):
            _theory(ax, group, names, theory)
            for place, (protocol, shown) in enumerate(style.looks(names).items()):
                _measured(ax, group, name, protocol, shown, _DODGE * (place - (len(names) - 1) / 2))
            ax.xaxis.set_major_locator(MultipleLocator(0.5 if ell < 3 else 1.0))
        column[-1].set_xlabel(r"batch size $\mu$  ($n_b \propto d^{\,\mu}$)")
    for ax, (label, _) in zip(axes[:, 0], _ROWS.values(), strict=True):
        ax.set_ylabel(label)
    handles = [
        Line2D([], [], color="0.7", linewidth=3, label=r"theory, rates $\gamma_0 d^{-\delta}$ of fixed $\gamma_0$")
    ]
    panels.protocol_legend(figure, names, handles)
    return figure


def _theory(ax, group, names, theory):
    """The line of each protocol that the theory knows, later ones thinner and on top."""
    ell = panels.information_exponent(group)
    mu = np.linspace(0, max(float(dataset.mu.max()) for dataset in group) + 0.1, 401)
    shown, known = style.looks(names), [name for name in names if exponents.knows(name)]
    for width, protocol in zip(np.linspace(5, 1.2, len(known)), known, strict=True):
        look = {"color": style.lighter(shown[protocol].colour), "solid_capstyle": "butt", "zorder": 2}
        ax.plot(mu, theory(protocol, ell, mu), linewidth=width, **look)


def _measured(ax, group, name, protocol, shown, shift):
    look = {"fmt": shown.marker, "color": shown.colour, "markeredgecolor": "white", "markeredgewidth": 0.5}
    for dataset in group:
        if protocol in dataset.protocol.values:
            row = dataset.sel(protocol=protocol)
            value = row[name].values
            errors = np.maximum([value - row[f"{name}_low"].values, row[f"{name}_high"].values - value], 0)
            ax.errorbar(row.mu + shift, value, errors, elinewidth=1, zorder=4, **look)
