"""Algorithms over batches: compiled ones against the basic chain, lazy batches against dense, of all d coordinates."""

import statistics
import time
from math import inf

import numpy as np
import onepass
from onepass.protocol import Protocol
from onepass.simulation.algorithms import block_chain, composed_chain
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.run import Settings, run
from onepass.simulation.chain import overlap_chain
from onepass.simulation.initial import initial_factors
from onepass.simulation.streams import replica_streams
from shared import parameters, starts  # beside this file

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


HEAVY = {"momentum": "heavy_ball", "beta": 0.9}
COMPILED = [
    Protocol(update="plain"),
    Protocol(update="plain", second_layer_rate=1, weight_decay=0.1),
    Protocol("absolute"),
    Protocol("huber", "spherical"),
    Protocol("correlation", label="tanh(y)"),
    Protocol(direction="normalised"),
    Protocol(direction="clipped", clip=1),
    Protocol(direction="polar"),
    Protocol(**HEAVY),
    Protocol(velocity="transported", **HEAVY),
    Protocol(momentum="nesterov", beta=0.9),
    Protocol(update="plain", direction="polar", **HEAVY),
    Protocol("correlation", "plain"),
    SMOOTHED,
    Protocol("correlation", smoothing=1),
]
SAMPLES, TURNS = 400_000, 15


def compiled():
    """composed protocols compiled, p = k = 1, He3: time a sample as a multiple of projected square's"""
    for batch_size in (1, 1000):
        steps = SAMPLES // batch_size
        place = (starts(HE3, 1, "sphere", 1000, seed=1), replica_streams(1, 1), np.array([0, steps]))
        own = parameters(HE3, dimension=1000, batch_size=batch_size, steps=steps, learning_rate=1e-6)
        settings = Settings(1000, batch_size, steps, inf)
        for protocol in COMPILED:
            algorithm = ComposedSGD(HE3, protocol, 1e-6, 1000)
            calls = [
                lambda algorithm=algorithm, settings=settings, place=place: composed_chain.run(
                    algorithm, settings, *place
                ),
                lambda own=own, place=place: overlap_chain.run(HE3, own, *place),
            ]
            for call in calls:
                call()  # loads and compiles
            times = np.array([[_timed(call) for call in calls] for _ in range(TURNS)])
            mine, basic = np.median(times, axis=0) / SAMPLES * 1e9
            what = f"n_b = {batch_size}, {protocol.name}: {mine:.1f} ns a sample, projected_square {basic:.1f}"
            yield what, np.median(times[:, 0] / times[:, 1]), (0, 1.5)


LOOKS = {"lookahead": "sample"}, {"lookahead": "batch"}, {"passes": 2}, {"passes": 5}
RELU = onepass.Model("He3(x1)", "relu", second_layer=(-1.0,))


def seen_again():
    """samples seen again, p = k = 1, ReLU: time a sample as a multiple of spherical correlation's"""
    for batch_size in (1, 1000):
        steps = SAMPLES // batch_size
        place = (starts(RELU, 1, "sphere", 1000, seed=1), replica_streams(1, 1))
        own = parameters(
            RELU, "spherical_correlation", dimension=1000, batch_size=batch_size, steps=steps, learning_rate=1e-6
        )
        for look in LOOKS:
            protocol = Protocol("correlation", "spherical", **look)
            settings = Settings(1000, batch_size, steps * protocol.passes, inf)
            algorithm, ends = ComposedSGD(RELU, protocol, 1e-6, 1000), np.array([0, settings.steps])
            calls = [
                lambda algorithm=algorithm, settings=settings, place=place, ends=ends: composed_chain.run(
                    algorithm, settings, *place, ends
                ),
                lambda own=own, place=place, steps=steps: overlap_chain.run(RELU, own, *place, np.array([0, steps])),
            ]
            for call in calls:
                call()  # loads and compiles
            times = np.array([[_timed(call) for call in calls] for _ in range(TURNS)])
            mine, basic = np.median(times, axis=0) / SAMPLES * 1e9
            what = f"n_b = {batch_size}, {protocol.name}: {mine:.1f} ns a sample, spherical_correlation {basic:.1f}"
            goal = 4 if look == {"lookahead": "sample"} else 3 * max(2, protocol.passes)
            yield what, np.median(times[:, 0] / times[:, 1]), (0, goal)


BLOCKS = (1, 4, 24)
PER_BLOCK = 1.3  # times a sample of the basic chain, that a block may cost
FIXED = 2.0  # beside that, at one sample a step: what a step has to do for any number of blocks


def blocks():
    """inputs with equal blocks compiled, p = k = 1, He3: time a sample as a multiple of isotropic inputs'"""
    for batch_size in (1, 32, 1000):
        steps = SAMPLES // batch_size // 4
        own = parameters(HE3, dimension=4096, batch_size=batch_size, steps=steps, learning_rate=1e-6)
        basic = (starts(HE3, 1, "sphere", 4096, seed=1), replica_streams(1, 1), np.array([0, steps]))
        settings = Settings(4096, batch_size, steps, inf)
        for count in BLOCKS:
            described = {"blocks": [{"dimension": 1 / count, "variance": 1, "teacher": 1 / count}] * count}
            model = onepass.Model("He3(x1)", "He3", inputs=described)
            algorithm = ComposedSGD(model, Protocol(), 1e-6, 4096)
            place = (initial_factors(model, "sphere", 4096, replica_streams(2, 1)), *basic[1:])
            calls = [
                lambda algorithm=algorithm, settings=settings, place=place: block_chain.run(
                    algorithm, settings, *place
                ),
                lambda own=own, basic=basic: overlap_chain.run(HE3, own, *basic),
            ]
            for call in calls:
                call()  # loads and compiles
            times = np.array([[_timed(call) for call in calls] for _ in range(ROUNDS)])
            mine = np.median(times[:, 0]) / (steps * batch_size) * 1e9
            what = f"n_b = {batch_size}, {count} blocks: {mine:.1f} ns a sample"
            yield what, np.median(times[:, 0] / times[:, 1]), (0, PER_BLOCK * count + FIXED)


def _timed(call) -> float:
    begin = time.process_time()
    call()
    return time.process_time() - begin
