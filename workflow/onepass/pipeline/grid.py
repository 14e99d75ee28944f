"""From the grids of a configuration to cells.

An experiment is a rectangular grid: protocols × μ × d for recovery times, trajectories and tuned rates, with δ between
for a map, protocols × p × n_b × d × engines for the comparison of the engines, protocols × γ0 × n_b × d × tolerances
for that of leaps.
"""

import json
import math
import zlib
from itertools import product
from pathlib import Path

from onepass.pipeline.cell import Cell
from onepass.pipeline.experiments import GAUSSIAN_FROM
from onepass.pipeline.feasible import (
    CellError,
    check_cell,
    check_model,
    check_protocols,
    climb_order,
    layer_of,
    leap_index,
    refusal_of_gaussian,
)
from onepass.pipeline.first_rate import first_prefactor
from onepass.pipeline.inputs import inputs_name_of
from onepass.pipeline.row_exponents import map_exponent, row_exponents, unknown_exponents
from onepass.protocol import Protocol, Update
from onepass.simulation.parameters import largest_count
from onepass.theory import exponents

LARGEST_GRID = 20_000  # cells
LONGEST_JOB = 20.0  # seconds, of several rows
FEWEST_STEPS = 30  # of a budget that goes by the learning rate, which says little of the time where few steps suffice


def cells_of(name: str, experiment) -> list[Cell]:
    """All cells of an experiment, row by row; two equal ones, or one that cannot be simulated, are a `CellError`."""
    axes = ("protocols", "mu", "deltas", "students", "gamma0s", "batch_sizes", "dimensions", "engines", "tolerances")
    sizes = {axis: len(getattr(experiment, axis)) for axis in axes if hasattr(experiment, axis)}
    if math.prod(sizes.values()) > LARGEST_GRID:
        longest = max(sizes, key=sizes.get)
        message = f"a grid of {math.prod(sizes.values())} cells; allowed: up to {LARGEST_GRID}"
        raise CellError((longest,), sizes[longest], message)
    check_model(experiment)
    check_protocols(experiment)
    listed = {
        "recovery": _recovery_cells,
        "map": _map_cells,
        "trajectories": _trajectories_cells,
        "exactness": _exactness_cells,
        "leaps": _leaps_cells,
        "tuned": _tuned_cells,
    }
    cells, seen = [], set()
    for cell in listed[experiment.kind](name, experiment):
        check_cell(cell)
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


def jobs_of(cells: list[Cell], seconds: list[float]) -> dict[str, list[Cell]]:
    """The cells that a job simulates, by the part of their names that they have in common.

    All cells (``""``), where rounds are made of them or where that takes `LONGEST_JOB` seconds at most; else those of a
    protocol or of a row: a process starts in a second, as long as many rows take. `seconds` are those of each cell.
    """
    for common in (lambda cell: "", lambda cell: cell.protocol):
        jobs: dict[str, list[Cell]] = {}
        costs: dict[str, float] = {}
        for cell, cost in zip(cells, seconds, strict=True):
            jobs.setdefault(common(cell), []).append(cell)
            costs[common(cell)] = costs.get(common(cell), 0.0) + cost
        if max(costs.values()) <= LONGEST_JOB or cells[0].until:
            return jobs
    return rows_of(cells)


def _recovery_cells(name, experiment):
    own = {key: getattr(experiment, key) for key in ("threshold", "records")}
    for protocol, mu in product(experiment.protocols, experiment.mu):
        delta, theta = row_exponents(experiment, protocol, mu)
        if math.isnan(theta):  # counted in units of a climb
            theta = max(delta + exponents.half(climb_order(experiment.model.target, protocol)) - 1, 0.0)
        if not math.isfinite(theta):
            least = exponents.learning_rate_exponent(protocol, leap_index(experiment.model.target), mu)
            raise CellError(("delta",), delta, f"{protocol} does not learn at mu = {mu:g}; allowed: {least:g} or more")
        for d in experiment.dimensions:
            rate, steps = _power(experiment.gamma0, d, -delta), _budget(experiment, d, theta)
            place = {"protocol": protocol, "mu": float(mu)}
            yield _scaling_cell(name, experiment, d, learning_rate=rate, steps=steps, **place, **own)


def _map_cells(name, experiment):
    order = leap_index(experiment.model.target)
    own = {"threshold": experiment.threshold, "records": 0}
    best = {mu: map_exponent(order, mu) for mu in experiment.mu}
    grid = product(experiment.protocols, experiment.mu, experiment.deltas, experiment.dimensions)
    for protocol, mu, delta, d in grid:
        rate = _power(experiment.gamma0, d, -delta)
        if experiment.budget == "own":
            steps = max(FEWEST_STEPS, _budget(experiment, d, delta + exponents.half(order) - 1))
        else:
            steps = _budget(experiment, d, best[mu])
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
        rate = _power(experiment.gamma0 * p * min(1, n_b / d), d, 0)
        own = {"students": p, "learning_rate": rate, "steps": experiment.steps, "engine": engine}
        yield _compared_cell(name, experiment, protocol=protocol, dimension=d, batch_size=n_b, **own)


