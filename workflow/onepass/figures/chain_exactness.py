"""The overlap chain against d-dimensional SGD: equal in law."""

import numpy as np
from matplotlib.lines import Line2D
from scipy.stats import beta

from onepass.analysis.exactness import compare
from onepass.figures import style

_FIRST, _SECOND = {"color": "0.72", "linewidth": 3.0}, {"color": style.INK, "linewidth": 1.0}  # engine
_ENGINES = {"sgd": "SGD in $d$ dimensions", "chain": "chain", "gaussian": "chain, Gaussian sums"}
_LEVEL = 0.95
_SMALLEST = 1e-12  # a p-value below, 0 among them, is drawn here: the axis is logarithmic


@style.context()
def draw(datasets):
    """Draw overlap distributions of both engines, and all p-values against those of equal laws.

    One data set.
    """
    (dataset,) = datasets
    names = [str(name) for name in dataset.protocol.values]
    shown = style.looks(names)
    figure = style.new_figure(3.7)
    left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1])
    rows = -(-len(names) // 2)
    panels = left.subplots(rows, min(len(names), 2), squeeze=False, sharey=True)
    for ax in panels.flat[len(names) :]:
        ax.set_visible(False)
    for ax, (name, setting) in zip(panels.flat, _representative(dataset).items(), strict=False):
        _draw_distributions(ax, dataset.overlap.sel(setting), shown[name])
    for ax in panels[-1]:
        ax.set_xlabel("overlap at the end")
    for ax in panels[:, 0]:
        ax.set_ylabel("fraction of runs below")
    labels = [_ENGINES[str(name)] for name in dataset.engine.values]
    engines = [Line2D([], [], label=label, **look) for label, look in zip(labels, (_FIRST, _SECOND), strict=True)]
    left.legend(handles=engines, loc="outside lower center", ncols=2)
    _draw_p_values(right.subplots(), compare(dataset).p_value, shown)
    handles = style.protocol_handles(names, linestyle="none")
    right.legend(handles=handles, loc="outside lower center", ncols=1, labelspacing=0.3)
    return figure


def _representative(dataset):
    """A setting for every protocol, at the largest dimension: students and batch sizes in turn, from the largest."""
    students, sizes = np.sort(dataset.students.values)[::-1], np.sort(dataset.batch_size.values)[::-1]
    return {
        str(name): {
            "protocol": name,
            "students": students[i % len(students)],
            "batch_size": sizes[i % len(sizes)],
            "dimension": dataset.dimension.values.max(),
        }
        for i, name in enumerate(dataset.protocol.values)
    }


def _draw_distributions(ax, overlap, shown):
    looks = _FIRST, _SECOND | {"color": shown.colour}
    for values, look in zip(overlap.transpose("engine", "replica").values, looks, strict=True):
        ax.ecdf(values, **look)
    count = int(overlap.students)
    place = f"{count} student{'s' * (count > 1)}, $n_b = {int(overlap.batch_size)}$, $d = {int(overlap.dimension)}$"
    ax.set_title(f"{shown.label}\n{place}", fontsize=7.5)


def _draw_p_values(ax, p_value, looks):
    """Draw sorted p-values against the means of as many uniform ones, and where 95 % of each of these lie.

    The i-th smallest of n independent uniform numbers has the law Beta(i, n + 1 - i).
    """
    tests = p_value.stack(test=p_value.dims).dropna("test").sortby(lambda values: values)
    count = tests.size
    rank = np.arange(1, count + 1)
    expected = rank / (count + 1)
    low, high = (beta.ppf(tail, rank, count + 1 - rank) for tail in ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2))
    visible = np.maximum(tests.values, _SMALLEST)
    ax.fill_between(expected, low, high, color="0.88", linewidth=0, zorder=0)
    ax.plot(expected, expected, color=style.MUTED, linewidth=0.8, zorder=1)
    for name in p_value.protocol.values:
        shown, own = looks[str(name)], tests.protocol.values == name
        look = {"color": shown.colour, "markersize": 3, "markeredgewidth": 0, "zorder": 3}
        ax.plot(expected[own], visible[own], shown.marker, **look)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("$p$-value expected of equal laws")
    ax.set_ylabel("Kolmogorov–Smirnov $p$-value")
    smallest = float(tests[0])
    verdict = f"{count} tests, smallest $p = {smallest:.2g}$\n× {count} (Bonferroni) = {min(1, count * smallest):.2g}"
    style.note(ax, 0.97, 0.04, verdict, ha="right", va="bottom")
    style.note(ax, 0.04, 0.97, "band: 95 % of each\nsorted value, were\nthe laws equal", va="top")
