"""Samples at the best learning rate, for several losses: their exponents against those of the loss itself.

The theory is `onepass.theory.losses`: the exponent ℓ of a loss takes the place of the target's, and its samples are
those of the target's, ``N ∝ d^max(ℓ−1, 1)``.
"""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from onepass.analysis.gathered import model_of
from onepass.choices import Loss
from onepass.figures import panels, style
from onepass.protocol import Protocol
from onepass.theory.exponents import saddle_exponent
from onepass.theory.losses import loss_information_exponent

_FILLS = ({}, {"markerfacecolor": "white"})  # of the smallest batch, and of larger ones
_BOUNDS = ("", "_low", "_high")
_DODGE = 0.16  # between batches, in rows of the exponents
_TICKS = {"own": {"color": style.INK, "linewidth": 2.2}, "zero": {"color": "0.6", "linewidth": 2.2, "linestyle": ":"}}


@style.context()
def draw(datasets):
    """Draw N*/d against d, and its exponent with the theory of each loss, a row a target.

    Data sets of `onepass.analysis.tuned.fit_experiment`, several of one target together.
    """
    groups = sorted(panels.by_target(datasets).items(), key=lambda item: panels.information_exponent(item[1]))
    looks = style.looks(panels.protocols(datasets))
    batches = sorted({float(mu) for dataset in datasets for mu in dataset.mu.values})
    figure = style.new_figure(2.3 * len(groups) + 0.5)
    axes = figure.subplots(len(groups), 2, squeeze=False, width_ratios=[1, 1])
    for (left, right), (target, group) in zip(axes, groups, strict=True):
        left.set_title(panels.title(target, group))
        _samples(left, group, looks, batches)
        _exponents(right, group, looks, batches)
    axes[-1, 0].set_xlabel("dimension $d$")
    axes[-1, 1].set_xlabel(r"exponent of the samples $N^* \propto d^{\,\theta^* + \mu}$")
    batch = [
        Line2D([], [], color=style.MUTED, marker="o", **_fill(i), label=f"$n_b = {style.power_of_d(1, mu)}$")
        for i, mu in enumerate(batches)
    ]
    theory = [
        Line2D([], [], **_TICKS["own"], label="theory, at the student's own output"),
        Line2D([], [], **_TICKS["zero"], label="theory, at an output of 0"),
    ]
    figure.legend(handles=[*batch, *theory], loc="outside lower center", ncols=4, columnspacing=1.4)
    return figure


def sample_exponents(dataset, protocol):
    """Exponents of N of a protocol's loss at the student's own output and at an output of 0, by their names."""
    own, named = model_of(dataset), Protocol.named(protocol)
    found = {output: loss_information_exponent(own, named, output).exponent for output in _TICKS}
    return {output: float(saddle_exponent(ell)) for output, ell in found.items()}


def _fill(place):
    return _FILLS[min(place, 1)]


def _samples(ax, group, looks, batches):
    """N*/d against d: flat where samples are in proportion to d."""
    for name, look in looks.items():
        for mu, series in panels.each_series(group, name):
            samples, low, high = (series[f"best_samples{b}"].values / series.dimension.values for b in _BOUNDS)
            errors = np.maximum([samples - low, high - samples], 0)
            shown = {"color": look.colour, "marker": look.marker, "linewidth": 0.9, "elinewidth": 0.7, "markersize": 4}
            ax.errorbar(series.dimension, samples, errors, **shown | _fill(batches.index(mu)))
    ax.set_yscale("log")
    panels.dimension_ticks(ax, [d for dataset in group for d in dataset.dimension.values])
    ax.set_ylabel("samples $N^*/d$")


def _exponents(ax, group, looks, batches):
    """Exponents of N*, a row a loss, in the order of `looks` from the top."""
    shown = [name for name in looks if any(name in dataset.protocol.values for dataset in group)]
    for row, name in enumerate(shown):
        measured = [dataset for dataset in group if name in dataset.protocol.values]
        for output, value in reversed(sample_exponents(measured[0], name).items()):
            ax.plot([value, value], [row - 0.38, row + 0.38], **_TICKS[output], zorder=2, solid_capstyle="butt")
        for mu, series in panels.each_series(group, name):
            place = batches.index(mu)
            value = float(series.sample_exponent)
            errors = [[value - float(series.sample_exponent_low)], [float(series.sample_exponent_high) - value]]
            look = {"color": looks[name].colour, "fmt": looks[name].marker, "elinewidth": 1, "zorder": 4}
            shift = _DODGE * (2 * place - len(batches) + 1) / 2 * 1.6
            ax.errorbar(value, row + shift, xerr=np.maximum(errors, 0), **look | _fill(place))
    ax.set_yticks(range(len(shown)), [_words(name) for name in shown])
    for label, name in zip(ax.get_yticklabels(), shown, strict=True):
        label.set_color(looks[name].colour)
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.set_xlim(0, panels.information_exponent(group) + 0.5)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_locator(MultipleLocator(1))
    ax.grid(axis="x", color="0.92", linewidth=0.6)
    ax.set_axisbelow(True)


def _words(name):
    """The loss of a protocol, and the labels that it is of."""
    own = Protocol.named(name)
    labels = "" if own.label is None else f"\nof {own.label.replace(' ', '')}"
    loss = "Huber" if own.loss == Loss.HUBER else own.loss
    return f"{loss}{labels}"
