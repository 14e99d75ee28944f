"""Runs of an algorithm: replicas side by side, from their starts to recovery, the end of the budget or divergence."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from onepass.errors import OnepassError
from onepass.simulation.algorithms.algorithm import Algorithm, State
from onepass.simulation.algorithms.blocks import BlockInputs
from onepass.simulation.algorithms.dense import DenseInputs
from onepass.simulation.algorithms.draws import Draws
from onepass.simulation.algorithms.lazy import LazyInputs
from onepass.simulation.ticker import tick

RECOVERIES = ("cosine", "norm")
DIVERGED = 1e6  # a row held or an output weight of this size has diverged
MEMORY = 2**30  # bytes of a batch, at most
SIDE_BY_SIDE = 2**26  # bytes of the batches of all replicas that go together


class BatchSizeError(OnepassError, ValueError):
    """A batch that does not fit the memory it is given."""


class Shown:
    """A batch with its labels, for as many steps as an algorithm sees it."""

    def __init__(self, batch, labels: np.ndarray) -> None:
        self.batch, self.labels = batch, labels

    def keep(self, going: np.ndarray) -> None:
        """Go on with the replicas at these positions alone."""
        self.batch.keep(going)
        self.labels = self.labels[going]


class Settings(NamedTuple):
    """What a run is told beside its algorithm."""

    dimension: int
    batch_size: int
    steps: int
    threshold: float  # infinity never stops
    recovery: str = "cosine"  # of `RECOVERIES`: what the threshold is on
    dense: bool = False  # whether batches have all d coordinates


class Outcome(NamedTuple):
    """What comes of it; a replica that has stopped keeps its last state, one that diverged its last before that."""

    overlaps: np.ndarray  # M (replicas, records, p, k): covariances of the students' fields and the teacher's
    grams: np.ndarray  # Q (replicas, records, p, p): of the students'. Isotropic inputs: inner products of weights
    layers: np.ndarray  # a (replicas, records, p)
    last: np.ndarray  # steps run (replicas,); of one that diverged the budget: it never recovers
    recovered: np.ndarray  # (replicas,)
    diverged: np.ndarray  # (replicas,)
    block_overlaps: np.ndarray | None = None  # W_b W*_bᵀ (replicas, records, B, p, k), of inputs with blocks
    block_grams: np.ndarray | None = None  # W_b W_bᵀ (replicas, records, B, p, p)


def run(
    algorithm: Algorithm,
    settings: Settings,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
    record_steps: np.ndarray,
) -> Outcome:
    """Run every replica from its factor, by numbers of its stream alone.

    Factors are those of `onepass.simulation.initial`: [M | L] (replicas, p, k + p), of inputs with blocks one for each
    block, (replicas, p, B, k + p). A setting that `inputs_of` refuses is an error here as well.
    """
    inputs, each = inputs_of(algorithm, settings)
    together = max(1, SIDE_BY_SIDE // each)
    groups = (slice(start, start + together) for start in range(0, len(factors), together))
    parts = [_run_group(algorithm, inputs, settings, factors[g], Draws(streams[g]), record_steps) for g in groups]
    return Outcome(*map(np.concatenate, zip(*parts, strict=True)))


def inputs_of(algorithm: Algorithm, settings: Settings) -> tuple[DenseInputs | LazyInputs | BlockInputs, int]:
    """Where the batches of a run come from, and the bytes that one takes.

    Raises
    ------
    LazyError
        If the dimension is below k and the vectors that the algorithm holds, unless batches are dense.
    BatchSizeError
        If one batch does not fit the memory.
    """
    p, k, n_b = algorithm.model.students, algorithm.model.teachers, settings.batch_size
    weights = min(p * algorithm.combinations, max(p, n_b))  # no more are independent, but those that know norms
    place = k, p * algorithm.vectors, weights
    if algorithm.model.inputs.is_isotropic:
        inputs = (DenseInputs if settings.dense else LazyInputs)(settings.dimension, *place)
    else:
        inputs = BlockInputs(algorithm.model.inputs.at(settings.dimension, k), *place, settings.dense)
    each = 8 * (inputs.numbers(n_b) + 8 * n_b * p)
    if each > MEMORY:
        seen = f", seen in {algorithm.passes} passes," if algorithm.passes > 1 else ""
        raise BatchSizeError(f"batch_size {n_b}{seen} takes {each} bytes a replica; allowed: {MEMORY} in this engine")
    return inputs, each


def labels(algorithm: Algorithm, batch, teacher: np.ndarray, draws: Draws) -> np.ndarray:
    """``h*(W* z) + √Δ ξ`` of a batch, (replicas, n_b), of the teacher's rows (k, width)."""
    model = algorithm.model
    found = algorithm.target(batch.fields(teacher[None]))
    return found + sqrt(model.noise) * draws.normals(found.shape[1]) if model.noise else found


