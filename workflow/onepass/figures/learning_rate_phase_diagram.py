"""The plane of batch and learning-rate exponents: what theory says of it, and what was measured over it."""

import matplotlib as mpl
import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from onepass.analysis.gathered import climb, model_of, start_of
from onepass.figures import style
from onepass.figures.time_batch_phase_diagram import POINTS
from onepass.pipeline.row_exponents import map_exponent
from onepass.protocol import Protocol
from onepass.theory import diagrams, exponents
from onepass.theory.first_step import first_step_gain
from onepass.theory.recovery_time import noiseless_time

_EMPTY = {"facecolor": "#E3E3E3", "edgecolor": "0.6", "hatch": "////", "linewidth": 0.0}
_EXPONENT = mpl.colormaps["viridis_r"]
_LEVELS = np.arange(-0.25, 2.51, 0.25)
_STOP = {"color": "#D55E00", "linewidth": 1.5, "linestyle": "--"}
_SLOW = {"color": style.INK, "linewidth": 1.0, "linestyle": ":"}


@style.context()
def draw(datasets):
    """Draw θ of the theory, θ between the two largest dimensions and the fraction recovered at the largest one.

    Maps of one student; a row for every protocol of each.
    """
    rows = [
        (dataset.sortby(["mu", "delta", "dimension"]), str(p)) for dataset in datasets for p in dataset.protocol.values
    ]
    exponent = {"cmap": _EXPONENT, "norm": BoundaryNorm(_LEVELS, _EXPONENT.N, extend="both")}
    figure = style.new_figure(2.5 * len(rows) + 0.9)
    axes = figure.subplots(len(rows), 3, squeeze=False, sharex=True, sharey=True)
    points, above = set(), None
    for row, (dataset, name) in zip(axes, rows, strict=True):
        plane = dataset.sel(protocol=name)
        ell, large = int(dataset.attrs["information_exponent"]), plane.isel(dimension=-1)
        small, largest = (int(plane.dimension[i]) for i in (-2, -1))
        mu, delta = np.meshgrid(plane.mu.values, plane.delta.values, indexing="ij")
        theta = exponents.recovery_exponent(name, ell, mu, delta)
        shown = [
            _map(row[0], plane, theta, **exponent),
            _map(row[1], plane, measured_exponent(plane), **exponent),
            _map(row[2], plane, large.recovered.mean("replica").values, cmap="Blues", vmin=0, vmax=1),
        ]
        for ax in row:
            points |= _boundaries(ax, plane, ell)
        for ax in row[1:]:
            _finite(ax, large, name)
        row[0].set_ylabel(f"{style.look(name).label}\nlearning-rate exponent $\\delta$")
        if (small, largest) != above:
            above = small, largest
            row[1].set_title(f"measured $\\theta$, $d = {_count(small)}$ to ${_count(largest)}$")
            row[2].set_title(f"recovered at $d = {_count(largest)}$")
    axes[0, 0].set_title(r"theory, $T \propto d^{\,\theta}$")
    figure.colorbar(shown[1], ax=axes[:, :2], pad=0.01, aspect=40, ticks=_LEVELS[1::2], label=r"$\theta$")
    figure.colorbar(shown[2], ax=axes[:, 2], pad=0.02, aspect=40, label="fraction of replicas")
    for ax in axes[-1]:
        ax.set_xlabel(r"batch-size exponent $\mu$")
    single_index = all(model_of(dataset).teachers == 1 for dataset, _ in rows)
    handles = [
        Line2D([], [], color=style.INK, linewidth=1.4, label="boundaries of the theory"),
        Patch(label="not learning / not recovered in budget", **_EMPTY),
        *([Line2D([], [], label="a mean first step gains no overlap", **_STOP)] if single_index else []),
        *([Line2D([], [], label="noiseless time = budget", **_SLOW)] if any(_by_the_best(d) for d, _ in rows) else []),
        *(
            Line2D([], [], marker=marker, color=style.INK, markerfacecolor="white", linestyle="none", label=label)
            for name, (marker, _, label) in POINTS.items()
            if name in points
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, columnspacing=1.2)
    return figure


def _count(d: int) -> str:
    """A dimension as mathematics, a power of two as one."""
    return f"2^{{{d.bit_length() - 1}}}" if d & (d - 1) == 0 else str(d)


def measured_exponent(plane):
    """θ between the two largest dimensions, array (mu, delta); nan where the median of one is beyond the budget.

    The climb of an overlap without noise is divided out where theory knows it, as everywhere.
    """
    pair = plane.isel(dimension=[-2, -1])
    times = np.where(pair.recovered, pair.recovery_step, np.inf)
    median = np.median(times, axis=pair.recovery_step.dims.index("replica"))
    climbs = exponents.climbs(int(plane.attrs["information_exponent"]), plane.delta.values)
    slopes = np.full(median.shape[:-1], np.nan)
    for i, j in np.argwhere(np.isfinite(median).all(axis=-1)):
        factor = climb(pair.isel(mu=i, delta=j)) if climbs[j] else None
        slopes[i, j] = np.diff(np.log(median[i, j] / (1.0 if factor is None else factor)))[0]
    return slopes / np.log(pair.dimension.values[1] / pair.dimension.values[0])


def _map(ax, plane, values, **look):
    """Colour the fields of a map, array (mu, delta); hatched where there is no finite number."""
    ax.patch.set(**_EMPTY)
    values = np.ma.masked_invalid(np.where(values == 0, np.nan, values) if "vmax" in look else values)
    return ax.pcolormesh(plane.mu, plane.delta, values.T, shading="nearest", rasterized=True, zorder=1, **look)


def _edges(values):
    """From the outer edge of the first field to that of the last."""
    return values[0] - (values[1] - values[0]) / 2, values[-1] + (values[-1] - values[-2]) / 2


def _boundaries(ax, plane, ell) -> set[str]:
    """Draw the theory's lines and those of its points that lie in the plane; their names."""
    (left, right), (low, high) = _edges(plane.mu.values), _edges(plane.delta.values)
    diagram = diagrams.learning_rate_diagram(
        ell, mu_max=max(right, ell + 0.1), delta_min=min(low, -ell / 2), delta_max=max(high, ell / 2 + 0.1)
    )
    for points in diagram.lines.values():
        ax.plot(*points.T, color=style.INK, linewidth=1.4, zorder=3)
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    shown = {name for name, (x, y) in diagram.points.items() if left <= x <= right and low <= y <= high}
    for name in shown & POINTS.keys():
        look = {"markerfacecolor": "white", "markeredgecolor": style.INK, "markersize": 5}
        ax.plot(*diagram.points[name], POINTS[name][0], zorder=5, clip_on=False, **look)
    return shown


def _by_the_best(plane) -> bool:
    """Whether the budget of a map knows the best time alone: then slow rates end with it."""
    return plane.attrs.get("budget", "best") == "best"


def _finite(ax, plane, name):
    """Where, at its dimension, the budget ends and, of one direction, the mean first step gains nothing."""
    model, d, ell = model_of(plane), float(plane.dimension), int(plane.attrs["information_exponent"])
    mu, delta = (np.linspace(*_edges(axis.values), 200) for axis in (plane.mu, plane.delta))
    size, rate = float(plane.attrs["n0"]) * d**mu, float(plane.attrs["gamma0"]) * d**-delta
    start, threshold = float(start_of(plane)), float(plane.attrs["threshold"])
    if model.teachers == 1:
        gain = first_step_gain(model, Protocol.named(name), d, size, rate[:, None], start)
        ax.contour(mu, delta, gain, levels=[0], colors=_STOP["color"], linestyles="--", linewidths=1.5, zorder=4)
    if not _by_the_best(plane):
        return
    time = noiseless_time(model, dimension=d, learning_rate=1.0, start=start, threshold=threshold)  # over γ at another
    if not np.isfinite(time):  # the overlaps turn before they grow
        return
    budget = float(plane.attrs["step_budget"]) * d ** map_exponent(ell, np.maximum(mu, 0))
    slowest = np.log(budget / time) / np.log(d)
    ax.plot(mu, slowest, zorder=3, **_SLOW)
