"""Gradient descent on one batch of a multiple of d samples, and on a fresh one each step: overlaps along the way."""

import numpy as np
from matplotlib.lines import Line2D

from onepass.analysis.gathered import model_of
from onepass.figures import curves, panels, style
from onepass.protocol import Protocol
from onepass.theory.one_batch import mean_field

LIMIT_RUNS = 4  # whose mean is drawn, each with samples of its own
_DASHES = {True: "-", False: (0, (3, 2))}  # whether the batch is seen again


@style.context()
def draw(datasets):
    """Draw the mean overlaps of the first student with each coordinate against steps, a panel an experiment, colours
    dimensions, with two standard errors at the largest; dots are the mean-field limit of one batch.

    Data sets of one μ each, of a protocol that sees its batch again and one that does not.
    """
    figure = style.new_figure(2.9)
    axes = figure.subplots(1, len(datasets))
    sizes = sorted({int(d) for dataset in datasets for d in dataset.dimension.values})
    colours = curves.dimension_colours(np.array(sizes))
    for ax, dataset in zip(np.atleast_1d(axes), datasets, strict=True):
        for name in panels.protocols([dataset]):
            dashes = _DASHES[Protocol.named(name).repeats]
            for d in dataset.dimension.values:
                runs = dataset.sel(protocol=name, dimension=d).isel(mu=0)
                mean, error = along(runs)
                for coordinate, (values, wide) in enumerate(zip(mean.T, 2 * error.T, strict=True)):
                    ax.plot(runs.step, values, color=colours[d], linestyle=dashes, linewidth=1.2)
                    if d == max(sizes):
                        ax.fill_between(
                            runs.step, values - wide, values + wide, color=colours[d], alpha=0.2, linewidth=0
                        )
                        if Protocol.named(name).repeats:
                            place = (runs.step.values[-1], values[-1])
                            ax.annotate(f"$x_{coordinate + 1}$", place, (3, 0), textcoords="offset points", va="center")
                if d == max(sizes) and Protocol.named(name).repeats:
                    for values in limit(runs).T:
                        ax.plot(
                            runs.step, values, color=style.INK, marker="o", markersize=2.6, linestyle="none", zorder=5
                        )
        ax.set_title(f"{style.formula(dataset.attrs['target'])}\n${curves.batch(dataset, dataset.mu[0])}$")
        ax.axhline(0, color=style.MUTED, linewidth=0.6, zorder=1)
        ax.set_xlabel("step")
    np.atleast_1d(axes)[0].set_ylabel("mean overlap of the first student")
    handles = curves.dimension_handles(colours)
    handles += [Line2D([], [], color=style.INK, linestyle=dashes, label="one batch" if again else "fresh batches")
                for again, dashes in _DASHES.items()]  # fmt: skip
    handles.append(
        Line2D(
            [], [], color=style.INK, marker="o", markersize=2.6, linestyle="none", label=r"one batch, $d \to \infty$"
        )
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def limit(runs) -> np.ndarray:
    """The mean-field limit of the first student's overlaps from where runs of one protocol and d begin (record,
    teacher)."""
    start = runs.overlaps.isel(record=0).mean("replica").transpose("student", "teacher").values
    gram = start @ start.T
    np.fill_diagonal(gram, 1.0)
    steps = runs.step.values.astype(int)
    settings = {"batch_ratio": float(runs.batch_size / runs.dimension), "learning_rate": float(runs.learning_rate)}
    settings |= {"steps": int(steps[-1]), "overlap": start, "gram": gram}
    protocol = Protocol.named(str(runs.protocol.values))
    found = [mean_field(model_of(runs), protocol, **settings, seed=seed)[0] for seed in range(LIMIT_RUNS)]
    return np.mean(found, axis=0)[steps, 0]


def along(runs) -> tuple[np.ndarray, np.ndarray]:
    """Mean over replicas of the first student's overlaps and its standard error (record, teacher)."""
    found = runs.overlaps.transpose("replica", "record", ...).values[:, :, 0]
    return found.mean(axis=0), found.std(axis=0, ddof=1) / len(found) ** 0.5
