"""The code that an engine is, on the CPU or on a GPU."""

from __future__ import annotations

import logging

from onepass.simulation.chain import leap, overlap_chain
from onepass.simulation.cuda.backend import BackendError, device_for, named
from onepass.simulation.parameters import GPU_ENGINES, numbers_a_step

logger = logging.getLogger("onepass")


def device_of(engine, backend, model, parameters, replicas, gpu_from):
    """The GPU that a run takes, a `onepass.simulation.cuda.device.CudaDevice`, or None for the CPU.

    Raises
    ------
    ValueError
        For a backend that does not exist or cannot be used, and for ``cupy`` with a model or a number of steps that
        a GPU does not take; ``auto`` then leaves them to the CPU, and says so.
    """
    if engine not in GPU_ENGINES:
        named(backend)
        return None
    coordinates = model.students + model.teachers
    numbers = numbers_a_step(engine, coordinates, parameters.dimension, parameters.batch_size, replicas)
    device = device_for(backend, numbers, gpu_from)
    if device is None:
        return None
    from onepass.simulation.cuda import chain, philox

    try:
        if engine == "chain":
            chain.check(model, parameters, replicas, device)
        else:
            philox.check(replicas, parameters.steps, parameters.batch_size, parameters.dimension)
    except ValueError as error:
        if named(backend) == "cupy":
            raise
        logger.warning("backend 'auto' uses the CPU: %s", error)
        return None
    return device


def results_of(engine, model, parameters, factors, streams, record_steps, device, seed, tolerance):
    """Run every replica; parameters and results as in `overlap_chain.run`, and the leaps of each replica or None.

    Raises
    ------
    BackendError
        Where the memory of the GPU does not hold the least.
    """
    if engine == "leap":
        return leap.run(model, parameters, factors, streams, record_steps, tolerance)
    if engine == "sgd":
        from onepass.simulation import sgd
    if device is None and engine == "sgd":
        return *sgd.run(model, parameters, factors, streams, record_steps), None
    if device is None:
        return *overlap_chain.run(model, parameters, factors, streams, record_steps, engine), None
    from onepass.simulation.cuda import chain, philox

    key = philox.key(seed)
    try:
        if engine == "sgd":
            return *sgd.run(model, parameters, factors, streams, record_steps, device=device, key=key), None
        return *chain.run(model, parameters, factors, key, record_steps, device), None
    except device.out_of_memory as error:
        raise BackendError(f"the memory of {device.name} does not hold one replica and one sample: {error}") from None
