"""The square loss close to the rate at which it forgets its student: T against ``1 − γ/γ_c``, and what tuning gains.

A step of the projected square loss multiplies the student by ``1 − γ/γ_c`` before it adds what it learns, so that near
γ_c little is left beside what was learned. γ_c, from the model alone, is the unit of the axis: no run knows it.
"""

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.gathered import model_of
from onepass.analysis.scaling import plain_slope
from onepass.analysis.tuned import median_at
from onepass.figures import panels, style
from onepass.protocol import Protocol
from onepass.theory import exponents
from onepass.theory.saddle import means_at_start

FIXED = 0.3  # of γ_c: the rate that is fixed in advance


@style.context()
def draw(datasets):
    """Draw, a row for every data set of tuned rates, what its largest but one μ says of the projected square loss.

    T against ``1 − γ/γ_c`` at every dimension; T against d at the best rate and at a fixed one; ``1 − γ*/γ_c`` against
    d at every μ.
    """
    figure = style.new_figure(2.3 * len(datasets) + 0.8)
    axes = figure.subplots(len(datasets), 3, squeeze=False)
    sizes = sorted({int(d) for dataset in datasets for d in dataset.dimension.values})
    colours = dict(zip(sizes, mpl.colormaps["viridis"](np.linspace(0, 0.85, len(sizes))), strict=True))
    for (rates, times, gaps), dataset in zip(axes, datasets, strict=True):
        plane = dataset.sel(protocol="projected_square").sortby(["mu", "dimension"])
        ell = int(dataset.attrs["information_exponent"])
        row = plane.isel(mu=plane.sizes["mu"] - 2)
        critical = critical_rate(model_of(dataset), "projected_square")
        _against_rate(rates, row, critical, colours)
        rates.set_title(f"{panels.title(dataset.attrs['target'], [dataset])}, $\\mu = {float(row.mu):g}$")
        _against_dimension(times, row, critical)
        _gap(gaps, plane, critical, ell)
    handles = [Line2D([], [], color=c, linewidth=2, label=f"$d = {d}$") for d, c in colours.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.0)
    return figure


def critical_rate(model, protocol: str) -> float:
    """γ_c at which a step takes away a student without overlap: ``−1/R`` of `onepass.theory.saddle.means_at_start`."""
    radial, _ = means_at_start(model, Protocol.named(protocol).loss)
    return float(-1 / radial[0])


def _against_rate(ax, row, critical, colours):
    for d in row.dimension.values:
        rate, median = (values for values in medians(row.sel(dimension=d)))
        below = (rate < critical) & np.isfinite(median)
        ax.plot(1 - rate[below] / critical, median[below], "o-", color=colours[int(d)], markersize=2.5, linewidth=0.7)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(1.3, None)  # the rate grows to the right
    ax.set_ylim(None, 40 * float(row.best_time.max()) ** 1.5)
    ax.set_xlabel(r"$1 - \gamma/\gamma_c$")
    ax.set_ylabel("median steps $T$")


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


def _gap(ax, plane, critical, ell):
    drawn = [mu for mu in plane.mu.values if mu > exponents.half(ell)]
    colours = mpl.colormaps["plasma"](np.linspace(0.1, 0.75, len(drawn)))
    d = plane.dimension.values.astype(float)
    for mu, colour in zip(drawn, colours, strict=True):
        row = plane.sel(mu=mu)
        low, middle, high = (1 - row[f"best_rate{end}"].values / critical for end in ("_high", "", "_low"))
        errors = np.maximum([middle - low, high - middle], 0)
        slope = plain_slope(d, middle)
        label = f"$\\mu = {mu:g}$: {slope:.2f} ({exponents.half(ell) - mu:g})"
        ax.errorbar(d, middle, errors, fmt="o", color=colour, markersize=3.5, elinewidth=0.8, label=label)
        line = middle[-1] * (d / d[-1]) ** (exponents.half(ell) - mu)
        ax.plot(d, line, color=colour, linewidth=0.8, linestyle="--")
    ax.set_yscale("log")
    panels.dimension_ticks(ax, d)
    ax.set_xlabel("dimension $d$")
    ax.set_ylabel(r"$1 - \gamma^*/\gamma_c$")
    ax.legend(title="slope (heuristic)", loc="lower left")
