"""From a protocol, or an algorithm of one's own, to a labelled data set of its runs."""

from collections.abc import Sequence

import numpy as np

from onepass.gaussian.any_norm import risk_at
from onepass.model import Model
from onepass.protocol import Protocol, ProtocolError
from onepass.simulation.algorithms import composed_chain, run
from onepass.simulation.algorithms.algorithm import Algorithm
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.run import Outcome, Settings
from onepass.simulation.cuda.backend import named
from onepass.simulation.records import kept_records, of_runs

ENGINES = ("chain", "sgd")  # that run algorithms: lazy and dense batches


def algorithm_of(
    model: Model, protocol: Protocol | type[Algorithm], learning_rate: float, dimension: int, engine: str, backend: str
) -> Algorithm:
    """The algorithm of a protocol, or of a class of one's own.

    Raises
    ------
    ProtocolError
        If an engine or a backend is asked for that does not know it, or the model contradicts it.
    """
    name = protocol.name if isinstance(protocol, Protocol) else protocol.__name__
    if engine not in ENGINES:
        raise ProtocolError(f"engine {engine!r} does not know protocol {name!r}; allowed: {', '.join(ENGINES)}")
    named(backend)
    if backend == "cupy":  # asked for this run; what ONEPASS_BACKEND says is for runs that a GPU knows
        raise ProtocolError(f"backend 'cupy' does not know protocol {name!r}; allowed: numpy, or auto")
    if isinstance(protocol, Protocol):
        return ComposedSGD(model, protocol, learning_rate, dimension)
    return protocol(model, learning_rate, dimension)


def outcome_of(
    algorithm: Algorithm,
    settings: Settings,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
    record_steps: np.ndarray,
) -> Outcome:
    """Run every replica by compiled code where it knows such runs, else by `run.run`, whose parameters these are."""
    kind = composed_chain if composed_chain.takes(algorithm, settings) else run
    return kind.run(algorithm, settings, factors, streams, record_steps)


def simulated(
    algorithm: Algorithm,
    settings: Settings,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
    record_steps: np.ndarray,
    attributes: dict,
):
    """Run every replica; an xarray.Dataset as `onepass.simulate` returns it."""
    found = outcome_of(algorithm, settings, factors, streams, record_steps)
    kept, step = kept_records(record_steps, found.last)
    overlaps, grams, layers = (array[:, kept] for array in (found.overlaps, found.grams, found.layers))
    with np.errstate(over="ignore", invalid="ignore"):  # of students on their way to infinity
        risk = risk_at(algorithm.model, overlaps, grams, layers / algorithm.model.students)
    states = {"overlap": overlaps, "student_gram": grams, "risk": np.nan_to_num(risk.value, nan=np.inf, posinf=np.inf)}
    if (layers != layers[:, :1]).any():
        states["second_layer"] = layers
    runs = {"recovery_step": found.last, "recovered": found.recovered, "diverged": found.diverged}
    error = float(np.nan_to_num(risk.error, nan=np.inf, posinf=np.inf).max())
    return of_runs(step, states, runs, {**attributes, "risk_truncation": error})
