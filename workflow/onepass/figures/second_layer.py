"""A committee whose second layer learns or does not: plateau and escape of runs, and the limit from the same starts."""

import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.gathered import model_of
from onepass.figures import curves, style
from onepass.protocol import Protocol
from onepass.theory.dynamics import solve_dynamics

_LOOKS = {False: ("first layer alone", "#0072B2"), True: ("both layers", "#D55E00")}  # by whether the second one learns
_LABELS = (curves.LABELS["risk"], r"norms $\|w_j\|$", "second layer $a_j$")
_DASHES = (0, (2, 2))
LEAST = 3e-6  # of the risk, in units of its first value: the panel's lower end


@style.context()
def draw(datasets):
    """Draw risk, norms and second layer of every replica against t/d, dashed the limit from the replica's own start.

    One data set of one μ and dimension: plain weights, with and without a second layer that learns, at a (μ, δ) that
    has a limit.
    """
    (dataset,) = datasets
    figure = style.new_figure(2.7)
    axes = figure.subplots(1, len(_LABELS))
    learns = {str(name): Protocol.named(str(name)).second_layer_rate > 0 for name in dataset.protocol.values}
    for name, second in learns.items():
        runs = dataset.sel(protocol=name).isel(mu=0, dimension=0)
        for place in range(runs.sizes["replica"]):
            run = runs.isel(replica=place)
            gram, layer = run.student_gram.transpose("record", ...), run.second_layer.transpose("record", ...)
            _lines(axes, run, (run.risk, gram, layer), color=_LOOKS[second][1], linewidth=1.6, alpha=0.55)
            solved = limit(run, name)
            found = solved.risk, solved.student_gram, solved.get("second_layer")
            _lines(axes, solved, found, color=style.INK, linewidth=0.8, linestyle=_DASHES, zorder=4)
    for ax, label in zip(axes, _LABELS, strict=True):
        ax.set(xscale="log", xlabel="time $t/d$", ylabel=label)
        ax.set_xlim(0.3, None)
    highest = float(dataset.risk.max())
    axes[0].set(yscale="log", ylim=(LEAST * highest, 2 * highest))
    handles = [Line2D([], [], color=colour, linewidth=1.6, label=label) for label, colour in _LOOKS.values()]
    handles.append(Line2D([], [], color=style.INK, linestyle=_DASHES, label="limit $d \\to \\infty$ from each start"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def limit(run, name: str):
    """The limit from the start of a run, its scalings and length; as of `onepass.solve_dynamics`."""
    prefactor, delta = curves.learning_rate(run)
    start = run.isel(record=0)
    return solve_dynamics(
        model_of(run),
        Protocol.named(name),
        dimension=int(run.dimension),
        steps=int(run.step.max()),
        initial=("overlaps", start.overlaps.values, start.student_gram.values),
        equation="limit",
        mu=float(run.mu),
        delta=delta,
        batch_prefactor=float(run.attrs["n0"]),
        learning_rate_prefactor=prefactor,
        records=300,
    ).assign_coords(dimension=run.dimension)


def _lines(axes, of, found, **look):
    """Risk (time,), norms of a Gram matrix (time, student, student), a second layer (time, student) if it learns."""
    risk, gram, layer = found
    norms = np.sqrt(np.diagonal(gram.values, axis1=1, axis2=2))
    time = of.step.values / float(of.dimension)
    for ax, values in zip(axes, (risk.values, norms, None if layer is None else layer.values), strict=True):
        if values is not None:
            ax.plot(time[1:], values[1:], **look)
