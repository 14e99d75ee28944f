"""What the figures of recovery times share: their panels, the colours of μ, exponents against theory.

A panel holds all experiments of one target; a *series* is what one of them holds of a protocol and μ, by dimension.
"""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from onepass.figures import style
from onepass.theory import exponents

_THEORY = {"theta": exponents.recovery_exponent, "sample_exponent": exponents.sample_exponent}
_DOTTED = (0, (1, 2))
_DODGE = 0.025  # in μ, between protocols measured at the same μ
_HOLLOW = {"markerfacecolor": "white", "markeredgewidth": 0.8, "markersize": 5.5, "linestyle": "none"}


def by_target(datasets):
    """Group experiments by their target, in order of first appearance."""
    groups = {}
    for dataset in datasets:
        groups.setdefault(dataset.attrs["target"], []).append(dataset)
    return groups


def protocols(datasets):
    """Names of all protocols, in order of first appearance."""
    return list(dict.fromkeys(str(name) for dataset in datasets for name in dataset.protocol.values))


def each_series(datasets, protocol):
    """Yield ``(mu, series)`` of a protocol over all experiments."""
    for dataset in datasets:
        if protocol in dataset.protocol.values:
            for mu in dataset.mu.values:
                yield float(mu), dataset.sel(protocol=protocol, mu=mu).sortby("dimension")


def information_exponent(datasets):
    """ℓ of the experiments of one target."""
    return int(datasets[0].attrs["information_exponent"])


def title(target, datasets):
    """Name a target with its information exponent."""
    return f"{style.formula(target)},  $\\ell = {information_exponent(datasets)}$"


def mu_colours(datasets):
    """Colour of every μ: viridis in order of μ, without its end that is too light for white paper."""
    values = sorted({float(mu) for dataset in datasets for mu in dataset.mu.values})
    return dict(zip(values, mpl.colormaps["viridis"](np.linspace(0, 0.83, len(values))), strict=True))


def grid(datasets, panel_height, extra=None):
    """The figure and log-log panels (target, protocol) against d, `panel_height` in inches.

    With `extra` one more column of linear panels stands at the right, of this width relative to the others.
    """
    groups, names = by_target(datasets), protocols(datasets)
    widths = [1.0] * len(names) + ([extra] if extra else [])
    figure = style.new_figure(panel_height * len(groups) + 0.75)
    axes = figure.subplots(len(groups), len(widths), squeeze=False, width_ratios=widths)
    for row, group in zip(axes, groups.values(), strict=True):
        for ax in row[: len(names)]:
            if ax is not row[0]:
                ax.sharey(row[0])
                ax.tick_params(labelleft=False)
            dimension_ticks(ax, [d for dataset in group for d in dataset.dimension.values])
        row[0].set_yscale("log")
    for ax, name in zip(axes[0], names, strict=False):
        ax.set_title(style.look(name).label.replace(", ", ",\n"))
    for ax in axes[-1, : len(names)]:
        ax.set_xlabel("dimension $d$")
    return figure, axes


