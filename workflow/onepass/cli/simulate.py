"""``onepass simulate``: one cell to NetCDF, by way of the same cell and store as the pipeline's."""

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from onepass.cli.choices import chosen, with_choices
from onepass.cli.errors import plain_errors, warn

SHOWN = 6  # weights of a second layer, of many
EXPERIMENT = "command_line"  # of the cell: it belongs to no grid


def positive(value: float | None) -> float | None:
    """A finite number above 0, if one is given."""
    if value is not None and not 0 < value < float("inf"):
        raise typer.BadParameter(f"{value}; allowed: a finite number above 0")
    return value


@with_choices
def simulate(
    target: Annotated[str, typer.Option(help='Formula of the target, for instance "He3(x1)".')],
    activation: Annotated[str, typer.Option(help='Activation: a name ("He3", "relu") or a formula in x.')],
    dimension: Annotated[int, typer.Option(min=2, help="Input dimension d.")],
    batch_size: Annotated[int, typer.Option(min=1, help="Samples n_b of a step.")],
    output: Annotated[Path, typer.Option(help="NetCDF file to write.")],
    learning_rate: Annotated[
        float | None, typer.Option(help="Learning rate γ, above 0; if left out, by the theory.", callback=positive)
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps, at most; if left out, by the theory.")] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="Update and loss, then pieces: spherical_square, plain_square_heavyball0.9_layer1. Options for its "
            "choices, --loss to --passes, change them."
        ),
    ] = "projected_correlation",
    students: Annotated[int, typer.Option(min=1, help="Number p of hidden units.")] = 1,
    second_layer: Annotated[
        str | None, typer.Option(help='The p weights, for instance "1,-1"; ones if left out.')
    ] = None,
    noise: Annotated[float, typer.Option(help="Variance of the label noise.")] = 0.0,
    inputs: Annotated[
        str,
        typer.Option(
            help="Covariance of the inputs: isotropic, a name such as spike9a0.5, or a mapping as in a configuration, "
            '"{spectrum: {power: 1.2, blocks: 24}}".'
        ),
    ] = "isotropic",
    replicas: Annotated[int, typer.Option(min=1, help="Independent runs.")] = 8,
    engine: Annotated[str, typer.Option(help="chain, sgd, gaussian or leap.")] = "chain",
    backend: Annotated[str, typer.Option(help="auto, numpy (CPU) or cupy (GPU).")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
    threshold: Annotated[
        float | None, typer.Option(help="Norm of the overlaps at which a run stops; left out, none stops.")
    ] = None,
    recovery: Annotated[
        str,
        typer.Option(help="Where weights leave the sphere, what the threshold is on: cosine, or norm of the overlaps."),
    ] = "cosine",
    initial: Annotated[
        str, typer.Option(help="Start: sphere, norm_inverse_sqrt_d, inverse_sqrt_d, or a number for every overlap.")
    ] = "sphere",
    records: Annotated[int, typer.Option(min=0, help="Steps to record.")] = 100,
    tolerance: Annotated[
        float | None, typer.Option(help="Relative error of median times that engine leap may make; 0.01 if left out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON in place of text.")] = False,
    choices: dict | None = None,
) -> None:
    """Simulate one cell: replicas of one run, with every parameter in the file's attributes."""
    if output.exists() and not force:
        raise typer.BadParameter(f"{output} is there; allowed: another name, or --force", param_hint="--output")
    if output.is_dir() or not writable(output):
        raise typer.BadParameter(
            f"{output} cannot be written; allowed: a file in a folder that can", param_hint="--output"
        )
    layer, start = weights(second_layer), overlap(initial, dimension)
    with plain_errors():
        from onepass.model import Model
        from onepass.pipeline import store
        from onepass.pipeline.cell import Cell
        from onepass.pipeline.inputs import read_inputs
        from onepass.protocol import Protocol
        from onepass.targets import warnings
        from onepass.targets.suggestion import suggested

        protocol, covariance = chosen(protocol, choices), read_inputs(inputs)
        if learning_rate is None or steps is None:
            model = Model(target, activation, students, layer, noise, covariance)
            model.require_isotropic("the theory, which is asked for a learning rate or steps,")
            found = suggested(
                model, Protocol.named(protocol), dimension=dimension, batch_size=batch_size, initial=start,
                threshold=threshold, learning_rate=learning_rate,
            )  # fmt: skip
            learning_rate, steps = found.learning_rate, found.steps if steps is None else steps
            print(f"by the theory: {found.told()}; at most {steps} steps", file=sys.stderr)
        cell = Cell(
            EXPERIMENT, target, activation, students, layer, noise, protocol, None, None, dimension, batch_size,
            learning_rate, steps, replicas, engine, backend, start, threshold, records, seed, tolerance,
            recovery=recovery_of(recovery, protocol, threshold),
            inputs=None if covariance == "isotropic" else covariance,
        )  # fmt: skip
        warn(warnings.sentences(warnings.on_cell(cell)))
        with progress():
            runs = cell.simulate()
        store.write_cell(cell, runs, output)
        found = summary(runs, threshold)
        print(json.dumps({"output": str(output), **found}, indent=2) if json_ else f"{output}: {told(found)}")


