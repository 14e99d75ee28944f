"""The square loss close to the rate at which it forgets its student: T against ``1 − γ/γ_c``, and what tuning gains.

A step of the projected square loss multiplies the student by ``1 − γ/γ_c`` before it adds what it learns, so that near
γ_c little is left beside what was learned. γ_c, from the model alone, is the unit of the axis: no run knows it.
"""

import matplotlib as mpl
import numpy as np

from onepass.analysis.gathered import model_of
from onepass.analysis.scaling import ScalingError, plain_slope
from onepass.analysis.tuned import median_at
from onepass.figures import panels, style
from onepass.protocol import Protocol
from onepass.theory import exponents
from onepass.theory.saddle import means_at_start

PROTOCOL = "projected_square"
FIXED = 0.3  # of γ_c: the rate that is fixed in advance
WIDEST = 100.0  # how far below γ_c rates are drawn


@style.context()
def draw(datasets):
    """Draw, a row a target, what the projected square loss does where batches are above ``d^(ℓ/2)``.

    T against ``1 − γ/γ_c`` at every dimension; T against d at the best rate and at a fixed one, both at the largest μ
    up to ``ℓ − 1``; ``1 − γ*/γ_c`` against d at every μ up to there. Data sets of
    `onepass.analysis.tuned.fit_experiment`, several of one target together.
    """
    groups = sorted(panels.by_target(datasets).items(), key=lambda item: panels.information_exponent(item[1]))
    figure = style.new_figure(2.3 * len(groups) + 0.8)
    axes = figure.subplots(len(groups), 3, squeeze=False)
    for (rates, times, gaps), (target, group) in zip(axes, groups, strict=True):
        ell = panels.information_exponent(group)
        between = (exponents.half(ell), exponents.saddle_exponent(ell))
        rows = [(mu, row) for mu, row in panels.each_series(group, PROTOCOL) if between[0] < mu <= between[1]]
        if not rows:
            raise ScalingError(f"{target}: no batch exponent above {between[0]:g} and up to {between[1]:g} to draw")
        critical, (mu, largest) = critical_rate(model_of(group[0])), rows[-1]
        rates.set_title(f"{panels.title(target, group)},  $\\mu = {mu:g}$")
        _against_rate(rates, largest, critical)
        _against_dimension(times, largest, critical)
        _gap(gaps, rows, critical, between[0])
    return figure


def critical_rate(model) -> float:
    """γ_c at which a step takes away a student without overlap: ``−1/R`` of `onepass.theory.saddle.means_at_start`."""
    radial, _ = means_at_start(model, Protocol.named(PROTOCOL).loss)
    return float(-1 / radial[0])


def _against_rate(ax, row, critical):
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.8, row.sizes["dimension"]))
    for d, colour in zip(row.dimension.values, colours, strict=True):
        rate, median = medians(row.sel(dimension=d))
        shown = (rate < critical) & (rate > critical / WIDEST) & np.isfinite(median)
        look = {"color": colour, "markersize": 2.5, "linewidth": 0.7, "label": style.dimension(int(d))}
        ax.plot(1 - rate[shown] / critical, median[shown], "o-", **look)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.invert_xaxis()  # the rate grows to the right
    ax.set_xlabel(r"$1 - \gamma/\gamma_c$   (larger rates $\rightarrow$)")
    ax.set_ylabel("median steps $T$")
    ax.legend(loc="upper right")


def medians(cell):
    """Rates of a search and their medians, arrays (rate,), inf beyond the budget."""
    rate = cell.learning_rate.values
    times = np.where(cell.recovered, cell.recovery_step, np.inf)
    median = np.median(times, axis=cell.recovery_step.dims.index("replica"))
    return rate[rate > 0], median[rate > 0]


def _against_dimension(ax, row, critical):
    d = row.dimension.values.astype(float)
    fixed = np.array([median_at(*medians(row.isel(dimension=i)), FIXED * critical) for i in range(len(d))])
    for values, colour, marker, words in (
        (fixed, "#0072B2", "s", rf"$\gamma = {FIXED}\,\gamma_c$"),
        (row.best_time.values, "#D55E00", "o", "best rate"),
    ):
        label = f"{words}: $\\theta = {plain_slope(d, values):.2f}$"
        ax.plot(d, values, marker=marker, color=colour, linewidth=0.9, label=label)
    ax.set_yscale("log")
    ax.set_ylim(1, None)
    panels.dimension_ticks(ax, d)
    ax.set_xlabel("dimension $d$")
    ax.set_ylabel("median steps $T$")
    ax.legend(loc="center left")


def _gap(ax, rows, critical, half):
    colours = mpl.colormaps["plasma"](np.linspace(0.1, 0.75, len(rows)))
    for (mu, row), colour in zip(rows, colours, strict=True):
        d = row.dimension.values.astype(float)
        low, middle, high = (1 - row[f"best_rate{end}"].values / critical for end in ("_high", "", "_low"))
        errors = np.maximum([middle - low, high - middle], 0)
        label = f"$\\mu = {mu:g}$: ${plain_slope(d, middle):.2f}$ (${half - mu:g}$)"
        ax.errorbar(d, middle, errors, fmt="o", color=colour, markersize=3.5, elinewidth=0.8, label=label)
        ax.plot(d, middle[-1] * (d / d[-1]) ** (half - mu), color=colour, linewidth=0.8, linestyle="--")
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * (high / low) ** 0.6)  # room for the legend
    panels.dimension_ticks(ax, [d for _, row in rows for d in row.dimension.values])
    ax.set_xlabel("dimension $d$")
    ax.set_ylabel(r"$1 - \gamma^*/\gamma_c$")
    ax.legend(title="slope in $d$ (heuristic)", loc="upper right")
