"""A grid cell: its parameters, the name of its file and its random seed, in one place.

A cell is one simulation with every parameter of `onepass.simulate`; a *row* holds those of one
protocol and μ, or number of students.
"""

import hashlib
import json
import math
from dataclasses import dataclass, fields
from functools import cached_property, partial

import numpy as np

from onepass.model import Model, cached_model
from onepass.protocol import Protocol
from onepass.simulation.cuda import backend
from onepass.simulation.parameters import GPU_ENGINES, numbers_a_step

OPTIONAL = (
    "tolerance",
    "gamma0",
    "tuned",
    "recovery",
    "inputs",
    "until",
)  # parameters that a cell without a use for them does not have
SIZES = ("replicas", "steps", "until")  # how much is simulated: random numbers do not depend on it


@dataclass(frozen=True)
class Cell:
    """One simulation: its place in a grid and all its parameters, plain values only."""

    experiment: str
    target: str
    activation: str
    students: int
    second_layer: tuple[float, ...] | None
    noise: float
    protocol: str
    mu: float | None  # None in the grids that list batch sizes
    delta: float | None  # where the grid has an axis of it
    dimension: int
    batch_size: int
    learning_rate: float
    steps: int
    replicas: int
    engine: str
    backend: str
    initial: str | float  # "sphere", "norm_inverse_sqrt_d", or the overlap at the start
    threshold: float | None
    records: int
    seed: int
    tolerance: float | None = None  # of the engine that leaps
    gamma0: float | None = None  # where the grid has an axis of it
    tuned: bool | None = None  # whether the rate is searched for, from learning_rate and its steps on
    recovery: str | None = None  # what a threshold is on, where weights leave the sphere
    inputs: str | None = None  # name of inputs that are not isotropic
    until: tuple[float, ...] | None = None  # when the rounds end of which the first has `replicas`

    @property
    def row(self) -> str:
        """Name of the row, for instance ``projected_square_mu1.50``."""
        return f"{self.protocol}_p{self.students}" if self.mu is None else f"{self.protocol}_mu{_decimal(self.mu)}"

    @property
    def suffix(self) -> str:
        """What tells the cells of a row apart, for instance ``_d01024``."""
        if self.mu is None:
            leaps = "" if self.gamma0 is None else f"_g{self.gamma0:g}_{self.tolerance or 0:g}"
            return f"_n{self.batch_size:04d}_d{self.dimension:05d}_{self.engine}{leaps}"
        rate = "" if self.delta is None else f"_delta{_decimal(self.delta)}"
        return f"{rate}_d{self.dimension:05d}"

    @property
    def name(self) -> str:
        """What tells the cells of an experiment apart, for instance ``projected_square_mu1.50_d01024``."""
        return self.row + self.suffix

    @property
    def path(self) -> str:
        """File of the cell below the data folder."""
        return f"cells/{self.experiment}/{self.name}.nc"

    @cached_property
    def parameters(self) -> list[str]:
        """Names of its parameters, without those that it has no use for: they must not change the seeds of others."""
        names = [field.name for field in fields(self)]
        return [name for name in names if name not in OPTIONAL or getattr(self, name) is not None]

    @cached_property
    def identity(self) -> str:
        """Canonical text of all parameters: equal for equal cells alone."""
        return json.dumps({name: getattr(self, name) for name in self.parameters}, sort_keys=True)

    @cached_property
    def family(self) -> str:
        """The same of the parameters that random numbers depend on: all but the numbers of replicas and of steps.

        So cells of a family, of which a grid has one, share their replicas as far as these go.
        """
        return json.dumps({name: getattr(self, name) for name in self.parameters if name not in SIZES}, sort_keys=True)

    @property
    def entropy(self) -> list[int]:
        """Seed of the cell: the configured one and a hash of its family, so that no two cells share a stream."""
        return [self.seed, int.from_bytes(hashlib.sha256(self.family.encode()).digest()[:16], "big")]

    @property
    def model(self) -> Model:
        """What is learned, and by whom."""
        parts = self.target, self.activation, self.students, self.second_layer, self.noise
        return cached_model(*parts, *(() if self.inputs is None else (self.inputs,)))

    @property
    def numbers_a_step(self) -> int:
        """Random numbers that a step of all replicas draws."""
        coordinates = self.students + cached_model(self.target, self.activation).teachers
        return numbers_a_step(self.engine, coordinates, self.dimension, self.batch_size, self.replicas)

    def held(self, runs) -> list[int]:
        """Numbers of the replicas that runs of its family hold as this cell has them.

        With the same steps all; with others those that recovered within both, unless what is recorded, or how far a
        leap goes, depends on the steps. None of a search, which looks at all of them, or of a GPU, which has other
        numbers.
        """
        (other,) = unpack(f"[{runs.attrs['parameters']}]")
        shared = np.arange(min(self.replicas, other.replicas))
        if self.tuned or runs.attrs["backend"] != "numpy":
            return []
        if self.steps == other.steps:
            return shared.tolist()
        if self.records or self.engine == "leap":
            return []
        within = (runs.recovered & (runs.recovery_step <= self.steps)).values
        return shared[within[shared]].tolist()

    def _takes_gpu(self, gpu_from: float) -> bool:
        """Whether all of it would run on a GPU, whose numbers are others; asks the device."""
        return (
            want_gpu([self], gpu_from) and backend.device_for(self.backend, self.numbers_a_step, gpu_from) is not None
        )

    def simulate(self, gpu_from: float = math.inf, runs=None):
        """Run the simulation; an xarray.Dataset as `onepass.simulate` or `onepass.tune` returns it.

        `gpu_from` is the configuration's. Of `runs` of its family, as a file has them, what they hold is taken.
        """
        # compiled code: not for those who only read the grid
        from onepass.simulation.records import joined
        from onepass.simulation.simulate import simulate
        from onepass.simulation.tune import tune

        random = {"sphere": "sphere", "norm_inverse_sqrt_d": ("norm", self.dimension**-0.5)}
        start = random.get(self.initial, ("overlap", self.initial))
        unusual = {key: getattr(self, key) for key in ("tolerance", "recovery") if getattr(self, key) is not None}
        if self.tuned:
            return tune(
                self.model,
                Protocol.named(self.protocol),
                **{key: getattr(self, key) for key in ("dimension", "batch_size", "replicas", "threshold")},
                first_rate=self.learning_rate,
                first_steps=self.steps,
                seed=self.entropy,
                initial=start,
                engine=self.engine,
                **unusual,
            )
        keys = ("dimension", "batch_size", "learning_rate", "steps", "replicas", "engine", "backend", "threshold")
        given = {key: getattr(self, key) for key in keys} | {"seed": self.entropy, "initial": start}
        given |= {"records": self.records, "gpu_from": gpu_from, **unusual}
        run = partial(simulate, self.model, Protocol.named(self.protocol))
        if runs is None or not (numbers := self.held(runs)) or self._takes_gpu(gpu_from):
            return run(**given)
        parts = [runs.drop_encoding().isel(replica=numbers)]
        if rest := sorted({*range(self.replicas)}.difference(numbers)):
            parts.append(run(**given | {"replicas": rest, "backend": "numpy"}))
            numbers += rest
        return joined(parts, np.argsort(numbers))


def want_gpu(cells: list[Cell], gpu_from: float) -> bool:
    """Whether one of the cells would run on a GPU if its job found one; looks for none."""
    return any(
        cell.engine in GPU_ENGINES
        and backend.wants_gpu(cell.backend, cell.numbers_a_step, gpu_from)
        and Protocol.named(cell.protocol).is_basic
        and cell.inputs is None
        for cell in cells
    )


def pack(cells: list[Cell]) -> str:
    """Cells as canonical text, fit for the parameters of a job."""
    return "[" + ",\n".join(cell.identity for cell in cells) + "]"


def unpack(text: str) -> list[Cell]:
    """Inverse of `pack`."""
    found = json.loads(text)
    return [Cell(**{k: tuple(v) if isinstance(v, list) else v for k, v in cell.items()}) for cell in found]


def _decimal(exponent: float) -> str:
    """An exponent with two decimals, or as many as tell it from all others."""
    whole, _, rest = f"{exponent + 0.0:.12f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
