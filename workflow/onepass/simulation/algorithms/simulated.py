"""From a protocol, or an algorithm of one's own, to a labelled data set of its runs."""

from collections.abc import Sequence

import numpy as np

from onepass.gaussian.any_norm import risk_at
from onepass.model import Model
from onepass.protocol import Protocol, ProtocolError
from onepass.simulation.algorithms import block_chain, composed_chain, run
from onepass.simulation.algorithms.algorithm import Algorithm
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.run import Outcome, Settings
from onepass.simulation.cuda.backend import named
from onepass.simulation.records import kept_records, of_runs

ENGINES = ("chain", "sgd")  # that run algorithms: lazy and dense batches


def algorithm_of(
    model: Model, protocol: Protocol | type[Algorithm], learning_rate: float, dimension: int, engine: str, backend: str
) -> Algorithm:
    """The algorithm of a protocol, or of a class of one's own, for the `normalised` model.

    Raises
    ------
    ProtocolError
        If an engine or a backend is asked for that does not know it, or the model contradicts it.
    InputsError
        If there are no such inputs in this dimension.
    """
    name = repr(protocol.name if isinstance(protocol, Protocol) else protocol.__name__)
    if not model.inputs.is_isotropic:
        name += f" with inputs {model.inputs.name!r}"
    if engine not in ENGINES:
        raise ProtocolError(f"engine {engine!r} does not know protocol {name}; allowed: {', '.join(ENGINES)}")
    named(backend)
    if backend == "cupy":  # asked for this run; what ONEPASS_BACKEND says is for runs that a GPU knows
        raise ProtocolError(f"backend 'cupy' does not know protocol {name}; allowed: numpy, or auto")
    if not model.inputs.is_isotropic:
        model.inputs.at(dimension, model.teachers)  # or it says why not
        model = model.normalised(dimension)
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
    kinds = (kind for kind in (composed_chain, block_chain) if kind.takes(algorithm, settings))
    return next(kinds, run).run(algorithm, settings, factors, streams, record_steps)


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
    # By the algorithm, not by what became of it: runs of one cell go together, whichever they are.
    if not isinstance(algorithm, ComposedSGD) or algorithm.protocol.second_layer_rate > 0:
        states["second_layer"] = layers
    runs = {"recovery_step": found.last, "recovered": found.recovered, "diverged": found.diverged}
    error = float(np.nan_to_num(risk.error, nan=np.inf, posinf=np.inf).max())
    attributes = {**attributes, "risk_truncation": error}
    if algorithm.model.inputs.is_isotropic:
        return of_runs(step, states, runs, attributes)
    states |= {"block_overlap": found.block_overlaps[:, kept], "block_gram": found.block_grams[:, kept]}
    covariance = algorithm.model.inputs.at(settings.dimension, algorithm.model.teachers)
    return of_runs(step, states, runs, attributes, covariance)
