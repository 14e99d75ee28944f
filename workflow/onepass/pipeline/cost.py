"""How long a cell takes, before it is run: steps until recovery from first principles, times the cost of a step."""

import math

from onepass.gaussian.information import leap_index
from onepass.model import Model, cached_model
from onepass.pipeline.cell import Cell
from onepass.simulation.chain.batch_law import batch_law
from onepass.simulation.chain.limits import Limits
from onepass.theory import exponents
from onepass.theory.climb import start_norm
from onepass.theory.recovery_time import noiseless_time

# Seconds on one core of 2024, measured on p = 1 … 30 students (`benchmarks/costs.py` has some of them as ratios).
JOB, CELL = 1.4, 0.02  # a process with its imports; a file written, read back and copied
STEP, NORMAL, TERM, SPECIAL, CUBE = 3e-8, 1.1e-8, 1.2e-9, 1.0e-8, 1.0e-9
SERIES_STEP, NODE = 1.3e-7, 3e-8  # the two forms of the engine for very large batches: a step, a node of a step
LEAP, NODE_LEAP = 1.5e-7, 1e-7  # of the engine that leaps: one of the series, a node of one of the others
ARRAY_STEP, COORDINATE = 1.5e-4, 1.2e-8  # the reference, whose replicas go side by side
LEAPS = 1.0  # of a relative change of 1, for each factor e of d
SEARCH = 60.0  # times the cost of the replicas' leaps without noise: rates of a search, and failing takes longer
UNKNOWN = 0.25  # of the budget, where the theory of one student of one direction says nothing


def seconds(cell: Cell) -> float:
    """What a cell takes on one core."""
    if cell.tuned:
        return CELL + SEARCH * leap_seconds(cell)
    if cell.engine == "leap":
        return CELL + leap_seconds(cell)
    return CELL + expected_steps(cell) * step_seconds(cell)


def expected_steps(cell: Cell) -> float:
    """Steps that a replica runs: to its recovery, where that comes before the end of its budget."""
    model = cached_model(cell.target, cell.activation, cell.students, cell.second_layer)
    if cell.threshold is None:
        return cell.steps
    if not model.students == model.teachers == 1:
        return UNKNOWN * cell.steps
    order = leap_index(model.target_formula)
    if cell.delta is not None and not exponents.may_learn(cell.protocol, order, cell.mu, cell.delta):
        return cell.steps
    start = start_norm(cell.initial, model.teachers, cell.dimension)
    place = {"dimension": cell.dimension, "learning_rate": cell.learning_rate, "threshold": cell.threshold}
    return min(cell.steps, max(1.0, noiseless_time(model, start=start, **place)))


def leap_seconds(cell: Cell) -> float:
    """All leaps of all replicas: so many for each factor e of the overlap, and single steps where these cost less."""
    model = cached_model(cell.target, cell.activation, cell.students, cell.second_layer)
    form, law, _ = batch_law(model)
    limits = Limits.of(cell.tolerance, 1.0)
    leaps = LEAPS * math.log(cell.dimension) / limits.relative
    each = LEAP if form == "series" else NODE_LEAP * len(law.points)
    steps = STEP + cell.batch_size * sample_seconds(model)
    return cell.replicas * min(
        expected_steps(cell) * steps, leaps * max(each, steps * limits.samples / cell.batch_size)
    )


def step_seconds(cell: Cell) -> float:
    """One step of all replicas."""
    model = cached_model(cell.target, cell.activation, cell.students, cell.second_layer)
    p = model.students
    if cell.engine == "gaussian":
        return cell.replicas * gaussian_step_seconds(model)
    if cell.engine == "sgd":
        return ARRAY_STEP + cell.replicas * cell.batch_size * cell.dimension * (COORDINATE + p * TERM)
    return cell.replicas * (STEP + CUBE * p**3 + cell.batch_size * sample_seconds(model))


def sample_seconds(model: Model) -> float:
    """One sample of one replica, by the chain."""
    p, k = model.students, model.teachers
    special = SPECIAL * (
        2 * p * (not model.activation_formula.is_polynomial) + k * (not model.target_formula.is_polynomial)
    )
    return NORMAL * (p + k) + TERM * p * (p + k) + special


def gaussian_step_seconds(model: Model) -> float:
    """One step of one replica by the engine for very large batches, whose law it must know."""
    form, law, _ = batch_law(model)
    return SERIES_STEP if form == "series" else NODE * len(law.points)
