"""Samples at the best rate for inputs with a spike: against d at several angles to the teacher, and their exponents."""

from collections import Counter

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator, NullFormatter

from onepass.analysis.gathered import model_of
from onepass.figures import style
from onepass.figures.effective_dimension import label
from onepass.inputs.spike import Spike
from onepass.theory.effective_dimension import labelled_dimension, sample_exponent, spiked_exponent

_COLOURS = ("#56B4E9", "#009E73", "#E69F00", "#0072B2", "#D55E00", "#CC79A7")
_MARKERS = "sD^vP<"
_ISOTROPIC = {"color": "#000000", "marker": "o"}
_NOISE = {"color": "#D55E00", "marker": "x", "linestyle": ":"}
_OTHER = {"color": "#CC79A7", "marker": "h"}  # of a smaller information exponent


@style.context()
def draw(datasets):
    """Draw N* against d and against `labelled_dimension`, and exponents of N* against the power of a spike.

    Data sets of `onepass.analysis.tuned.fit_experiment`, one batch exponent and one protocol each, of isotropic inputs
    and spikes. The first two panels hold those of the largest information exponent; those whose labels are mostly noise
    are the control.
    """
    ell = max(map(_order, datasets))
    own = [dataset for dataset in datasets if _order(dataset) == ell]
    spikes = [_spike(dataset) for dataset in own if _power(dataset)]
    ((power, _),) = Counter(spike.power for spike in spikes).most_common(1)
    looks = _looks(own, power)
    figure = style.new_figure(3.3)
    plain, collapse, slopes = figure.subplots(1, 3)
    for dataset, look in zip(own, looks, strict=True):
        if _power(dataset) in (0.0, power):
            _samples(plain, dataset, dataset.dimension.values, look)
        if not _is_noise(dataset):
            found = [model_of(dataset).inputs.at(int(d), 1) for d in dataset.dimension.values]
            _samples(collapse, dataset, [labelled_dimension(one, ell) for one in found], look)
    _square(collapse, [dataset for dataset in own if not _power(dataset)], ell)
    plain.set(
        xlabel="dimension $d$", ylabel="samples $N^* = n_b T^*$", title=rf"He$_{ell}$, spike $1 + d^{{\,{power:g}}}$"
    )
    collapse.set(xlabel=r"dimension $d_{\mathrm{label}}$ that noise leaves", title=f"He$_{ell}$, all spikes")
    for ax in (plain, collapse):
        ax.set(xscale="log", yscale="log")
        ax.xaxis.set_minor_formatter(NullFormatter())
    collapse.sharey(plain)
    collapse.set_xticks([50, 100, 200, 500], ["50", "100", "200", "500"])
    _exponents(slopes, datasets)
    shown = [Line2D([], [], label=_label(dataset), markersize=4, linewidth=1.0, **look)
             for dataset, look in zip(own, looks, strict=True)]  # fmt: skip
    figure.legend(handles=shown, loc="outside lower center", ncols=3, columnspacing=1.3)
    return figure


def _order(dataset) -> int:
    return int(dataset.attrs["information_exponent"])


def _spike(dataset) -> Spike | None:
    inputs = model_of(dataset).inputs
    return inputs if isinstance(inputs, Spike) else None


def _power(dataset) -> float:
    spike = _spike(dataset)
    return spike.power if spike else 0.0


def _is_noise(dataset) -> bool:
    return float(dataset.attrs["noise"]) > 0


def _looks(datasets, power: float) -> list[dict]:
    """Isotropic inputs black, noise crossed; a colour each for the others."""
    free, looks = iter(zip(_COLOURS, _MARKERS, strict=True)), []
    for dataset in datasets:
        if _is_noise(dataset):
            looks.append(_NOISE)
        elif not _power(dataset):
            looks.append(_ISOTROPIC)
        else:
            colour, marker = next(free)
            looks.append({"color": colour, "marker": marker})
    return looks


def _label(dataset) -> str:
    if _is_noise(dataset):
        return f"labels are noise, cosine {_spike(dataset).alignment:g}"
    return label(model_of(dataset).inputs)


