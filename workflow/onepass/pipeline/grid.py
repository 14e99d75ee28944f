"""From the grids of a configuration to cells that can be simulated, or words on why one cannot.

An experiment is a rectangular grid: protocols × μ × d for recovery times and trajectories, with δ between for a map,
protocols × p × n_b × d × engines for the comparison of the engines.
"""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

from onepass.errors import OnepassError
from onepass.gaussian import information
from onepass.model import Model, ModelError, cached_model
from onepass.pipeline.cell import Cell
from onepass.pipeline.remembered import remembered
from onepass.simulation.chain.batch_law import BatchError, batch_law
from onepass.simulation.cuda.backend import BackendError, named
from onepass.simulation.parameters import LARGEST_COUNT, smallest_dimension
from onepass.theory import exponents
from onepass.theory.climb import start_norm

LARGEST_GRID = 20_000  # cells
leap_index = remembered(information.leap_index)  # of a target's text; every row asks


class CellError(OnepassError, ValueError):
    """A grid point that cannot be simulated; `key` is where it stands in the experiment, `value` what is there."""

    def __init__(self, key: tuple, value, message: str) -> None:
        super().__init__(message)
        self.key, self.value = key, value


def cells_of(name: str, experiment) -> list[Cell]:
    """All cells of an experiment of the configuration, row by row.

    Raises
    ------
    CellError
        For a point that cannot be simulated, or two equal cells.
    """
    axes = ("protocols", "mu", "deltas", "students", "batch_sizes", "dimensions", "engines")
    sizes = {axis: len(getattr(experiment, axis)) for axis in axes if hasattr(experiment, axis)}
    if math.prod(sizes.values()) > LARGEST_GRID:
        longest = max(sizes, key=sizes.get)
        message = f"a grid of {math.prod(sizes.values())} cells; allowed: up to {LARGEST_GRID}"
        raise CellError((longest,), sizes[longest], message)
    _check_model(experiment)
    listed = {
        "recovery": _recovery_cells,
        "map": _map_cells,
        "trajectories": _trajectories_cells,
        "exactness": _exactness_cells,
    }
    cells, seen = [], set()
    for cell in listed[experiment.kind](name, experiment):
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


def row_exponents(experiment, protocol: str, mu: float) -> tuple[float, float]:
    """δ of the learning rate and the theory's θ for a row, from the target's first Hermite order."""
    order = leap_index(experiment.model.target)
    theory = experiment.delta == "theory"
    delta = exponents.optimal_learning_rate_exponent(protocol, order, mu) if theory else experiment.delta
    return delta, exponents.recovery_exponent(protocol, order, mu, delta)


def map_exponent(order: int, mu):
    """Exponent of a map's budget: √d times the best time of plain SGD. What needs longer counts as not learned."""
    return exponents.recovery_exponent("projected_square", order, mu) + 0.5


def _recovery_cells(name, experiment):
    own = {key: getattr(experiment, key) for key in ("threshold", "records")}
    for protocol, mu in product(experiment.protocols, experiment.mu):
        delta, theta = row_exponents(experiment, protocol, mu)
        if not math.isfinite(theta):
            least = exponents.learning_rate_exponent(protocol, leap_index(experiment.model.target), mu)
            raise CellError(("delta",), delta, f"{protocol} does not learn at mu = {mu:g}; allowed: {least:g} or more")
        for d in experiment.dimensions:
            yield _scaling_cell(
                name,
                experiment,
                d,
                protocol=protocol,
                mu=float(mu),
                learning_rate=_power(experiment.gamma0, d, -delta),
                steps=_budget(experiment, d, theta),
                **own,
            )


def _map_cells(name, experiment):
    order = leap_index(experiment.model.target)
    own = {"threshold": experiment.threshold, "records": 0}
    grid = product(experiment.protocols, experiment.mu, experiment.deltas, experiment.dimensions)
    for protocol, mu, delta, d in grid:
        rate, steps = _power(experiment.gamma0, d, -delta), _budget(experiment, d, map_exponent(order, mu))
        place = {"protocol": protocol, "mu": float(mu), "delta": float(delta)}
        yield _scaling_cell(name, experiment, d, learning_rate=rate, steps=steps, **place, **own)


