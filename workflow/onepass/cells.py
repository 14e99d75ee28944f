"""Grid cells: from the configuration's grids to parameters, file names and random seeds, in one place.

An experiment is a rectangular grid; a cell is one of its points, with every parameter of `onepass.simulate`;
a *row* holds the cells that one job simulates one after another.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from onepass import hermite, phases
from onepass.backend import BackendError, array_namespace
from onepass.formula import Formula
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.settings import LARGEST_COUNT

SOURCES = Path(__file__).parent
# What the result of a cell depends on: an edit of these makes every cell anew, an edit of others none.
SIMULATION_MODULES = (
    "backend",
    "compiled",
    "formula",
    "hermite",
    "initial",
    "model",
    "overlap_chain",
    "overlap_kernel",
    "protocol",
    "risk",
    "settings",
    "sgd",
    "simulation",
    "streams",
)
_PATTERN = re.compile(
    r"(?P<protocol>[a-z]+_[a-z]+)_"
    r"(mu(?P<mu>\d+\.\d+)_d(?P<dimension>\d+)|"
    r"p(?P<students>\d+)_n(?P<batch_size>\d+)_d(?P<exact_dimension>\d+)_(?P<engine>[a-z]+))"
)


class CellError(ValueError):
    """A grid point that cannot be simulated; `key` is where it stands in the experiment, `value` what is there."""

    def __init__(self, key: tuple, value, message: str) -> None:
        super().__init__(message)
        self.key, self.value = key, value


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
    dimension: int
    batch_size: int
    learning_rate: float
    steps: int
    replicas: int
    engine: str
    backend: str
    initial: str | float  # "sphere", or the overlap at the start
    threshold: float | None
    records: int
    seed: int

    @property
    def row(self) -> str:
        """Name of the row, for instance ``projected_square_mu1.50``."""
        return f"{self.protocol}_p{self.students}" if self.mu is None else f"{self.protocol}_mu{_decimal(self.mu)}"

    @property
    def suffix(self) -> str:
        """What tells the cells of a row apart, for instance ``_d01024``."""
        if self.mu is None:
            return f"_n{self.batch_size:04d}_d{self.dimension:05d}_{self.engine}"
        return f"_d{self.dimension:05d}"

    @property
    def path(self) -> str:
        """File of the cell below the data folder."""
        return f"cells/{self.experiment}/{self.row}{self.suffix}.nc"

    @property
    def identity(self) -> str:
        """Canonical text of all parameters: equal for equal cells alone."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def entropy(self) -> list[int]:
        """Seed of the cell: the configured one and a hash of the identity, so that no two cells share a stream."""
        return [self.seed, int.from_bytes(hashlib.sha256(self.identity.encode()).digest()[:16], "big")]

    def simulate(self):
        """Run the simulation; an xarray.Dataset as `onepass.simulate` returns it."""
        from onepass.simulation import simulate  # compiled code: not for those who only read the grid

        model = Model(self.target, self.activation, self.students, self.second_layer, self.noise)
        keys = ("dimension", "batch_size", "learning_rate", "steps", "replicas", "engine", "backend", "threshold")
        return simulate(
            model,
            Protocol.named(self.protocol),
            **{key: getattr(self, key) for key in keys},
            seed=self.entropy,
            initial="sphere" if self.initial == "sphere" else ("overlap", self.initial),
            records=self.records,
        )


def parse(path: str | Path) -> dict:
    """Grid coordinates in a cell's file name, the inverse of `Cell.path`."""
    match = _PATTERN.fullmatch(Path(path).stem)
    if not match:
        raise ValueError(f"{path} is not the file of a cell, such as {'projected_square_mu1.50_d01024.nc'!r}")
    found = {key: value for key, value in match.groupdict().items() if value is not None}
    if "exact_dimension" in found:
        found["dimension"] = found.pop("exact_dimension")
    kinds = {"mu": float, "dimension": int, "students": int, "batch_size": int}
    return {key: kinds.get(key, str)(value) for key, value in found.items()}


def pack(cells: list[Cell]) -> str:
    """Cells as canonical text, fit for the parameters of a job."""
    return "[" + ",\n".join(cell.identity for cell in cells) + "]"


def unpack(text: str) -> list[Cell]:
    """Inverse of `pack`."""
    lists = {"second_layer"}
    return [
        Cell(**{k: tuple(v) if k in lists and v is not None else v for k, v in cell.items()})
        for cell in json.loads(text)
    ]


def cells_of(name: str, experiment) -> list[Cell]:
    """All cells of an experiment of the configuration, row by row.

    Raises
    ------
    CellError
        For a point that cannot be simulated, or two equal cells.
    """
    listed = _recovery_cells if experiment.kind == "recovery" else _exactness_cells
    cells, seen = [], set()
    for cell in listed(name, experiment):
        _check(cell)
        if cell.path in seen:
            key, value = ("mu", cell.mu) if cell.mu is not None else ("batch_sizes", cell.batch_size)
            raise CellError((key,), value, f"two equal cells {Path(cell.path).stem!r}; allowed: each value once")
        seen.add(cell.path)
        cells.append(cell)
    return cells


