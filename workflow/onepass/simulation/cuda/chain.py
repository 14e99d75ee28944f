"""The overlap chain on a GPU: what the host does around the kernels of ``cuda/chain.cuh``.

The state of every replica lives on the device from the first step to the last. The host launches many steps at a time
and asks, between two bursts of them, how many replicas are still running.
"""

from math import sqrt

import numpy as np

from onepass.errors import OnepassError
from onepass.gaussian.risk import risk_series
from onepass.model import Model
from onepass.protocol import Schedule
from onepass.simulation.chain.kernel import DIVERGED, RECOVERED
from onepass.simulation.chain.unit_risk import population_risk
from onepass.simulation.chunks import Chunks
from onepass.simulation.cuda import philox
from onepass.simulation.cuda.device import as_bytes
from onepass.simulation.cuda.source import Layout, chain_source
from onepass.simulation.parameters import Parameters
from onepass.simulation.ticker import tick

KERNELS = ("chain_open", "chain_steps", "chain_sums", "chain_finish")
BURST = 2 * 10**9  # samples between two looks of the host: a tenth of a second
LONGEST_BURST = 20_000  # steps, however small
RUNNING = 3
ARRAYS = ["replicas", "factors", "partials", "records", "layer", "cross", "pair", "record_steps", "cross_powers"]
POINTERS = [*ARRAYS, "running"]
COUNTS = ["replica_count", "batch_size", "slice", "slices", "steps", "record_count", "terms", "order"]
CHOICES = ["update", "schedule"]
NUMBERS = ["degrees", "threshold_squared", "deviation", "drop", "decay", "risk_constant"]
# The structs of the same names in cuda/chain.cuh; every member has eight bytes.
RUN = np.dtype(
    [*((n, "u8") for n in ("key", *POINTERS)), *((n, "i8") for n in COUNTS + CHOICES), *((n, "f8") for n in NUMBERS)]
)
REPLICA = np.dtype(
    [*((n, "i8") for n in ("number", "step", "slot", "loss", "status")), ("rate", "f8"), ("switch_risk", "f8")]
)


class WidthError(OnepassError, ValueError):
    """A model too wide for the shared memory of a block."""


def check(model: Model, parameters: Parameters, replicas: int, device) -> None:
    """Check that the device can run the model, else a `WidthError`, and the counters of a run: see `philox.check`."""
    layout = Layout(model.students, model.teachers)
    if 8 * layout.shared_doubles > device.shared_bytes:
        raise WidthError(
            f"{model.students} students and {model.teachers} teachers need {8 * layout.shared_doubles} bytes of shared "
            f"memory a block; {device.name} has {device.shared_bytes}: use backend 'numpy'"
        )
    philox.check(replicas, parameters.steps, parameters.batch_size, layout.width)


