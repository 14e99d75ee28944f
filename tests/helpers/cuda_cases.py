"""Models, settings and starts that the tests of the chain's kernels share."""

from functools import cache
from math import inf

import numpy as np
import onepass
from onepass.simulation.initial import initial_factor
from onepass.simulation.parameters import Parameters
from onepass.simulation.streams import replica_streams

HE3 = onepass.Model("He3(x1)", "He3", noise=0.2)
TWO = onepass.Model("He2(x1) + x1*x2", "square", students=2, second_layer=(1.0, 0.7), noise=0.2)
WIDE = onepass.Model("x1 + x1*x2", "tanh", students=4, second_layer=(1.0, 0.7, 0.4, 0.1), noise=0.2)
WIDER = onepass.Model("x1*x2*x3", "erf(x/sqrt(2))", students=7)  # its sums are too many for registers
KINKED = onepass.Model("abs(x1) - step(x2)", "relu", students=3, noise=0.1)
MODELS = [HE3, TWO, WIDE, WIDER, KINKED]
RATES = {HE3: 0.02, TWO: 0.15, WIDE: 1.5, WIDER: 5.0, KINKED: 0.5}


def named(model):
    return f"{model.activation}-p{model.students}"


def settings(model, **changes):
    values = {
        "dimension": 24, "batch_size": 8, "learning_rate": RATES[model], "steps": 5, "threshold": inf,
        "noise": model.noise**0.5, "correlation": False, "spherical": False, "adaptive": False,
        "risk_fraction": 0.6, "drop": 0.1, "decay": 0.995,
    }  # fmt: skip
    return Parameters(**(values | changes))


@cache
def starts(model, replicas, overlap=0.3, dimension=24, seed=5):
    streams = replica_streams(seed, replicas)
    initial = ("overlap", overlap)
    return np.stack([initial_factor(initial, model.students, model.teachers, dimension, s) for s in streams])
