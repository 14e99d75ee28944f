"""`simulate`: one grid cell, from its parameters to a labelled data set."""

import logging
from collections.abc import Sequence
from math import inf, isfinite, sqrt
from numbers import Real

import numpy as np

from onepass.errors import OnepassError
from onepass.gaussian.risk import risk_truncation
from onepass.model import Model
from onepass.protocol import Protocol, Update
from onepass.simulation.algorithms.algorithm import Algorithm
from onepass.simulation.algorithms.run import RECOVERIES, Settings
from onepass.simulation.algorithms.simulated import algorithm_of, simulated
from onepass.simulation.chain import limits, overlap_chain
from onepass.simulation.chain.batch_law import batch_law
from onepass.simulation.dispatch import device_of, results_of
from onepass.simulation.initial import initial_factors
from onepass.simulation.parameters import ENGINES, GPU_FROM, LARGEST_COUNT, Parameters, largest_count
from onepass.simulation.records import dataset_of, log_spaced
from onepass.simulation.streams import replica_streams

logger = logging.getLogger("onepass")


class SimulationError(OnepassError, ValueError):
    """A parameter of `simulate` outside its range."""


class DivergenceError(OnepassError, FloatingPointError):
    """A run whose overlaps left the finite numbers."""


def simulate(
    model: Model,
    protocol: Protocol | type[Algorithm],
    *,
    dimension: int,
    batch_size: int,
    learning_rate: float,
    steps: int,
    replicas: int | Sequence[int] = 1,
    engine: str = "chain",
    backend: str = "auto",
    gpu_from: float = GPU_FROM,
    seed: int | Sequence[int] = 0,
    threshold: float | None = 0.5,
    recovery: str = "cosine",
    initial="sphere",
    records: int = 50,
    tolerance: float = limits.TOLERANCE,
):
    """Simulate one-pass SGD of a two-layer student.

    Parameters
    ----------
    protocol : a `Protocol`, or an algorithm of your own, a class below
        `onepass.simulation.algorithms.algorithm.Algorithm`. These, protocols that are not basic (`Protocol.is_basic`),
        and inputs that are not isotropic, are known to the engines ``"chain"`` and ``"sgd"`` on the CPU alone. The
        engine ``"chain"`` is compiled for protocols, unless `onepass.simulation.algorithms.composed_chain.takes` says
        no.
    dimension, batch_size, learning_rate : d, n_b and γ.
    steps : budget of each replica.
    replicas : independent runs, an axis of the result: how many, or the numbers of those to run, on the CPU. Replica r
        is the same run whatever others there are: ``range(64, 128)`` are the ones that 128 have and 64 have not.
    engine : ``"chain"`` (exact in law, cost independent of d), ``"gaussian"`` (the chain for very large batches, cost
        independent of n_b too; see `onepass.simulation.chain.batch_law`), ``"leap"`` (the chain in leaps of many steps,
        cost independent of the learning rate too; see `onepass.simulation.chain.leap`) or ``"sgd"`` (d-dimensional
        reference).
    backend : ``"numpy"`` (CPU), ``"cupy"`` (GPU) or ``"auto"``: a GPU where one computes and the run is large enough,
        unless the variable ``ONEPASS_BACKEND`` names one of the others. The engines ``"gaussian"`` and ``"leap"`` stay
        on the CPU.
    gpu_from : how many random numbers a step must draw, replicas together, for ``"auto"`` to look for a GPU.
    seed : entropy of the random streams. A GPU draws other numbers of the same law from it.
    threshold : a replica stops at its first step with ``‖M‖_F ≥ threshold``; ``None`` never stops early.
    recovery : of weights that leave the sphere, what the threshold is on: ``"cosine"``, M with each row divided by the
        norm of its student, or ``"norm"``, M as it is.
    initial : ``"sphere"``, ``("norm", m)``, ``("overlap", m)`` or ``("overlaps", M, Q)``, the last for isotropic inputs
        alone; see `onepass.simulation.initial`.
    records : how many steps to record, spaced evenly in the logarithm; 0 and the last are always there.
    tolerance : relative error of median recovery times that the engine ``"leap"`` may make; the others make none.

    Returns
    -------
    xarray.Dataset with ``overlap`` (replica, step, student, teacher), ``student_gram`` (replica, step, student,
    other_student), ``risk`` (replica, step): the excess population risk; a replica that has stopped keeps its
    last state. Where the second layer learns, ``second_layer`` (replica, step, student); of a protocol that is not
    basic ``diverged`` (replica): whether it stopped before a step to where numbers end, which is no recovery.
    Of inputs with blocks ``overlap`` and ``student_gram`` are the covariances of the students' fields with the
    teacher's and with each other, which of isotropic inputs are the inner products of weights, and the threshold is on
    the former; ``block_overlap`` (replica, step, block, student, teacher) and ``block_gram`` (…, other_student) are the
    inner products of weights in each block, whose dimension, variance and share of the teacher are coordinates.
    ``recovery_step`` (replica) counts steps to recovery or, where ``recovered`` is false, to the end of
    the budget: a censored time. Of the engine ``"leap"`` also ``leaps`` (replica), and steps are floats where the
    budget is above 2**53.

    Raises
    ------
    ValueError
        For a parameter outside its range, before anything runs; the message names it. `BackendError` for
        ``"cupy"`` where no GPU computes, or not enough memory is left on it.
    DivergenceError
        If the overlaps of a replica overflow, by a basic protocol.
    """
    if recovery not in RECOVERIES:
        raise SimulationError(f"recovery {recovery!r} is unknown; allowed: {', '.join(RECOVERIES)}")
    which = replicas
    if isinstance(which, Sequence):
        _check_numbers(which, backend)
        replicas, backend = len(which), "numpy"
    numbers = {
        "dimension": dimension, "batch_size": batch_size, "learning_rate": learning_rate, "steps": steps,
        "replicas": replicas, "engine": engine, "threshold": threshold, "records": records,
    }  # fmt: skip

    if not (isinstance(protocol, Protocol) and protocol.is_basic and model.inputs.is_isotropic):
        check_ranges(model, **numbers, highest=inf if recovery == "norm" else sqrt(model.students))
        algorithm = algorithm_of(model, protocol, float(learning_rate), int(dimension), engine, backend)
        end = inf if threshold is None else float(threshold)
        settings = Settings(int(dimension), int(batch_size), int(steps), end, recovery, engine == "sgd")
        attributes = {"engine": engine, "backend": "numpy", "device": "cpu", "recovery": recovery}
        if not model.inputs.is_isotropic:
            attributes["inputs"] = model.inputs.name
        for remark in model.inputs.remarks:
            logger.warning("%s", remark)
        unit = isinstance(protocol, Protocol) and protocol.update != Update.PLAIN
        streams = replica_streams(seed, which)
        starts = initial_factors(model, initial, settings.dimension, streams, unit)
        return simulated(algorithm, settings, starts, streams, log_spaced(settings.steps, records), attributes)
    parameters = checked(model, protocol, **numbers)
    device = device_of(engine, backend, model, parameters, replicas, gpu_from)
    place = {"backend": "cupy", "device": device.name} if device else {"backend": "numpy", "device": "cpu"}
    attributes = {"engine": engine, **place, "risk_truncation": risk_truncation(model)}
    if engine in ("gaussian", "leap"):
        attributes["quadrature_error"] = batch_law(model)[2]
    if engine == "leap":
        limits.check(tolerance, attributes["quadrature_error"])
        attributes["tolerance"] = float(tolerance)
    streams, record_steps = replica_streams(seed, which), log_spaced(parameters.steps, records)
    starts = initial_factors(model, initial, dimension, streams)
    try:
        results = results_of(engine, model, parameters, starts, streams, record_steps, device, seed, tolerance)
    except FloatingPointError as error:
        raise DivergenceError(
            f"{error}: {protocol.name}, target {model.target!r}, activation {model.activation!r}, "
            f"dimension {dimension}, batch_size {batch_size}, learning_rate {learning_rate:g}; "
            "a smaller learning rate keeps the overlaps finite"
        ) from None
    return dataset_of(model, record_steps, *results, attributes)


