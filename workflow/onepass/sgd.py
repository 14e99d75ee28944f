"""One-pass SGD in d dimensions: the reference that the overlap chain is held against.

Written over an array namespace, replicas as the first axis. Batches are drawn in chunks, so that memory
is bounded whatever the dimension and the batch size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onepass.model import Model
from onepass.overlap_kernel import population_risk
from onepass.risk import risk_series
from onepass.settings import Settings
from onepass.ticker import tick

MEMORY = 2**30  # bytes, for everything that a run holds in d dimensions
CHUNK = 2**24  # bytes of inputs drawn at once: large enough for BLAS, small enough for the cache


class MemoryBoundError(ValueError):
    """A run that does not fit the memory it is given."""


def run(
    model: Model,
    settings: Settings,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
    record_steps: np.ndarray,
    *,
    xp=np,
    memory: int = MEMORY,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Run every replica in d dimensions; parameters and results as in `overlap_chain.run`.

    `memory` bounds the bytes of students, gradients and inputs together; replicas that do not fit side by
    side run one group after another.
    """
    p, d = model.students, settings.dimension
    each = 8 * d * (4 * p + 1)  # students, gradient, their temporaries, and one sample
    if each > memory:
        raise MemoryBoundError(
            f"one replica of {p} students in dimension {d} takes {each} bytes; allowed: {memory}. "
            "The engine 'chain' needs no memory for the dimension"
        )
    group = max(1, memory // (2 * each))
    parts = [
        _run_group(model, settings, factors[i : i + group], streams[i : i + group], record_steps, xp)
        for i in range(0, len(factors), group)
    ]
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def _run_group(model, settings, factors, streams, record_steps, xp):
    p, k, d = model.students, model.teachers, settings.dimension
    replicas = len(factors)
    students = xp.zeros((replicas, p, d))
    students[:, :, : factors.shape[2]] = xp.asarray(factors)  # inputs are isotropic: any basis will do
    # Streams of their own, so that the chunks in which inputs are drawn never decide a replica's noise.
    noises = [stream.spawn(1)[0] for stream in streams]
    layer = xp.asarray(model.second_layer) / p
    rate = np.full(replicas, settings.learning_rate)
    correlation = np.full(replicas, settings.correlation)
    schedule = _AdaptiveSchedule(model, settings, factors) if settings.adaptive else None

    overlaps = np.empty((replicas, record_steps.size, p, k))
    grams = np.empty((replicas, record_steps.size, p, p))
    last, recovered = np.zeros(replicas, dtype=np.int64), np.zeros(replicas, dtype=bool)
    active = np.arange(replicas)
    for step in range(settings.steps + 1):
        tick(step, settings.steps)
        overlap = students[:, :, :k]
        stopped = _host(xp.sqrt((overlap**2).sum(axis=(1, 2)))) >= settings.threshold
        recovered[active[stopped]] = True
        if step == settings.steps:
            stopped[:] = True
        last[active] = step
        # A stopped replica's state is held in all records to come; a later record overwrites its own only.
        slot = np.searchsorted(record_steps, step)
        if stopped.any() or record_steps[slot] == step:
            held = np.where(stopped | (record_steps[slot] == step))[0]
            overlaps[active[held], slot:] = _host(overlap[held])[:, None]
            grams[active[held], slot:] = _host(students[held] @ students[held].swapaxes(1, 2))[:, None]
        if stopped.any():
            going = np.where(~stopped)[0]
            students, active = students[going], active[going]
            if not active.size:
                break
        if schedule is not None:
            schedule.update(students, active, rate, correlation)
        with np.errstate(over="ignore", invalid="ignore"):  # told below, as an error of this run
            gradient = _descent_direction(
                model,
                settings,
                students,
                [streams[r] for r in active],
                [noises[r] for r in active],
                layer,
                xp.asarray(correlation[active]),
                xp,
            )
            if settings.spherical:
                gradient -= (gradient * students).sum(axis=2, keepdims=True) * students
            students += xp.asarray(rate[active])[:, None, None] * gradient
            norms = xp.sqrt((students**2).sum(axis=2, keepdims=True))
        if not bool(xp.isfinite(norms).all()):
            raise FloatingPointError(f"a replica diverged at step {step}")
        students /= norms
    return overlaps, grams, last, recovered


def _descent_direction(model, settings, students, streams, noises, layer, correlation, xp):
    """Mean over one fresh batch of ``c_j z``, shape of the students (replicas, p, d).

    One generator a replica for inputs and one for label noise; layer (p,): ``a_j / p``; correlation (replicas,):
    whether the loss is.
    """
    k, n_b, d = model.teachers, settings.batch_size, settings.dimension
    target = model.target_formula.array(xp)
    activation = model.activation_formula.array(xp)
    derivative = model.activation_formula.array(xp, derivative=True)
    rows = max(1, min(n_b, CHUNK // (8 * max(d, 4 * students.shape[1]) * len(streams))))
    inputs = xp.empty((len(streams), rows, d))
    total = xp.zeros_like(students)
    for start in range(0, n_b, rows):
        z = inputs[:, : min(rows, n_b - start)]
        error = target(_normals(streams, z)[..., :k])
        if settings.noise > 0:
            error = error + settings.noise * _normals(noises, xp.empty(error.shape))
        fields = z @ students.swapaxes(1, 2)
        error = xp.where(correlation[:, None], error, error - activation(fields) @ layer)
        c = layer * derivative(fields) * error[..., None]
        total += c.swapaxes(1, 2) @ z
    return total / n_b


def _normals(streams, out):
    for r, stream in enumerate(streams):
        out[r] = stream.standard_normal(out.shape[1:])
    return out


class _AdaptiveSchedule:
    """Correlation loss until the risk is low, then square loss and a decaying rate, replica by replica."""

    def __init__(self, model, settings, factors):
        self.series = risk_series(model)
        self.layer = np.array(model.second_layer) / model.students
        self.settings = settings
        self.width = model.teachers
        first = [population_risk(factor, self.layer, self.series) for factor in factors]
        self.switch = settings.risk_fraction * np.array(first)

    def update(self, students, active, rate, correlation):
        for r, weights in zip(active, _host(students), strict=True):
            if population_risk(np.ascontiguousarray(weights), self.layer, self.series) < self.switch[r]:
                rate[r] *= self.settings.decay * (self.settings.drop if correlation[r] else 1.0)
                correlation[r] = False


def _host(array):
    return array.get() if hasattr(array, "get") else array
