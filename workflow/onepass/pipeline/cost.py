"""How long a cell takes, before it is run: steps until recovery from first principles, times the cost of a step."""

import math

from onepass.choices import BASIC_LOSSES, Direction, Lookahead, Schedule, Update
from onepass.gaussian.information import leap_index
from onepass.model import Model, cached_model
from onepass.pipeline.cell import Cell, unpack
from onepass.pipeline.remembered import remembered
from onepass.protocol import Protocol
from onepass.simulation.chain.batch_law import batch_law
from onepass.simulation.chain.limits import Limits
from onepass.theory import exponents, saddle
from onepass.theory.climb import start_norm
from onepass.theory.effective_dimension import labelled_dimension, sample_exponent
from onepass.theory.recovery_time import noiseless_time

# Seconds on one core of 2024, measured on p = 1 … 30 students (`benchmarks/costs.py` has some of them as ratios).
JOB, CELL = 1.8, 0.02  # a process with its imports; a file written, read back and copied
STEP, NORMAL, TERM, SPECIAL, CUBE = 3e-8, 1.1e-8, 1.2e-9, 1.0e-8, 1.0e-9
SERIES_STEP, NODE = 1.3e-7, 3e-8  # the two forms of the engine for very large batches: a step, a node of a step
LEAP, NODE_LEAP = 1.5e-7, 1e-7  # of the engine that leaps: one of the series, a node of one of the others
COMPOSED = 1.5  # a sample and a step of other protocols, over those of the basic ones
BLOCK = 1e-7  # a step of a block of inputs, times p²
WALK = 5e-8  # where weights know norms: a sample of a student, beside what it takes by other protocols
IN_ARRAYS, IN_ARRAYS_SAMPLE = 1.2e-3, 4e-7  # what is not compiled: a step of all replicas, a sample a student
ONE_BY_ONE = 2e-5  # where weights know norms there: a sample a student, all replicas together
AGAIN = 1e-7  # a step on a batch that is seen again, beside its samples
ARRAY_STEP, COORDINATE = 1.5e-4, 1.2e-8  # the reference, whose replicas go side by side
LEAPS = 0.4  # of a relative change of 1, for each factor e of d, where little noise turns a run back
SEARCH = 0.02  # a replica of a search of the best rate in leaps, whatever d and n_b
SEARCH_STEPS = 2.5  # times those at its first rate, step by step
UNKNOWN = 0.25  # of the budget, where the theory of one student of one direction says nothing


@remembered
def costs(packed: str) -> list[float]:
    """What each of the cells of `onepass.pipeline.cell.pack` takes on one core."""
    return [seconds(cell) for cell in unpack(packed)]


def seconds(cell: Cell) -> float:
    """What a cell takes on one core."""
    if cell.tuned:
        each = (
            SEARCH * cell.replicas
            if cell.engine == "leap"
            else SEARCH_STEPS * expected_steps(cell) * step_seconds(cell)
        )
        return CELL + each
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
    if cell.inputs is not None:
        return min(UNKNOWN * cell.steps, _steps_at_best_rate(cell, model) if cell.tuned else math.inf)
    order, protocol = leap_index(model.target_formula), Protocol.named(cell.protocol)
    if not climbs_alike(protocol):
        return UNKNOWN * cell.steps
    rate_of_theory = cell.delta is not None and exponents.knows(protocol)
    if rate_of_theory and not exponents.may_learn(protocol, order, cell.mu, cell.delta):
        return cell.steps
    start = start_norm(cell.initial, model.teachers, cell.dimension)
    rate = cell.learning_rate / (1 - protocol.beta)  # of momentum, what its steps come to
    place = {"dimension": cell.dimension, "learning_rate": rate, "threshold": cell.threshold}
    return min(cell.steps, max(1.0, noiseless_time(model, start=start, **place)))


