"""Experiments of runs of a given length, simulated and gathered."""

from onepass.pipeline.aggregate import aggregate
from onepass.pipeline.experiments import TrajectoriesExperiment
from onepass.pipeline.grid import cells_of

from helpers.cells import simulated

HE3 = {"target": "He3(x1)", "activation": "He3", "students": 1, "second_layer": None, "noise": 0.0}
ERF = {"target": "erf(x1/sqrt(2))", "activation": "erf(x/sqrt(2))", "students": 1, "second_layer": None, "noise": 1e-2}
LEAP = {"activation": "x + He2(x) + He3(x)/2", "students": 1, "second_layer": None, "noise": 0.0}
STAIRCASE = LEAP | {"target": "x1 + x1*x2 + x1*x2*x3"}
PRODUCT = LEAP | {"target": "x1*x2*x3"}
PAIR = {"target": "tanh(x1*x2*x3)", "activation": "tanh", "students": 2, "second_layer": [1, -1], "noise": 1e-6}


def experiment(**changes):
    settings = {
        "kind": "trajectories", "model": HE3, "protocols": ["projected_square", "spherical_square"], "mu": [0.5, 1.0],
        "dimensions": [16, 32], "n0": 1.0, "gamma0": 0.01, "delta": "line", "initial": "inverse_sqrt_d", "samples": 2.0,
        "steps": None, "records": 30, "replicas": 3, "engine": "chain", "gaussian_from": None, "backend": "auto",
        "tolerance": None, "seed": 1,
    }  # fmt: skip
    return TrajectoriesExperiment.model_validate(settings | changes)


def gathered(folder, **changes):
    listed = cells_of("runs", experiment(**changes))
    return aggregate("runs", experiment(**changes), simulated(listed, folder))