def run(
    model: Model, parameters: Parameters, factors: np.ndarray, key: int, record_steps: np.ndarray, device
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Run every replica on the device; parameters and results as in `overlap_chain.run`, after `check`.

    `key` is the run's from `philox.key`. Replicas whose records do not fit the device's memory side by side run
    one group after another, with the same numbers.
    """
    layout = Layout(model.students, model.teachers)
    slices = -(-parameters.batch_size // layout.slice(parameters.batch_size))
    each = 8 * (record_steps.size + 1) * factors[0].size + 8 * slices * layout.sums + REPLICA.itemsize
    records = np.empty((len(factors), record_steps.size, *factors.shape[1:]))
    last, status = np.empty(len(factors), dtype=np.int64), np.empty(len(factors), dtype=np.int64)

    def group(start: int, end: int) -> None:
        part = slice(start, end)
        runner = _Group(model, parameters, factors[part], start, key, record_steps, device)
        runner.run()
        records[part], last[part], status[part] = runner.results()

    Chunks(device.free_bytes() // 2 // each, device).run(len(factors), group)
    for replica in np.flatnonzero(status == DIVERGED)[:1]:
        raise FloatingPointError(f"replica {replica} diverged at step {last[replica]}")
    grams = records @ records.swapaxes(-1, -2)
    return records[..., : model.teachers], grams, last, status == RECOVERED


class _Group:
    """Replicas side by side on the device, numbered from `first` on."""

    def __init__(self, model, parameters, factors, first, key, record_steps, device) -> None:
        self.device, self.parameters = device, parameters
        self.layout = layout = Layout(model.students, model.teachers)
        self.count = len(factors)
        series, layer = risk_series(model), model.output_weights
        replicas = np.zeros(self.count, dtype=REPLICA)
        replicas["number"] = first + np.arange(self.count)
        replicas["loss"], replicas["status"] = parameters.loss, RUNNING
        replicas["rate"] = parameters.learning_rate
        if parameters.schedule == Schedule.ADAPTIVE:
            replicas["switch_risk"] = [parameters.risk_fraction * population_risk(f, layer, series) for f in factors]
        n_b = parameters.batch_size
        self.slices = -(-n_b // layout.slice(n_b))

        xp = device.xp
        self.arrays = {
            "replicas": as_bytes(device, replicas),
            "factors": xp.array(factors, dtype=float, order="C"),
            "partials": xp.empty((self.count, self.slices, layout.sums)),
            "records": xp.empty((self.count, record_steps.size, *factors.shape[1:])),
            "layer": xp.asarray(layer),
            "cross": xp.asarray(series.cross),
            "pair": xp.asarray(series.pair),
            "record_steps": xp.asarray(record_steps.astype(np.int64)),
            "cross_powers": xp.asarray(np.ascontiguousarray(series.cross_powers, dtype=np.int64)),
            "running": xp.asarray(np.array([self.count], dtype=np.int32)),
        }
        values = {
            "key": key,
            **{name: device.address(self.arrays[name]) for name in POINTERS},
            "replica_count": self.count,
            "batch_size": n_b,
            "slice": layout.slice(n_b),
            "slices": self.slices,
            "steps": parameters.steps,
            "record_count": record_steps.size,
            "terms": series.cross.size,
            "order": series.pair.size - 1,
            "update": parameters.update,
            "schedule": parameters.schedule,
            "degrees": parameters.dimension - layout.width,
            "threshold_squared": parameters.threshold**2,
            "deviation": sqrt(parameters.noise),
            "drop": parameters.drop,
            "decay": parameters.decay,
            "risk_constant": series.constant,
        }
        self.about = as_bytes(device, np.array([tuple(values[name] for name in RUN.names)], dtype=RUN))
        self.kernels = device.kernels(chain_source(model), KERNELS, layout.threads, 8 * layout.shared_doubles)

    def run(self) -> None:
        """All steps of all replicas."""
        self.kernels["chain_open"](self.count, self.about)
        steps, done, advance = self.parameters.steps, 0, None
        burst = int(min(max(BURST // (self.parameters.batch_size * self.count), 1), LONGEST_BURST))
        while self.running():
            if advance is None:
                advance = self._one_block_each() if self._many() else self.device.repeated(self._one_step)
            advance(min(burst, steps - done))
            done = min(done + burst, steps)
            tick(done, steps)

    def running(self) -> int:
        return int(self.device.host(self.arrays["running"])[0])

    def results(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Records (replicas, records, p, k + p), steps run and how each replica ended."""
        replicas = self.device.host(self.arrays["replicas"]).view(REPLICA)
        return self.device.host(self.arrays["records"]), replicas["step"], replicas["status"]

    def _many(self) -> bool:
        """Whether a block a replica fills the device; then a launch is many steps. The numbers are the same."""
        return self.slices == 1 or self.count >= 8 * self.device.multiprocessors

    def _one_block_each(self):
        return lambda steps: self.kernels["chain_steps"](self.count, self.about, steps)

    def _one_step(self) -> None:
        self.kernels["chain_sums"](min(self.count * self.slices, 2**31 - 1), self.about)
        self.kernels["chain_finish"](self.count, self.about)