def _steps_at_best_rate(cell: Cell, model: Model) -> float:
    """Of inputs with structure: measured samples are 0.1 to 1 of this power."""
    order = leap_index(model.target_formula)
    dimension = labelled_dimension(cell.model.inputs.at(cell.dimension, model.teachers), order)
    return max(1.0, dimension ** sample_exponent(order) / cell.batch_size)


def climbs_alike(protocol: Protocol) -> bool:
    """Whether its mean step at the first saddle is that of the basic protocols: a gradient's, of their losses."""
    plain = protocol.label is None and not protocol.smoothing and protocol.direction == Direction.GRADIENT
    plain = plain and not protocol.repeats
    return plain and protocol.loss in BASIC_LOSSES


def leap_seconds(cell: Cell) -> float:
    """All leaps of all replicas: so many for each factor e of d, and single steps where a leap holds too few samples.

    Of a run that noise keeps at the start so many as keep each within what it may change.
    """
    from onepass.simulation.chain.leap import TAILS, tails  # compiled code: only where the answer is not remembered

    model = cached_model(cell.target, cell.activation, cell.students, cell.second_layer)
    form, law, _ = batch_law(model)
    kurtosis = max(tails(model, loss, form, law) for loss in BASIC_LOSSES)
    limits = Limits.of(cell.tolerance, kurtosis)
    steps, leaps = expected_steps(cell), LEAPS * math.log(cell.dimension) / limits.relative
    if steps == cell.steps:
        leaps = max(leaps, steps * min(1.0, noise_growth(cell, model) / limits.relative))
    if leaps >= steps or leaps * limits.samples > steps * cell.batch_size:
        gaussian = cell.batch_size >= max(limits.samples, TAILS * kurtosis)
        each = gaussian_step_seconds(model) if gaussian else STEP + cell.batch_size * sample_seconds(model)
        return cell.replicas * steps * each
    return cell.replicas * leaps * (LEAP if form == "series" else NODE_LEAP * len(law.points))


def noise_growth(cell: Cell, model: Model) -> float:
    """What the noise of a step adds to the squared norm of a student, relative to it, at the start."""
    _, second = saddle.means_at_start(model, Protocol.named(cell.protocol).loss)
    return float(second.max()) * cell.learning_rate**2 * cell.dimension / cell.batch_size


def step_seconds(cell: Cell) -> float:
    """One step of all replicas."""
    model = cached_model(cell.target, cell.activation, cell.students, cell.second_layer)
    p, protocol = model.students, Protocol.named(cell.protocol)
    if cell.engine == "gaussian":
        return cell.replicas * gaussian_step_seconds(model)
    if cell.engine == "sgd":
        return ARRAY_STEP + cell.replicas * cell.batch_size * cell.dimension * (COORDINATE + p * TERM)
    walks = protocol.smoothing > 0 or protocol.lookahead == Lookahead.SAMPLE
    sample = sample_seconds(model) + (WALK * p if walks else 0.0)
    if in_arrays(cell, protocol):
        each = cell.replicas * IN_ARRAYS_SAMPLE + (ONE_BY_ONE if walks else 0.0)
        return _blocks(cell, model) * (IN_ARRAYS + cell.batch_size * p * each)
    step = STEP + (AGAIN if protocol.repeats and not walks else 0.0)
    alone = cell.replicas * (step + CUBE * p**3 + cell.batch_size * sample)
    if cell.inputs is not None:
        return alone * COMPOSED + cell.replicas * _blocks(cell, model) * BLOCK * p**2
    return alone * (1.0 if protocol.is_basic else COMPOSED)


def in_arrays(cell: Cell, protocol: Protocol) -> bool:
    """Whether only the array form knows it, as the two `takes` of `onepass.simulation.algorithms` say."""
    adaptive, structured = protocol.schedule == Schedule.ADAPTIVE, cell.inputs is not None
    if structured:
        return adaptive or protocol.repeats or protocol.smoothing > 0
    return adaptive and protocol.update == Update.PLAIN


def _blocks(cell: Cell, model: Model) -> int:
    return 1 if cell.inputs is None else len(cell.model.inputs.at(cell.dimension, model.teachers).dimensions)


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