def _row(dataset):
    """Where the search recovers, along the dimension."""
    row = dataset.isel(protocol=0, mu=0)
    return row.isel(dimension=np.flatnonzero(np.isfinite(row.best_samples.values)))


def _samples(ax, dataset, x, look: dict) -> None:
    row = _row(dataset)
    kept = np.isin(dataset.dimension.values, row.dimension.values)
    middle, low, high = (row[f"best_samples{bound}"].values for bound in ("", "_low", "_high"))
    errors = np.maximum([middle - low, high - middle], 0)
    ax.errorbar(np.asarray(x)[kept], middle, errors, markersize=4, linewidth=1.0, elinewidth=0.8, zorder=4, **look)


def _square(ax, isotropic, ell: int) -> None:
    """The theory's power through the isotropic inputs."""
    power = sample_exponent(ell)
    row = _row(isotropic[0])
    d = row.dimension.values.astype(float)
    height = np.exp(np.mean(np.log(row.best_samples.values) - power * np.log(d)))
    ends = np.array(ax.get_xlim())
    ax.plot(ends, height * ends**power, color=style.MUTED, linewidth=0.8, linestyle="--", zorder=1, scalex=False)
    style.note(ax, 0.05, 0.95, rf"$\propto d_{{\mathrm{{label}}}}^{{\,{power:g}}}$", va="top", color=style.MUTED)


def _exponents(ax, datasets) -> None:
    """Fitted exponents of N* beside the theory's, for spikes along the teacher."""
    powers = np.linspace(0, 0.5, 101)
    orders = sorted({_order(dataset) for dataset in datasets}, reverse=True)
    for ell in orders:
        look = {"color": style.INK, "marker": "o"} if ell == orders[0] else _OTHER
        for noisy, shape in ((True, "-"), (False, ":")):
            theory = [spiked_exponent(ell, power, noisy) for power in powers]
            ax.plot(powers, theory, shape, color=style.lighter(look["color"]), linewidth=1.2, zorder=1)
        ax.annotate(f"He$_{ell}$", (0.5, spiked_exponent(ell, 0.5, noisy=False)), (-2, 7), ha="right",
                    textcoords="offset points", color=look["color"], fontsize=7.5)  # fmt: skip
        for dataset in datasets:
            spike = _spike(dataset)
            if _order(dataset) != ell or _is_noise(dataset) or (spike and spike.alignment < 1):
                continue
            row, inputs = dataset.isel(protocol=0, mu=0), model_of(dataset).inputs
            value, low, high = (float(row[f"sample_exponent{bound}"]) for bound in ("", "_low", "_high"))
            errors = np.maximum([[value - low], [high - value]], 0)
            ax.errorbar(
                [_power(dataset)], [value], errors, markersize=4, elinewidth=0.8, linestyle="none", zorder=4, **look
            )
            d = dataset.dimension.values
            seen = [labelled_dimension(inputs.at(int(one), 1), ell) for one in d]
            slope = sample_exponent(ell) * np.polyfit(np.log(d), np.log(seen), 1)[0]
            ax.plot([_power(dataset)], [slope], "_", color=look["color"], markersize=11, markeredgewidth=0.9, zorder=3)
    ax.xaxis.set_major_locator(MultipleLocator(0.125))
    ax.xaxis.set_major_formatter(lambda power, _: f"{power:g}".replace("0.", "."))
    ax.set(xlabel="power of the spike $a$", ylabel=r"exponent of $N^*$ in $d$", ylim=(0, None))
    ax.set_title(r"spike $1 + d^{\,a}$ along the teacher")
    line = {"color": "0.6", "linewidth": 1.2}
    handles = [
        Line2D([], [], **line, label="theory, best rate"),
        Line2D([], [], **line, linestyle=":", label="theory, start kept"),
        Line2D([], [], color=style.INK, marker="_", markersize=9, linestyle="none", label="theory at these $d$"),
    ]
    ax.legend(handles=handles, loc="upper right", handlelength=1.4, fontsize=7)
