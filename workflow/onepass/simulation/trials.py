"""Runs of all replicas at one learning rate, as a search of the best one wants them: in leaps, or step by step."""

from collections.abc import Callable, Sequence
from functools import partial
from math import inf, sqrt

import numpy as np

from onepass.model import Model
from onepass.protocol import Protocol, ProtocolError
from onepass.simulation.algorithms.blocks import BlockInputs
from onepass.simulation.algorithms.run import Settings, progress
from onepass.simulation.algorithms.simulated import algorithm_of, outcome_of
from onepass.simulation.chain import leap, limits, overlap_chain
from onepass.simulation.chain.batch_law import batch_law
from onepass.simulation.parameters import SEARCHED, Parameters
from onepass.simulation.simulate import check_ranges, checked


def trial_of(
    model: Model, protocol: Protocol, engine: str, tolerance: float, recovery: str, threshold: float, **place
) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """What runs replicas at a rate: ``(rate, budget, accuracy, factors, streams)`` to steps and recovered, (replica,).

    Parameters
    ----------
    engine : ``"leap"``, to the accuracy asked for, of a basic protocol; or ``"chain"``, exact, of any.
    tolerance : that leaps must be able to keep.
    place : the other parameters of the search's first runs, as `onepass.simulate` takes them.

    Raises
    ------
    ValueError
        For a parameter outside its range, or a protocol that the engine does not know.
    """
    if engine not in SEARCHED:
        raise ProtocolError(f"engine {engine!r} does not search rates; allowed: {', '.join(SEARCHED)}")
    shared = {**place, "engine": engine, "threshold": threshold, "records": 0}
    if engine == "leap" or (protocol.is_basic and model.inputs.is_isotropic):
        parameters = checked(model, protocol, **shared)
        if engine == "leap":
            limits.check(tolerance, batch_law(model)[2])
        return partial(_basic, model, parameters, engine)
    check_ranges(model, **shared, highest=inf if recovery == "norm" else sqrt(model.students))
    settings = Settings(place["dimension"], place["batch_size"], place["steps"], threshold, recovery)
    algorithm_of(model, protocol, place["learning_rate"], settings.dimension, engine, "auto")  # or it says why not
    return partial(_composed, model, protocol, settings)


def progress_of(model: Model, dimension: int, starts: np.ndarray) -> np.ndarray:
    """``‖M‖_F`` of factors at the start, where students are unit vectors, and of fields of other inputs their
    correlations; (replica,)."""
    k = model.teachers
    if model.inputs.is_isotropic:
        return np.linalg.norm(starts[..., :k], axis=(1, 2))
    inputs = BlockInputs(model.inputs.at(dimension, k), k, model.students, 0, dense=False)
    return progress(inputs.seen(inputs.placed(starts)), k, "cosine")


def _basic(
    model: Model,
    parameters: Parameters,
    engine: str,
    rate: float,
    budget: int,
    accuracy: float,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
) -> tuple[np.ndarray, np.ndarray]:
    """All replicas fail where one overflows: so large a rate is none to search on."""
    own = parameters._replace(learning_rate=rate, steps=budget)
    try:
        if engine == "leap":
            ends = np.array([0, budget], dtype=float)
            return leap.run(model, own, factors, streams, ends, accuracy)[2:4]
        return overlap_chain.run(model, own, factors, streams, np.array([0, budget]))[2:4]
    except (FloatingPointError, leap.StallError):  # or where steps are too many
        return np.full(len(factors), float(budget)), np.zeros(len(factors), dtype=bool)


def _composed(
    model: Model,
    protocol: Protocol,
    settings: Settings,
    rate: float,
    budget: int,
    accuracy: float,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
) -> tuple[np.ndarray, np.ndarray]:
    algorithm = algorithm_of(model, protocol, rate, settings.dimension, "chain", "auto")
    own = settings._replace(steps=budget)
    found = outcome_of(algorithm, own, factors, streams, np.array([0, budget]))
    return found.last, found.recovered
