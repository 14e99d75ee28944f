"""One-pass SGD in d dimensions: the reference that the overlap chain is held against.

Written over an array namespace, replicas as the first axis. Batches are drawn in chunks, so that memory
is bounded whatever the dimension and the batch size.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from onepass.errors import OnepassError
from onepass.gaussian.risk import population_risk
from onepass.model import Model
from onepass.protocol import Loss, Schedule, Update
from onepass.simulation.chunks import Chunks
from onepass.simulation.parameters import Parameters
from onepass.simulation.ticker import tick

MEMORY = 2**30  # bytes, for everything that a run holds in d dimensions
# Bytes of inputs drawn at once: for each replica, so that the order of its sums does not depend on how many there are;
# and on a GPU for all of them, large enough to hide the launches, whose time knows no size.
CHUNK, DEVICE_CHUNK = 2**18, 2**31


class MemoryBoundError(OnepassError, ValueError):
    """A run that does not fit the memory it is given."""


def run(
    model: Model,
    parameters: Parameters,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
    record_steps: np.ndarray,
    *,
    memory: int | None = None,
    device=None,
    key: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Run every replica in d dimensions; parameters and results as in `overlap_chain.run`.

    `memory` bounds the bytes of students, gradients and inputs together (by default `MEMORY`, or what a device has
    free); replicas that do not fit side by side run one group after another. With a `cuda.device.CudaDevice`
    the arrays live there, and the numbers come from `key` (`cuda.philox`) instead of `streams`.
    """
    p, d = model.students, parameters.dimension
    memory = memory or (device.free_bytes() if device else MEMORY)
    bytes_a_row = 8 * max(d, 4 * p)
    each = 8 * d * (4 * p + 1)  # students, gradient, their temporaries, and one sample
    if each > memory:
        raise MemoryBoundError(
            f"one replica of {p} students in dimension {d} takes {each} bytes; allowed: {memory}. "
            "The engine 'chain' needs no memory for the dimension"
        )
    rows, parts = max(1, min(parameters.batch_size, min(memory // 4, CHUNK) // bytes_a_row)), []

    def group(start: int, end: int) -> None:
        part = slice(start, end)
        if device:
            batches = DeviceBatches(key, np.arange(start, end), d, device)
            chunk = min(memory // 4, DEVICE_CHUNK) // (bytes_a_row * (end - start))
            chunks = Chunks(max(1, min(parameters.batch_size, chunk)), device)
        else:
            batches, chunks = HostBatches(streams[part], d), Chunks(rows)
        parts.append(_run_group(model, parameters, factors[part], batches, record_steps, chunks))

    if device:
        from onepass.simulation.cuda.normals import DeviceBatches

    together = memory // (2 * each) if device else memory // (2 * each + (rows - 1) * bytes_a_row)
    Chunks(together, device).run(len(factors), group)
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


class HostBatches:
    """Inputs and label noise of fresh batches from NumPy's generators, one a replica."""

    def __init__(self, streams: Sequence[np.random.Generator], dimension: int) -> None:
        self.streams, self.dimension = list(streams), dimension
        # Streams of their own, so that the chunks in which inputs are drawn never decide a replica's noise.
        self.noises = [stream.spawn(1)[0] for stream in streams]
        self._buffer = np.empty((0, 0, 0))

    def keep(self, going: np.ndarray) -> None:
        """Go on with the replicas at these positions alone."""
        self.streams, self.noises = ([part[i] for i in going] for part in (self.streams, self.noises))

    def inputs(self, step: int, start: int, count: int) -> np.ndarray:
        """The next `count` samples, (replicas, count, d); the next call may overwrite them."""
        if self._buffer.shape[0] != len(self.streams) or self._buffer.shape[1] < count:
            self._buffer = np.empty((len(self.streams), count, self.dimension))
        return self._drawn(self.streams, self._buffer[:, :count])

    def labels(self, step: int, start: int, count: int) -> np.ndarray:
        """Standard normals for the noise of their labels, (replicas, count)."""
        return self._drawn(self.noises, np.empty((len(self.noises), count)))

    @staticmethod
    def _drawn(streams, out):
        for r, stream in enumerate(streams):
            out[r] = stream.standard_normal(out.shape[1:])
        return out


def _run_group(model, parameters, factors, batches, record_steps, chunks):
    p, k, d = model.students, model.teachers, parameters.dimension
    replicas, xp = len(factors), chunks.xp
    students = xp.zeros((replicas, p, d))
    students[:, :, : factors.shape[2]] = xp.asarray(factors)  # inputs are isotropic: any basis will do
    layer = xp.asarray(model.output_weights)
    rate = np.full(replicas, parameters.learning_rate)
    loss = np.full(replicas, parameters.loss)
    adaptive = parameters.schedule == Schedule.ADAPTIVE
    schedule = _AdaptiveSchedule(model, parameters, factors, chunks.host) if adaptive else None

    overlaps = np.empty((replicas, record_steps.size, p, k))
    grams = np.empty((replicas, record_steps.size, p, p))
    last, recovered = np.zeros(replicas, dtype=np.int64), np.zeros(replicas, dtype=bool)
    active = np.arange(replicas)
    for step in range(parameters.steps + 1):
        tick(step, parameters.steps)
        overlap = students[:, :, :k]
        stopped = chunks.host(xp.sqrt((overlap**2).sum(axis=(1, 2)))) >= parameters.threshold
        recovered[active[stopped]] = True
        if step == parameters.steps:
            stopped[:] = True
        last[active] = step
        # A stopped replica's state is held in all records to come; a later record overwrites its own only.
        slot = np.searchsorted(record_steps, step)
        if stopped.any() or record_steps[slot] == step:
            held = np.where(stopped | (record_steps[slot] == step))[0]
            there = xp.asarray(held)
            overlaps[active[held], slot:] = chunks.host(overlap[there])[:, None]
            grams[active[held], slot:] = chunks.host(students[there] @ students[there].swapaxes(1, 2))[:, None]
        if stopped.any():
            going = np.where(~stopped)[0]
            students, active = students[xp.asarray(going)], active[going]
            if not active.size:
                break
            batches.keep(going)
        if schedule is not None:
            schedule.update(students, active, rate, loss)
        with np.errstate(over="ignore", invalid="ignore"):  # told below, as an error of this run
            gradient = _descent_direction(model, parameters, students, batches, step, layer, loss[active], chunks)
            if parameters.update == Update.SPHERICAL:
                gradient -= (gradient * students).sum(axis=2, keepdims=True) * students
            students += xp.asarray(rate[active])[:, None, None] * gradient
            norms = xp.sqrt((students**2).sum(axis=2, keepdims=True))
        if not bool(xp.isfinite(norms).all()):
            raise FloatingPointError(f"a replica diverged at step {step}")
        students /= norms
    return overlaps, grams, last, recovered


def _descent_direction(model, parameters, students, batches, step, layer, loss, chunks):
    """Mean over one fresh batch of ``c_j z``, shape of the students (replicas, p, d).

    layer (p,): ``a_j / p``; loss (replicas,), in the host's memory.
    """
    k, n_b, xp = model.teachers, parameters.batch_size, chunks.xp
    deviation, labels_alone = sqrt(parameters.noise), xp.asarray(loss == Loss.CORRELATION)[:, None]
    target = model.target_formula.array(xp)
    activation = model.activation_formula.array(xp)
    derivative = model.activation_formula.array(xp, derivative=True)
    total = xp.zeros_like(students)

    def add(start: int, end: int) -> None:
        z = batches.inputs(step, start, end - start)
        error = target(z[..., :k])
        if deviation > 0:
            error = error + deviation * batches.labels(step, start, end - start)
        fields = z @ students.swapaxes(1, 2)
        error = xp.where(labels_alone, error, error - activation(fields) @ layer)
        c = layer * derivative(fields) * error[..., None]
        part = c.swapaxes(1, 2) @ z
        xp.add(total, part, out=total)  # the last thing, and it allocates nothing: see `Chunks`

    chunks.run(n_b, add)
    return total / n_b


class _AdaptiveSchedule:
    """Correlation loss until the risk is low, then square loss and a decaying rate, replica by replica."""

    def __init__(self, model, parameters, factors, host=np.asarray):
        self.model, self.parameters, self.host = model, parameters, host
        overlaps, grams = factors[:, :, : model.teachers], factors @ factors.swapaxes(1, 2)
        self.switch = parameters.risk_fraction * population_risk(model, overlaps, grams)

    def update(self, students, active, rate, loss):
        # What leaves a device are overlaps, whose size does not know the dimension.
        overlaps, grams = students[:, :, : self.model.teachers], students @ students.swapaxes(1, 2)
        low = population_risk(self.model, self.host(overlaps), self.host(grams)) < self.switch[active]
        for r in active[low]:
            rate[r] *= self.parameters.decay * (self.parameters.drop if loss[r] == Loss.CORRELATION else 1.0)
            loss[r] = Loss.SQUARE