def writable(output: Path) -> bool:
    """Whether a file can be made there; the nearest folder that exists decides."""
    folder = next(parent for parent in output.absolute().parents if parent.exists())
    return folder.is_dir() and os.access(folder, os.W_OK)


def weights(text: str | None) -> tuple[float, ...] | None:
    """The second layer as numbers."""
    try:
        return None if text is None else tuple(float(part) for part in text.split(","))
    except ValueError:
        message = f"{text!r}; allowed: numbers with commas between, such as 1,-1"
        raise typer.BadParameter(message, param_hint="--second-layer") from None


def recovery_of(recovery: str, protocol: str, threshold: float | None) -> str | None:
    """What the threshold is on, as a cell has it: None where that makes no difference."""
    from onepass.protocol import Protocol, Update
    from onepass.simulation.algorithms.run import RECOVERIES

    if recovery not in RECOVERIES:
        raise typer.BadParameter(f"{recovery!r}; allowed: {', '.join(RECOVERIES)}", param_hint="--recovery")
    leaves = Protocol.named(protocol).update == Update.PLAIN
    return recovery if leaves and threshold is not None else None


def overlap(text: str, dimension: int) -> str | float:
    """The start as a cell has it."""
    if text in ("sphere", "norm_inverse_sqrt_d"):
        return text
    if text == "inverse_sqrt_d":
        return max(dimension, 1) ** -0.5
    with suppress(ValueError):
        if math.isfinite(value := float(text)):
            return value
    message = f"{text!r}; allowed: sphere, norm_inverse_sqrt_d, inverse_sqrt_d or a finite number"
    raise typer.BadParameter(message, param_hint="--initial")


@contextmanager
def progress() -> Iterator[None]:
    """A bar on the standard error while the simulators tick; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from onepass.simulation import ticker

    columns = TextColumn("simulating"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeRemainingColumn()
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        with ticker.heard(lambda done, total: bar.update(task, completed=done / total)):
            yield


def summary(runs, threshold: float | None) -> dict:
    """How the runs ended, plain values."""
    import numpy as np

    from onepass.analysis.recovery import final_state, median_recovery

    found = {"replicas": int(runs.sizes["replica"]), "steps": int(runs.step[-1]), **final_state(runs)}
    if "diverged" in runs:
        last = runs.isel(step=-1)
        norms = np.sqrt(np.diagonal(last.student_gram.values, axis1=1, axis2=2))
        found["final_norm"] = float(np.median(norms))
        if "second_layer" in runs:
            found["final_second_layer"] = np.median(last.second_layer.values, axis=0).tolist()
        found["diverged"] = int(runs.diverged.sum())
    if threshold is not None:
        median = median_recovery(runs.recovery_step.values, runs.recovered.values.astype(bool))
        found["recovered"] = int(runs.recovered.sum())
        found["median_recovery_step"] = float(median.steps) if math.isfinite(median.steps) else None
    return found


def told(found: dict) -> str:
    """`summary` in one line."""
    state = f"overlap {found['final_overlap']:.3g} and risk {found['final_risk']:.3g}"
    if "final_norm" in found:
        state += f", norm {found['final_norm']:.3g}"
    if "final_second_layer" in found:
        state += f", second layer {', '.join(f'{a:.3g}' for a in found['final_second_layer'][:SHOWN])}"
        state += ", …" if len(found["final_second_layer"]) > SHOWN else ""
    end = f"{state} after {found['steps']} steps (medians)"
    if found.get("diverged"):
        end += f"; {found['diverged']} diverged"
    if "recovered" not in found:
        return f"{found['replicas']} replicas, {end}"
    median = found["median_recovery_step"]
    when = f"median T = {median:g} steps" if median is not None else "median T beyond the steps given"
    return f"{found['recovered']} of {found['replicas']} replicas recovered, {when}; {end}"
