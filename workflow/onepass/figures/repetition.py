"""Samples seen once and twice until recovery, against dimension: in units of d, and of what one look needs."""

import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.scaling import fit_exponent
from onepass.figures import panels, style
from onepass.gaussian.generative import generative_exponent
from onepass.protocol import Protocol
from onepass.theory.exponents import saddle_exponent

_LOOKS = {True: ("each sample seen twice", "#D55E00"), False: ("each sample seen once", "#0072B2")}


@style.context()
def draw(datasets):
    """Draw N/d and ``N/d^(ℓ−1)`` against d, columns targets, with the exponents of N.

    Data sets of one μ and any protocols, their fits merged; several of one target together.
    """
    groups = panels.by_target(datasets)
    figure = style.new_figure(4.2)
    axes = figure.subplots(2, len(groups), sharex="col", squeeze=False)
    for column, (target, group) in zip(axes.T, groups.items(), strict=True):
        ell, own = panels.information_exponent(group), generative_exponent(target)
        powers = (1, saddle_exponent(ell))
        column[0].set_title(f"{style.formula(target)}\n$\\ell = {ell}$,  generative exponent ${own}$")
        texts = []
        for dataset in group:
            for name in dataset.protocol.values:
                series = dataset.sel(protocol=name).isel(mu=0).sortby("dimension")
                protocol = Protocol.named(str(name))
                colour = _LOOKS[protocol.repeats][1]
                each = series.batch_size.values / protocol.passes
                for ax, power in zip(column, powers, strict=True):
                    unit = each / series.dimension.values.astype(float) ** power
                    panels.draw_medians(ax, series, colour, unit=unit)
                    panels.draw_fit(ax, series, colour, unit=unit)
                texts.append((exponent(series, logarithm=protocol.repeats and own == 2), colour))
        height = 0.03
        for text, colour in texts:
            column[1].annotate(text, (0.03, height), xycoords="axes fraction", color=colour, fontsize=7.5)
            height += 0.11 * (1 + text.count("\n"))
        for ax, power in zip(column, powers, strict=True):
            ax.set_yscale("log")
            ax.margins(y=0.25)
            ax.set_ylabel(f"$N / {style.power_of_d(1, power)}$")
        low, high = column[1].get_ylim()
        column[1].set_ylim(low * (low / high) ** (1.3 * height), high)  # room for the exponents
        panels.dimension_ticks(column[1], [d for dataset in group for d in dataset.dimension.values])
        column[1].set_xlabel("dimension $d$")
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=3.5, label=label) for label, colour in _LOOKS.values()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def exponent(series, logarithm: bool) -> str:
    """The measured exponent of N as a power of d, and beside the logarithm of a linear climb where there is one."""
    text = _power(*(float(series[f"theta_plain{bound}"]) for bound in ("", "_low", "_high")))
    if not logarithm:
        return text
    d = series.dimension.values
    climb = np.log(float(series.attrs["threshold"]) / series.start_norm.values)
    fit = fit_exponent(
        d, series.recovery_step.values, series.recovered.values.astype(bool), factor=climb, points=len(d),
        rng=np.random.default_rng(0),
    )  # fmt: skip
    beside = _power(fit.theta, fit.theta_low, fit.theta_high).removeprefix("$N \\propto ").removesuffix("$")
    return f"{text}\nor ${beside}\\; \\log(\\sqrt{{d}}/2)$"


def _power(value, low, high) -> str:
    return f"$N \\propto d^{{\\,{value:.2f}\\,\\pm\\,{max(high - value, value - low):.2f}}}$"