def _leaps_cells(name, experiment):
    """Each point by the chain, then in leaps."""
    order = leap_index(experiment.model.target)
    grid = product(
        experiment.protocols, experiment.gamma0s, experiment.batch_sizes, experiment.dimensions,
        [None, *experiment.tolerances],
    )  # fmt: skip
    for protocol, gamma0, n_b, d, tolerance in grid:
        length = experiment.samples / gamma0 / n_b
        steps = _count("samples", experiment.samples, length, d, exponents.saddle_exponent(order))
        own = {"students": 1, "learning_rate": _power(gamma0 * n_b, d, -exponents.half(order)), "steps": steps}
        own |= {"gamma0": gamma0, "engine": "leap" if tolerance else "chain", "tolerance": tolerance}
        yield _compared_cell(name, experiment, protocol=protocol, dimension=d, batch_size=n_b, **own)


def _tuned_cells(name, experiment):
    """Each with the first rate of its search, and the steps allowed there."""
    engine = experiment.engine
    most = largest_count(engine, steps=True)
    for protocol, mu, d in product(experiment.protocols, experiment.mu, experiment.dimensions):
        n_b = _batch_size(experiment, mu, d)
        length = experiment.first_delta + experiment.first_length
        first = first_prefactor(experiment, protocol, n_b)
        own = {
            "learning_rate": _power(first, d, -experiment.first_delta),
            "steps": _count("first_length", experiment.first_length, 1 / first, d, length, most),
            "batch_size": n_b,
            "students": experiment.model.students,
            "second_layer": layer_of(experiment.model),
        }
        place = {"protocol": protocol, "mu": float(mu), "delta": None, "dimension": d}
        shared = {"engine": engine, "tolerance": experiment.tolerance_of(engine), "threshold": experiment.threshold}
        yield _cell(name, experiment, **place, **own, **shared, records=0, tuned=True)


def _compared_cell(name, experiment, **own) -> Cell:
    """A cell of a comparison of engines: at a batch size, not a scaling, without records."""
    alike = {"mu": None, "delta": None, "second_layer": None, "threshold": experiment.threshold, "records": 0}
    return _cell(name, experiment, **alike, **own)


def _scaling_cell(name, experiment, d, *, mu, delta=None, **own) -> Cell:
    n_b, engine, given = _batch_size(experiment, mu, d), experiment.engine, experiment.model
    model = {"students": given.students, "second_layer": layer_of(given)}
    if engine == "auto":
        large = n_b >= (experiment.gaussian_from or GAUSSIAN_FROM)
        known = large and not unknown_exponents(experiment, own["protocol"])
        known = known and not refusal_of_gaussian(given.target, given.activation, *model.values(), given.noise)
        engine = "gaussian" if known else "chain"
    place = {"mu": mu, "delta": delta, "dimension": d, "batch_size": n_b}
    return _cell(name, experiment, engine=engine, tolerance=experiment.tolerance_of(engine), **place, **model, **own)


def _batch_size(experiment, mu: float, d: int) -> int:
    return _count("mu", mu, experiment.n0, d, mu, largest_count(experiment.engine))


def _budget(experiment, d: int, theta: float) -> int:
    budget, most = experiment.step_budget, largest_count(experiment.engine, steps=True)
    return _count("step_budget", budget, budget / experiment.gamma0, d, theta, most)


def _cell(name, experiment, *, dimension, **own) -> Cell:
    if own["threshold"] is not None and Protocol.named(own["protocol"]).update == Update.PLAIN:
        own["recovery"] = experiment.recovery
    if (inputs := inputs_name_of(experiment)) is not None:
        own["inputs"] = inputs
    if until := getattr(experiment, "until", None):
        # When rounds end depends on all rows: a cell of another grid is not the same.
        grid = json.dumps([experiment.protocols, experiment.mu, experiment.dimensions])
        own["until"] = (*until.model_dump().values(), zlib.crc32(grid.encode()))
    return Cell(
        experiment=name,
        **{key: getattr(experiment.model, key) for key in ("target", "activation", "noise")},
        dimension=dimension,
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


def _count(
    key: str, value: float, prefactor: float, d: int, exponent: float, most: int = largest_count("chain")
) -> int:
    number = _power(prefactor, d, exponent)
    if not number <= most:
        allowed = f"up to 2**{most.bit_length() - 1}"
        raise CellError((key,), value, f"{prefactor:g} d^{exponent:g} at d = {d} is {number:.3g}; allowed: {allowed}")
    return max(1, round(number))