def _check_numbers(which: Sequence[int], backend: str) -> None:
    whole = all(isinstance(r, (int, np.integer)) and 0 <= r < LARGEST_COUNT for r in which)
    if not whole or len(set(which)) < len(which):
        raise SimulationError(f"replicas is {which!r}; allowed: how many, or numbers from 0, each once")
    if backend == "cupy":
        raise SimulationError(f"replicas is {which!r}; allowed with backend 'cupy': how many")


def checked(
    model, protocol, *, dimension, batch_size, learning_rate, steps, replicas, engine, threshold, records
) -> Parameters:
    """What the engines are told, each in its range; a ValueError that names the first that is not."""
    check_ranges(
        model,
        dimension=dimension,
        batch_size=batch_size,
        learning_rate=learning_rate,
        steps=steps,
        replicas=replicas,
        engine=engine,
        threshold=threshold,
        records=records,
        highest=sqrt(model.students),
    )
    parameters = Parameters.of(
        model,
        protocol,
        dimension=dimension,
        batch_size=batch_size,
        learning_rate=learning_rate,
        steps=steps,
        threshold=inf if threshold is None else threshold,
    )
    if engine != "sgd":
        overlap_chain.check(model, parameters)
    return parameters


def check_ranges(
    model, *, dimension, batch_size, learning_rate, steps, replicas, engine, threshold, records, highest
) -> None:
    """A `SimulationError` that names the first that is outside of its range; `highest` is that of the threshold."""
    if engine not in ENGINES:
        raise SimulationError(f"engine {engine!r} is unknown; allowed: {', '.join(ENGINES)}")
    usual, own = largest_count("chain"), largest_count(engine)
    for key, value, least, most in [
        ("dimension", dimension, 1, own),
        ("batch_size", batch_size, 1, own),
        ("replicas", replicas, 1, usual),
        ("steps", steps, 0, largest_count(engine, steps=True)),
        ("records", records, 0, usual),
    ]:
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not (whole and least <= value <= most):
            more = " (engine 'leap' takes more)" if engine != "leap" and key in ("dimension", "steps") else ""
            allowed = f"a whole number from {least} to 2**{most.bit_length() - 1}{more}"
            raise SimulationError(f"{key} is {value!r}; allowed: {allowed}")
    if not (isinstance(learning_rate, Real) and isfinite(learning_rate) and learning_rate > 0):
        raise SimulationError(f"learning_rate is {learning_rate!r}; allowed: a finite number above 0")
    if threshold is not None and not (isinstance(threshold, Real) and 0 < threshold <= highest):
        raise SimulationError(
            f"threshold is {threshold!r}; allowed: a number above 0 and up to √p = {highest:.3g}, or None"
        )
    if dimension < model.teachers:
        raise SimulationError(f"dimension {dimension} is below the {model.teachers} coordinates of the target")
