"""Samples at the best rate for inputs of several covariances: against d and against two effective dimensions."""

from itertools import cycle

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from onepass.analysis.gathered import model_of
from onepass.figures import panels, style
from onepass.inputs.kind import Inputs
from onepass.inputs.spectrum import Spectrum
from onepass.inputs.spike import Spike
from onepass.theory.effective_dimension import sample_exponent

_COLOURS = ("#000000", "#0072B2", "#56B4E9", "#009E73", "#D55E00", "#E69F00", "#CC79A7")
_MARKERS = "osD^vP<"
_NAMES = ("d", r"d_{\mathrm{eff}}", r"d_{\mathrm{diff}}")
_TITLES = ("all directions", "seen by weights at the start", "seen by weights after noise")


@style.context()
def draw(datasets):
    """Draw N* against d, ``tr Σ w*ᵀΣw* / w*ᵀΣ²w*`` and ``tr Σ² w*ᵀΣw* / w*ᵀΣ³w*``.

    Data sets of `onepass.analysis.tuned.fit_experiment` of one target, one batch exponent and one protocol each.
    """
    inputs = {id(dataset): model_of(dataset).inputs for dataset in datasets}
    datasets = sorted(datasets, key=lambda dataset: (not inputs[id(dataset)].is_isotropic, inputs[id(dataset)].name))
    power = sample_exponent(panels.information_exponent(datasets))
    figure = style.new_figure(3.2)
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    handles = []
    for dataset, colour, marker in zip(datasets, cycle(_COLOURS), cycle(_MARKERS)):
        dimensions, samples, errors = measured(dataset)
        look = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.0, "markeredgecolor": "white"}
        look |= {"markeredgewidth": 0.5}
        for ax, x in zip(axes, dimensions, strict=True):
            ax.errorbar(x, samples, errors, elinewidth=0.8, zorder=4, **look)
        handles.append(Line2D([], [], label=label(inputs[id(dataset)]), **look))
    (d, *_), samples, _ = measured(datasets[0])
    height = np.exp(np.mean(np.log(samples) - power * np.log(d)))
    for ax, name, title in zip(axes, _NAMES, _TITLES, strict=True):
        ends = np.array([min(line.get_xdata().min() for line in ax.lines if len(line.get_xdata())), d.max()])
        ax.plot(ends, height * ends**power, color=style.MUTED, linewidth=0.8, linestyle="--", zorder=1)
        ax.set(xscale="log", yscale="log", xlabel=f"${name}$", title=title)
        ax.xaxis.set_minor_formatter(NullFormatter())
    axes[0].set_ylabel("samples $N^* = n_b T^*$")
    axes[-1].annotate(rf"$\propto {_NAMES[-1]}^{{\,{power:g}}}$", (0.06, 0.93), xycoords="axes fraction", va="top",
                      color=style.MUTED, fontsize=7.5)  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=3, columnspacing=1.3)
    return figure


def measured(dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """d and both effective dimensions (3, dimension), N* (dimension,) and its errors (2, dimension), where the search
    recovers."""
    row, model = dataset.isel(protocol=0, mu=0), model_of(dataset)
    row = row.isel(dimension=np.flatnonzero(np.isfinite(row.best_samples.values)))
    found = [model.inputs.at(int(d), model.teachers) for d in row.dimension.values]
    places = [(sum(one.dimensions), one.effective_dimension, one.diffused_dimension) for one in found]
    middle, low, high = (row[f"best_samples{bound}"].values for bound in ("", "_low", "_high"))
    return np.array(places, dtype=float).T, middle, np.maximum([middle - low, high - middle], 0)


def label(inputs: Inputs) -> str:
    """Inputs in a few words."""
    if isinstance(inputs, Spectrum):
        return rf"variances $i^{{\,-{inputs.power:g}}}$"
    if isinstance(inputs, Spike):
        size = f"{inputs.strength:g}" if inputs.strength != 1 or not inputs.power else ""
        size += rf"d^{{\,{inputs.power:g}}}" if inputs.power else ""
        return f"spike $1 + {size}$, cosine {inputs.alignment:g}"
    return inputs.name