def rows_of(cells: list[Cell]) -> dict[str, list[Cell]]:
    """The cells of each row, by its name."""
    rows: dict[str, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.row, []).append(cell)
    return rows


def exponents(experiment, protocol: str, mu: float) -> tuple[float, float]:
    """δ of the learning rate and the theory's θ for a row, from the target's first Hermite order."""
    order = hermite.leap_index(experiment.model.target)
    theory = experiment.delta == "theory"
    delta = phases.optimal_learning_rate_exponent(protocol, order, mu) if theory else experiment.delta
    return delta, phases.recovery_exponent(protocol, order, mu, delta)


def code_version() -> str:
    """Hash of the simulation's source code."""
    digest = hashlib.sha256()
    for module in SIMULATION_MODULES:
        digest.update((SOURCES / f"{module}.py").read_bytes())
    return digest.hexdigest()


def _recovery_cells(name, experiment):
    own = {key: getattr(experiment, key) for key in ("engine", "threshold", "records")}
    own |= {key: getattr(experiment.model, key) for key in ("students", "second_layer")}
    for protocol, mu in product(experiment.protocols, experiment.mu):
        delta, theta = exponents(experiment, protocol, mu)
        if not math.isfinite(theta):
            least = phases.learning_rate_exponent(protocol, hermite.leap_index(experiment.model.target), mu)
            raise CellError(("delta",), delta, f"{protocol} does not learn at mu = {mu:g}; allowed: {least:g} or more")
        for d in experiment.dimensions:
            yield _cell(
                name,
                experiment,
                protocol=protocol,
                mu=float(mu),
                dimension=d,
                batch_size=_count("mu", mu, experiment.n0, d, mu),
                learning_rate=_power(experiment.gamma0, d, -delta),
                steps=_count(
                    "step_budget", experiment.step_budget, experiment.step_budget / experiment.gamma0, d, theta
                ),
                **own,
            )


def _exactness_cells(name, experiment):
    grid = product(
        experiment.protocols,
        experiment.students,
        experiment.batch_sizes,
        experiment.dimensions,
        experiment.engines,
    )
    for protocol, p, n_b, d, engine in grid:
        yield _cell(
            name,
            experiment,
            protocol=protocol,
            mu=None,
            students=p,
            second_layer=None,
            dimension=d,
            batch_size=n_b,
            learning_rate=_power(experiment.gamma0 * p * min(1, n_b / d), d, 0),
            steps=experiment.steps,
            engine=engine,
            threshold=None,
            records=0,
        )


def _cell(name, experiment, *, dimension, second_layer, **own) -> Cell:
    shared = {"target", "activation", "noise"}
    return Cell(
        experiment=name,
        **{key: getattr(experiment.model, key) for key in shared},
        dimension=dimension,
        second_layer=None if second_layer is None else tuple(second_layer),
        initial=1 / math.sqrt(dimension) if experiment.initial == "inverse_sqrt_d" else experiment.initial,
        **{key: getattr(experiment, key) for key in ("replicas", "backend", "seed")},
        **own,
    )


def _power(prefactor: float, d: int, exponent: float) -> float:
    """``prefactor d^exponent``, rounded so that the last bits of a machine's pow() do not reach the seed."""
    try:
        return float(f"{prefactor * float(d) ** exponent:.12g}")
    except OverflowError:
        return math.inf


def _count(key: str, value: float, prefactor: float, d: int, exponent: float) -> int:
    number = _power(prefactor, d, exponent)
    if not number <= LARGEST_COUNT:
        raise CellError((key,), value, f"{prefactor:g} d^{exponent:g} at d = {d} is {number:.3g}; allowed: up to 2**53")
    return max(1, round(number))


def _check(cell: Cell) -> None:
    try:
        array_namespace(cell.backend)
    except BackendError as error:
        raise CellError(("backend",), cell.backend, str(error)) from None
    p, k = cell.students, Formula.target(cell.target).arity
    smallest = p + k + (min(p, cell.batch_size) if cell.engine == "chain" else 0)
    if cell.dimension < smallest:
        raise CellError(
            ("dimensions",),
            cell.dimension,
            f"too small for engine {cell.engine!r} with p = {p}, k = {k} and n_b = {cell.batch_size}; "
            f"allowed: {smallest} or more",
        )
    if cell.initial != "sphere" and not k * cell.initial**2 <= 1:
        raise CellError(
            ("initial",),
            cell.initial,
            f"no unit vector has this overlap with each of {k} teachers; allowed: at most {k**-0.5:.4g}",
        )
    if cell.threshold is not None and not cell.threshold**2 <= p * min(p, k):
        raise CellError(
            ("threshold",), cell.threshold, f"the overlap never gets there; allowed: at most {math.sqrt(p):.4g}"
        )


def _decimal(mu: float) -> str:
    """μ with two decimals, or as many as tell it from all others."""
    whole, _, rest = f"{mu:.12f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
