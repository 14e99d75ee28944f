"""The code that an engine is, on the CPU or on a GPU."""

import logging

from onepass.simulation import sgd
from onepass.simulation.chain import leap, overlap_chain
from onepass.simulation.cuda.backend import BackendError, device_for, named
from onepass.simulation.parameters import GPU_ENGINES, numbers_a_step

logger = logging.getLogger("onepass")


def device_of(engine, backend, model, parameters, replicas, gpu_from):
    """The GPU that a run takes, a `onepass.simulation.cuda.device.CudaDevice`, or None for the CPU.

    A model or a number of steps that a GPU does not take is a ValueError with ``cupy``, as is a backend that does not
    exist or cannot be used; ``auto`` leaves them to the CPU, and says so.
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
    """Run every replica, as `overlap_chain.run` does, and tell its leaps, or None where there are none.

    A `BackendError` where a GPU's memory does not hold one.
    """
    if engine == "leap":
        return leap.run(model, parameters, factors, streams, record_steps, tolerance)
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
