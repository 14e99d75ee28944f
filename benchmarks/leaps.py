"""Leaps: what one takes, against a yardstick of random numbers, and how the cost of a run grows with the dimension."""

import math
import time
from math import inf

import numpy as np
import onepass
from onepass.simulation.chain import leap
from onepass.simulation.streams import replica_streams
from shared import parameters  # beside this file

ROUNDS, REPLICAS = 7, 300
HE3 = onepass.Model("He3(x1)", "He3")
EXPONENTS = (10, 26, 50)


def run(exponent):
    """Processor seconds and leaps of replicas that recover from 1/√d at n_b = 1 and γ0 = 0.004."""
    d = 2**exponent
    rate = 0.004 * float(d) ** -1.5
    own = parameters(HE3, dimension=d, batch_size=1, steps=10**4 * d**2, learning_rate=rate, threshold=0.5)
    start = np.array([[[d**-0.5, math.sqrt(1 - 1 / d)]]] * REPLICAS)
    streams, steps = replica_streams(1, REPLICAS), np.array([0.0, float(own.steps)])
    begin = time.process_time()
    *_, recovered, leaps = leap.run(HE3, own, start, streams, steps)
    seconds = time.process_time() - begin
    assert recovered.all()
    return seconds, leaps.sum()


def normals(count):
    """Seconds of so many standard normals."""
    (rng,) = replica_streams(1, 1)
    begin = time.process_time()
    rng.standard_normal(count)
    return time.process_time() - begin


def leaps():
    """leap, p = k = 1, He3, n_b = 1, γ0 = 0.004, from 1/√d to recovery"""
    run(EXPONENTS[0])  # compiles
    rounds = [([run(exponent) for exponent in EXPONENTS], normals(10**6) / 10**6) for _ in range(ROUNDS)]
    each = {exponent: min(found[i][0] / found[i][1] for found, _ in rounds) for i, exponent in enumerate(EXPONENTS)}
    replica = {exponent: min(found[i][0] for found, _ in rounds) / REPLICAS for i, exponent in enumerate(EXPONENTS)}
    normal = min(each for _, each in rounds)
    large = EXPONENTS[-1]
    yield (
        f"{each[large] * 1e9:.0f} ns a leap at d = 2**{large}, normals that take as long",
        each[large] / normal,
        (0, 20),
    )
    yield "ns a leap there", each[large] * 1e9, (0, 150)
    yield "milliseconds a replica at d = 2**26", replica[26] * 1e3, (0, 1)
    growth = replica[large] / replica[EXPONENTS[0]]
    yield (
        f"time at d = 2**{large} against 2**{EXPONENTS[0]}, over the ratio of log d",
        growth / (large / EXPONENTS[0]),
        (
            0,
            1.1,
        ),
    )
    yield "leaps a replica at d = 2**26", rounds[0][0][1][1] / REPLICAS, (0, inf)
