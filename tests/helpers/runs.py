"""What one run of an engine is told, and where it starts."""

import numpy as np
from onepass.protocol import Protocol
from onepass.simulation.initial import initial_factor
from onepass.simulation.parameters import Parameters
from onepass.simulation.streams import replica_streams


def parameters(model, protocol="projected_square", **changes) -> Parameters:
    """Of a short run of a model by a protocol, without a threshold."""
    usual = {"dimension": 24, "batch_size": 8, "learning_rate": 0.05, "steps": 5}
    return Parameters.of(model, Protocol.named(protocol), **usual)._replace(**changes)


def starts(model, replicas, initial=("overlap", 0.3), dimension=24, seed=5):
    """Factors (replica, p, k + p), each from a stream of its own."""
    streams = replica_streams(seed, replicas)
    return np.stack([initial_factor(initial, model.students, model.teachers, dimension, s) for s in streams])