def mu_panels(datasets, height):
    """The figure and a list of (panel against μ, experiments of its target), by information exponent.

    More than two stand in rows of two; `height` is that of a row in inches, legend included.
    """
    groups = sorted(by_target(datasets).items(), key=lambda item: information_exponent(item[1]))
    columns = min(len(groups), 2)
    rows = -(-len(groups) // columns)
    figure = style.new_figure(height + 0.8 * height * (rows - 1), min(style.WIDTH, 3.6 * columns))
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat[len(groups) :]:
        ax.set_visible(False)
    for ax, (target, group) in zip(axes.flat, groups, strict=False):
        ax.set_title(title(target, group))
        mu_ticks(ax)
    for ax in axes[-1]:
        ax.set_xlabel(r"batch-size exponent $\mu$  ($n_b \propto d^{\,\mu}$)")
    for ax in axes[:, 0]:
        ax.set_ylabel(r"time exponent $\theta$  ($T \propto d^{\,\theta}$)")
    return figure, [(ax, group) for ax, (_, group) in zip(axes.flat, groups, strict=False)]


def draw_medians(ax, series, colour, unit=1.0):
    """Censored medians with 95 % intervals, in `unit`; a bound beyond the budget stops at the budget."""
    budget = series.recovery_step.max("replica").values
    median = np.where(np.isfinite(series["median"]), series["median"], np.nan)
    low, high = (np.minimum(series[f"median_{bound}"].values, budget) for bound in ("low", "high"))
    errors = np.maximum([median - low, high - median], 0) * unit
    look = {"fmt": "o", "color": colour, "markersize": 3.2, "elinewidth": 0.9, "zorder": 4}
    ax.errorbar(series.dimension, median * unit, errors, **look)


def draw_fit(ax, series, colour, unit=1.0):
    """Draw the fit, in `unit`: solid over the fitted dimensions, dashed outside; return its last point or None."""
    if not np.isfinite(series.theta):
        return None
    line, used = fitted_line(series) * unit, series.fitted.values.astype(bool)
    ax.plot(series.dimension, line, color=colour, linewidth=0.8, linestyle=(0, (3, 2)), zorder=3)
    ax.plot(series.dimension[used], line[used], color=colour, linewidth=1.2, zorder=3)
    return float(series.dimension[-1]), float(line[-1])


def fitted_line(series):
    """Fitted recovery times in steps, array (dimension,): ``prefactor d^θ factor``."""
    dimension = series.dimension.values.astype(float)
    return float(series.prefactor) * dimension ** float(series.theta) * series.factor.values


def draw_exponents(ax, datasets, name, names):
    """Measured `name`, ``theta`` or ``sample_exponent``, against μ with 95 % intervals, and the plain ones hollow."""
    for place, (protocol, shown) in enumerate(style.looks(names).items()):
        shift = _DODGE * (place - (len(names) - 1) / 2)
        draw_measured(ax, datasets, name, protocol, shift, fmt=shown.marker, color=shown.colour)


def draw_measured(ax, datasets, name, protocol, shift, **look):
    """The same of one protocol, moved by `shift` in μ.

    The exponent of the plain medians is a hollow marker behind: it is seen where it differs.
    """
    hollow = {"marker": look["fmt"], "color": look["color"], "zorder": 3.5} | _HOLLOW
    look = {"markeredgecolor": "white", "markeredgewidth": 0.5, "elinewidth": 1, "zorder": 4} | look
    for dataset in datasets:
        if protocol in dataset.protocol.values:
            row = dataset.sel(protocol=protocol)
            row = row.isel(mu=np.isfinite(row.theta.values))
            value = row[name].values
            errors = np.maximum([value - row[f"{name}_low"].values, row[f"{name}_high"].values - value], 0)
            ax.plot(row.mu + shift, row.theta_plain + (row.mu if name == "sample_exponent" else 0.0), **hollow)
            ax.errorbar(row.mu + shift, value, errors, **look)


def draw_theory(ax, datasets, name, names):
    """Theory of `name` against μ, with a dotted line at the best batch of each protocol.

    Lines that coincide stay visible: the later ones are thinner and on top. Protocols that the theory does not know
    have none.
    """
    ell, shown = information_exponent(datasets), style.looks(names)
    names = [name for name in names if exponents.knows(name)]
    best = {exponents.optimal_batch_exponent(protocol, ell) for protocol in names}
    measured = max(float(dataset.mu.max()) for dataset in datasets)
    mu = np.linspace(0, max(measured + 0.15, max(best, default=0) + 0.4), 801)
    widths = np.linspace(5, 1.2, len(names)) if len(names) > 1 else [2.0]
    for width, protocol in zip(widths, names, strict=False):
        colour = style.lighter(shown[protocol].colour)
        ax.plot(mu, _THEORY[name](protocol, ell, mu), color=colour, linewidth=width, solid_capstyle="butt", zorder=2)
    for value in best:
        ax.axvline(value, color=style.MUTED, linewidth=0.8, linestyle=_DOTTED, zorder=1)


def protocol_handles(names):
    """Legend handles of the protocols' measured exponents."""
    return style.protocol_handles(names, linewidth=1)


def plain_handle():
    """Legend handle of the hollow markers."""
    label = "plain power law, nothing divided out"
    return Line2D([], [], color=style.INK, marker="o", label=label, **_HOLLOW)


def theory_handles():
    """Legend handles of what `draw_exponents` and `draw_theory` draw beside the protocols."""
    return [
        plain_handle(),
        Line2D([], [], color="0.7", linewidth=3, label="theory"),
        Line2D([], [], color=style.MUTED, linewidth=0.8, linestyle=_DOTTED, label="best batch size"),
    ]


def mu_legend(figure, colours, handles=()):
    """Put the μ in one row above all panels, what else is drawn in one below them."""
    title = r"batch size $n_b \propto d^{\,\mu}$,  $\mu =$"
    each = [Line2D([], [], color=c, marker="o", markersize=3.5, label=f"{mu:g}") for mu, c in colours.items()]
    handles_mu = [Line2D([], [], linestyle="none", label=title), *each]
    spacing = {"columnspacing": 1.0, "handlelength": 1.4, "handletextpad": 0.4}
    figure.legend(handles=handles_mu, loc="outside upper center", ncols=len(handles_mu), **spacing)
    if handles:
        ncols = len(handles) if len(handles) <= 5 else 3
        figure.legend(handles=handles, loc="outside lower center", ncols=ncols, **spacing)


def protocol_legend(figure, names, handles=()):
    """Put the protocols, and other handles, below all panels."""
    handles = [*protocol_handles(names), *handles]
    ncols = min(3, len(handles)) if figure.get_figwidth() >= style.WIDTH else 1
    figure.legend(
        handles=handles, loc="outside lower center", ncols=ncols, columnspacing=1.5, labelspacing=0.6, markerscale=0.8
    )


def mu_ticks(ax):
    """Mark every half on an axis of μ."""
    ax.xaxis.set_major_locator(MultipleLocator(0.5))


def dimension_ticks(ax, dimensions):
    """Mark dimensions on an axis, up to five of them evenly by name, the largest first; powers of two as such."""
    dimension = sorted({int(d) for d in dimensions})
    powers = [d for d in dimension if d & (d - 1) == 0]
    named = powers if len(powers) > 2 else dimension
    step = -(-len(named) // 5)
    shown = named[::-1][::step][::-1]
    ax.set_xscale("log", base=2)
    ax.set_xticks(shown, [f"$2^{{{d.bit_length() - 1}}}$" if d in powers else str(d) for d in shown])
    ax.set_xticks(dimension, [""] * len(dimension), minor=True)