def _trajectories_cells(name, experiment):
    order = leap_index(experiment.model.target)
    own = {"records": experiment.records, "threshold": None}
    for protocol, mu, d in product(experiment.protocols, experiment.mu, experiment.dimensions):
        n_b = _batch_size(experiment, mu, d)
        if experiment.delta == "line":
            rate = _power(experiment.gamma0 * experiment.model.students * n_b, d, -exponents.half(order))
        else:
            rate = _power(experiment.gamma0, d, -experiment.delta)
        steps = experiment.steps or _count(
            "samples", experiment.samples, experiment.samples / n_b, d, exponents.saddle_exponent(order)
        )
        place = {"protocol": protocol, "mu": float(mu)}
        yield _scaling_cell(name, experiment, d, learning_rate=rate, steps=steps, **place, **own)


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
            delta=None,
            students=p,
            second_layer=None,
            dimension=d,
            batch_size=n_b,
            learning_rate=_power(experiment.gamma0 * p * min(1, n_b / d), d, 0),
            steps=experiment.steps,
            engine=engine,
            threshold=experiment.threshold,
            records=0,
        )


def _scaling_cell(name, experiment, d, *, mu, delta=None, **own) -> Cell:
    n_b, engine = _batch_size(experiment, mu, d), experiment.engine
    if engine == "auto":
        engine = "gaussian" if n_b >= experiment.gaussian_from else "chain"
    model = {"students": experiment.model.students, "second_layer": _layer(experiment.model)}
    place = {"mu": mu, "delta": delta, "dimension": d, "batch_size": n_b}
    return _cell(name, experiment, engine=engine, **place, **model, **own)


def _batch_size(experiment, mu: float, d: int) -> int:
    return _count("mu", mu, experiment.n0, d, mu)


def _budget(experiment, d: int, theta: float) -> int:
    return _count("step_budget", experiment.step_budget, experiment.step_budget / experiment.gamma0, d, theta)


def _cell(name, experiment, *, dimension, second_layer, **own) -> Cell:
    shared = {"target", "activation", "noise"}
    return Cell(
        experiment=name,
        **{key: getattr(experiment.model, key) for key in shared},
        dimension=dimension,
        second_layer=second_layer,
        initial=_start(experiment, dimension),
        **{key: getattr(experiment, key) for key in ("replicas", "backend", "seed")},
        **own,
    )


def _start(experiment, d: int) -> str | float:
    if experiment.initial != "inverse_sqrt_d":
        return experiment.initial
    return getattr(experiment, "start", 1.0) / math.sqrt(d)


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
        named(cell.backend)
    except BackendError as error:
        raise CellError(("backend",), cell.backend, str(error)) from None
    parts = (cell.target, cell.activation, cell.students, cell.second_layer, cell.noise)
    model = cached_model(*parts)
    if cell.engine == "gaussian" and (refusal := _refusal_of_gaussian(*parts)):
        raise CellError(("engine",), cell.engine, refusal)
    p, k = model.students, model.teachers
    smallest = smallest_dimension(cell.engine, p, k, cell.batch_size)
    if cell.dimension < smallest:
        raise CellError(
            ("dimensions",),
            cell.dimension,
            f"too small for engine {cell.engine!r} with p = {p}, k = {k} and n_b = {cell.batch_size}; "
            f"allowed: {smallest} or more",
        )
    if cell.initial != "sphere" and not cell.initial <= (1 + 1e-12) / math.sqrt(k):
        raise CellError(
            ("initial",),
            cell.initial,
            f"no unit vector has this overlap with each of {k} teachers; allowed: at most {k**-0.5:.4g}",
        )
    if cell.threshold is not None:
        start = math.sqrt(p) * start_norm(cell.initial, k, cell.dimension)
        if not start < cell.threshold < math.sqrt(p):
            raise CellError(
                ("threshold",),
                cell.threshold,
                f"the overlap's norm starts at {start:.3g} for d = {cell.dimension} and stays below "
                f"{math.sqrt(p):.3g}; allowed: a threshold between",
            )


@remembered
def _refusal_of_gaussian(*parts) -> str:
    """Why the engine for very large batches cannot take a model; empty where it can."""
    try:
        batch_law(cached_model(*parts))
    except BatchError as error:
        return str(error)
    return ""


def _check_model(experiment) -> None:
    """Whether the target can be learned and every student be built."""
    settings = experiment.model
    leap_index(settings.target)
    try:
        Model(settings.target, settings.activation, getattr(settings, "students", 1), _layer(settings), settings.noise)
    except ModelError as error:
        part = "second_layer" if "second_layer" in str(error) else "activation"
        raise CellError(("model", part), getattr(settings, part), str(error)) from None


def _layer(settings) -> tuple[float, ...] | None:
    layer = getattr(settings, "second_layer", None)
    return None if layer is None else tuple(layer)