def _run_group(algorithm, inputs, settings, factors, draws, record_steps):
    model, count = algorithm.model, len(factors)
    p, k = model.students, model.teachers
    state = algorithm.start(inputs.placed(factors), np.tile(model.output_weights, (count, 1)))
    blocks = inputs.by_block(state.rows[:1, :p])[0].shape[1]
    records = Outcome(
        np.empty((count, record_steps.size, p, k)),
        np.empty((count, record_steps.size, p, p)),
        np.empty((count, record_steps.size, p)),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=bool),
        np.zeros(count, dtype=bool),
        np.empty((count, record_steps.size, blocks, p, k)),
        np.empty((count, record_steps.size, blocks, p, p)),
    )
    active, shown = np.arange(count), []  # what of a batch is still to be seen
    for step in range(settings.steps + 1):
        tick(step, settings.steps)
        slot = np.searchsorted(record_steps, step)

        def hold(which, state=state, active=active, slot=slot):
            # In all records to come: a later record overwrites its own only.
            rows = state.rows[which, :p]
            students, (in_overlaps, in_grams) = inputs.seen(rows), inputs.by_block(rows)
            records.overlaps[active[which], slot:] = students[:, None, :, :k]
            records.grams[active[which], slot:] = (students @ students.swapaxes(1, 2))[:, None]
            records.block_overlaps[active[which], slot:] = in_overlaps[:, None]
            records.block_grams[active[which], slot:] = in_grams[:, None]
            records.layers[active[which], slot:] = state.layer[which, None] * p

        reached = progress(inputs.seen(state.rows[:, :p]), k, settings.recovery) >= settings.threshold
        stopped = reached | (step == settings.steps)
        records.recovered[active[reached]], records.last[active] = True, step
        hold(stopped | (record_steps[slot] == step))
        state, active = _kept(~stopped, state, active, [draws, *shown])
        if not active.size:
            break
        with np.errstate(all="ignore"):  # told by what diverged
            if not shown:
                batch = inputs.batch(draws, settings.batch_size)
                shown = [Shown(batch, labels(algorithm, batch, inputs.teacher, draws))]
            moved = algorithm.step(state, shown[0].batch, shown[0].labels)
            finite = _is_finite(moved)
        if not finite.all():
            hold(~finite, state, active)
            records.diverged[active[~finite]], records.last[active[~finite]] = True, settings.steps
            moved, active = _kept(finite, moved, active, [draws, *shown])
            if not active.size:
                break
        state = moved
        if (step + 1) % algorithm.passes == 0:
            state, shown = moved._replace(rows=inputs.settle(moved.rows)), []
    return records


def progress(students: np.ndarray, teachers: int, recovery: str) -> np.ndarray:
    """``‖M‖_F`` of students (replicas, p, width), or of their directions."""
    overlaps = (students[..., :teachers] ** 2).sum(axis=2)
    if recovery == "cosine":
        squares = (students**2).sum(axis=2)
        overlaps = np.divide(overlaps, squares, out=np.zeros_like(squares), where=squares > 0)
    return np.sqrt(overlaps.sum(axis=1))


def _kept(which: np.ndarray, state: State, active: np.ndarray, others: list) -> tuple[State, np.ndarray]:
    """The state and the numbers of some of the replicas; the others leave the draws and the batch."""
    if which.all():
        return state, active
    for other in others:
        other.keep(np.flatnonzero(which))
    return State(*(part[which] for part in state)), active[which]


def _is_finite(state: State) -> np.ndarray:
    """Which replicas have not diverged."""
    rows, layer = np.sqrt((state.rows**2).sum(axis=2)), abs(state.layer)
    return np.maximum(rows.max(axis=1), layer.max(axis=1)) < DIVERGED  # nor nan
