"""Algorithms over batches: lazy ones against dense ones, which hold all d coordinates."""

import statistics
import time
from math import inf

import numpy as np
import onepass
from onepass.protocol import Protocol
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.run import Settings, run
from onepass.simulation.streams import replica_streams
from shared import starts  # beside this file

ROUNDS, REPLICAS, STEPS = 5, 64, 40
PLAIN = Protocol(update="plain", second_layer_rate=1)
MUON = Protocol(update="plain", direction="polar", momentum="heavy_ball", beta=0.9)
SMOOTHED = Protocol("correlation", "spherical", smoothing=1)
TANH = onepass.Model("He3(x1)", "tanh", students=4, noise=0.1)
HE3 = onepass.Model("He3(x1)", "He3")
CASES = [("plain, second layer", TANH, PLAIN), ("polar, heavy ball", TANH, MUON), ("smoothed", HE3, SMOOTHED)]
GOALS = {64: (1, inf), 256: (1, inf)}  # times faster at n_b = d; single samples have none


def seconds(model, protocol, dimension, batch_size, dense):
    """Of some steps of replicas side by side, their starts left out."""
    algorithm = ComposedSGD(model, protocol, 1e-3, dimension)
    settings = Settings(dimension, batch_size, STEPS, inf, "cosine", dense)
    start, streams = starts(model, REPLICAS, "sphere", dimension, seed=1), replica_streams(1, REPLICAS)
    run(algorithm, settings._replace(steps=0), start, streams, np.array([0]))  # loads and compiles
    begin = time.process_time()
    run(algorithm, settings, start, streams, np.array([0, STEPS]))
    return time.process_time() - begin


def algorithms():
    """lazy batches in array form: how many times as fast as dense ones, 64 replicas"""
    for name, model, protocol in CASES:
        for dimension, goal in GOALS.items():
            for batch_size in (1, dimension):
                task = (model, protocol, dimension, batch_size)
                rounds = [[seconds(*task, dense) for dense in (False, True)] for _ in range(ROUNDS)]
                lazy, dense = map(statistics.median, zip(*rounds, strict=True))
                each = lazy / STEPS / REPLICAS * 1e6
                yield (
                    f"{name}, d = {dimension}, n_b = {batch_size}: lazy {each:.1f} µs a step",
                    dense / lazy,
                    goal if batch_size > 1 else (0, inf),
                )
