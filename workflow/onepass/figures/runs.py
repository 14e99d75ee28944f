"""One cell: overlap and risk along its runs, from the file of the pipeline or of the command line."""

from dataclasses import asdict

import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.recovery import final_state
from onepass.errors import OnepassError
from onepass.figures import style
from onepass.pipeline.cell import unpack
from onepass.protocol import Protocol

_HELD = {"overlap": {"replica", "step", "student", "teacher"}, "risk": {"replica", "step"}, "recovered": {"replica"}}
_ALLOWED = "allowed: one of data/cells/, or of onepass simulate"


class CellFileError(OnepassError, ValueError):
    """A file that holds no runs of one cell."""


@style.context()
def draw(datasets):
    """Draw the overlap's norm, of several coordinates also its parts, and the excess risk against steps.

    One data set, as `onepass.simulate` returns it with a cell's parameters as attributes (`store.write_cell`); a
    `CellFileError` if it is something else.
    """
    (runs,) = datasets
    about = described(runs)
    step = runs.step.values
    figure = style.new_figure(3.2)
    left, right = figure.subplots(1, 2)
    colour = style.look(about["protocol"]).colour
    overlap = runs.overlap.transpose("replica", "step", "student", "teacher").values
    norm = np.linalg.norm(overlap, axis=(2, 3))
    _lines(left, step, norm, colour, replicas=True)
    handles = [
        Line2D([], [], color=colour, linewidth=0.6, label="replicas"),
        Line2D([], [], color=colour, linewidth=1.6, label="median"),
    ]
    if runs.sizes["teacher"] > 1:
        own_colours = [other for other in style.COORDINATES if other != colour]
        parts = np.linalg.norm(overlap, axis=2)
        for r in range(parts.shape[2]):
            own = own_colours[r % len(own_colours)]
            _lines(left, step, parts[:, :, r], own, shape="--")
            handles.append(Line2D([], [], color=own, linestyle="--", linewidth=1.2, label=f"$x_{{{r + 1}}}$ alone"))
    if about["threshold"] is not None:
        left.axhline(about["threshold"], color=style.MUTED, linewidth=0.8, linestyle=":", zorder=1)
        handles.append(Line2D([], [], color=style.MUTED, linewidth=0.8, linestyle=":", label="threshold"))
    _lines(right, step, runs.risk.transpose("replica", "step").values, colour, replicas=True)
    left.set_ylabel(r"overlap $\|M\|_F$")
    left.set_ylim(0, max(1.03, 1.03 * norm.max()))
    right.set_ylabel("excess risk")
    if float(runs.risk.min()) > 0 and float(runs.risk.max() / runs.risk.min()) > 5:
        right.set_yscale("log")
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_xlabel("step $t$")
    figure.suptitle(_title(about), fontsize=8)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.4)
    return figure


def described(runs) -> dict:
    """The parameters of a cell and where it ended, plain values."""
    if not all(name in runs and set(runs[name].dims) == dims for name, dims in _HELD.items()):
        raise CellFileError(f"the file holds no runs of one cell; {_ALLOWED}")
    try:
        (cell,) = unpack(f"[{runs.attrs['parameters']}]")
        Protocol.named(cell.protocol)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CellFileError(f"the file lacks parameters of a cell of this version; {_ALLOWED}") from None
    return asdict(cell) | final_state(runs) | {"recovered": int(runs.recovered.sum())}


def _lines(ax, step, values, colour, *, replicas=False, shape="-"):
    """Values (replica, step) and their median; step 0 has no logarithm, and one step after it makes no line."""
    own = {"color": colour, "marker": "o" if len(step) == 2 else None}
    if replicas:
        ax.plot(step[1:], values[:, 1:].T, linewidth=0.4, alpha=0.35, zorder=2, rasterized=True, markersize=2, **own)
    ax.plot(step[1:], np.median(values, axis=0)[1:], shape, linewidth=1.6 - 0.4 * (shape != "-"), zorder=4, **own)


def _title(about: dict) -> str:
    p, rate = about["students"], style.number(about["learning_rate"])
    numbers = f"$d = {about['dimension']}$, $n_b = {about['batch_size']}$, $\\gamma = {rate}$"
    return (
        f"{style.formula(about['target'])} by {p} student{'s' * (p > 1)} {style.formula(about['activation'])}, "
        f"{style.look(about['protocol']).label}\n{numbers}, {about['replicas']} replicas, engine {about['engine']}"
    )
