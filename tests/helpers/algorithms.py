"""An algorithm with lazy and with dense batches, and what is compared of the two."""

from dataclasses import replace
from math import inf

import numpy as np
import onepass
from onepass.inputs.kind import ISOTROPIC
from onepass.protocol import ALL_PROTOCOLS, Loss, Protocol
from onepass.simulation.algorithms import block_chain, composed_chain, run
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.run import Settings
from onepass.simulation.initial import initial_factors
from onepass.simulation.streams import replica_streams

ONE = onepass.Model("He3(x1)", "He3")
TWO = onepass.Model("He2(x1) + x1*x2", "tanh", students=2, second_layer=(1.0, 0.6), noise=0.1)
THREE = onepass.Model("x1*x2", "relu", students=3, second_layer=(1.0, -1.0, 0.5))
SIGNS = onepass.Model("sign(x1)", "tanh", students=2)
POLYNOMIAL = onepass.Model("He3(x1) + x1*x2", "He2", students=2, noise=0.1)
RELU = onepass.Model("He3(x1)", "relu", second_layer=(-1.0,))
RATES = {ONE: 0.02, TWO: 0.4, THREE: 0.4, SIGNS: 0.6, POLYNOMIAL: 0.03, RELU: 0.1}
REPLICAS = 1000
HEAVY = {"momentum": "heavy_ball", "beta": 0.7}
LAZY = [  # of losses that are compiled with a momentum: their kernels would differ by that alone
    (TWO, Protocol("absolute")),
    (TWO, Protocol("huber", huber_delta=0.3)),
    (TWO, Protocol("huber", "spherical", huber_delta=0.3, direction="polar", second_layer_rate=1)),
    (SIGNS, Protocol("logistic")),
]
# Every value of every option, then combinations; few models, labels and losses, for each kernel takes ten seconds.
PROTOCOLS = [
    *[(TWO, protocol) for protocol in ALL_PROTOCOLS],
    *LAZY,
    (TWO, Protocol(update="plain")),
    (SIGNS, Protocol("exponential", update="spherical")),
    (TWO, Protocol("y*exp(min(-y*f, 2))")),
    (TWO, Protocol("correlation", label="sign(y)")),
    (TWO, Protocol(direction="normalised")),
    (THREE, Protocol(direction="rows")),
    (TWO, Protocol(direction="clipped", clip=0.1)),
    (THREE, Protocol(direction="polar")),
    (ONE, Protocol("correlation", "spherical", **HEAVY)),
    (TWO, Protocol(**HEAVY)),
    (THREE, Protocol(velocity="transported", **HEAVY)),
    (TWO, Protocol(update="spherical", momentum="nesterov", beta=0.7)),
    (THREE, Protocol(update="plain", weight_decay=0.3)),
    (TWO, Protocol(update="plain", second_layer_rate=1)),
    (ONE, Protocol("correlation", "spherical", smoothing=0.7)),
    (POLYNOMIAL, Protocol("correlation", "plain", smoothing=0.3, second_layer_rate=0.5, **HEAVY)),
    (THREE, Protocol("correlation", "plain", second_layer_rate=0.5)),
    (THREE, Protocol(update="plain", direction="polar", **HEAVY)),
    (TWO, Protocol("absolute", "spherical", direction="rows", velocity="transported", **HEAVY)),
    (THREE, Protocol(update="plain", momentum="nesterov", beta=0.5, second_layer_rate=0.5, weight_decay=0.1)),
    (SIGNS, Protocol("logistic", "plain", weight_decay=0.1, second_layer_rate=1, **HEAVY)),
    (THREE, Protocol("correlation", "plain", direction="clipped", clip=0.2, second_layer_rate=0.5, **HEAVY)),
    (
        POLYNOMIAL,
        Protocol("correlation", "spherical", smoothing=0.5, velocity="transported", second_layer_rate=1, **HEAVY),
    ),
    (POLYNOMIAL, Protocol("correlation", smoothing=0.3, direction="polar", second_layer_rate=1, **HEAVY)),
    (TWO, Protocol("correlation", "plain", label="sign(y)", direction="normalised", weight_decay=0.2)),
    (TWO, Protocol("absolute", "plain", direction="clipped", clip=0.5, second_layer_rate=1, **HEAVY)),
    (THREE, Protocol("correlation", schedule="adaptive", weight_decay=0.1, second_layer_rate=1)),
    (TWO, Protocol("square", "plain", direction="rows", second_layer_rate=1, weight_decay=0.1)),
]
COMPILED = [case for case in PROTOCOLS if case not in LAZY]
OWN, JOINT = ({"lookahead": lookahead, "lookahead_rate": 0.8} for lookahead in ("sample", "batch"))
REPEATED = {  # samples seen again: every form by every update, then a combination
    "sample": [
        (TWO, Protocol(**OWN)),
        (RELU, Protocol("correlation", "spherical", **OWN)),
        (TWO, Protocol(update="plain", second_layer_rate=1, **OWN)),
        (THREE, Protocol("huber", "spherical", huber_delta=0.3, direction="clipped", clip=0.2, **HEAVY, **OWN)),
    ],
    "batch": [
        (TWO, Protocol(**JOINT)),
        (RELU, Protocol("correlation", "spherical", **JOINT)),
        (TWO, Protocol("absolute", "plain", second_layer_rate=1, **JOINT)),
        (THREE, Protocol(passes=2, momentum="nesterov", beta=0.5, **JOINT)),
    ],
    "two passes": [
        (TWO, Protocol(passes=2)),
        (RELU, Protocol("correlation", "spherical", passes=2)),
        (TWO, Protocol(update="plain", passes=2, second_layer_rate=1)),
        (THREE, Protocol(update="plain", direction="polar", weight_decay=0.1, passes=2, **HEAVY)),
    ],
    "three passes": [
        (TWO, Protocol("correlation", schedule="adaptive", passes=3)),
        (TWO, Protocol(update="spherical", passes=3)),
        (RELU, Protocol(update="plain", passes=3)),
        (SIGNS, Protocol("logistic", "spherical", passes=3, velocity="transported", **HEAVY)),
    ],
}

COMPILED_AGAIN = [  # those that share six kernels: each takes its ten seconds
    (model, protocol)
    for form in REPEATED.values()
    for model, protocol in form
    if protocol.loss not in (Loss.ABSOLUTE, Loss.LOGISTIC) and (model, protocol.loss) != (RELU, Loss.SQUARE)
]


def of(protocol: Protocol):
    """What makes the algorithm of a protocol, as a class of one's own does."""
    return lambda model, rate, dimension: ComposedSGD(model, protocol, rate, dimension)


def last_states(
    make, model, *, dense, dimension=16, batch_size=8, steps=4, rate=None, seed=None, replicas=REPLICAS, compiled=False,
    starts=None,
):  # fmt: skip
    """Overlaps, Gram entries and second layer after a few steps, by name; (replicas,) each."""
    algorithm = make(model.normalised(dimension), rate or RATES[replace(model, inputs=ISOTROPIC)], dimension)
    streams = replica_streams((2 if dense else 1) if seed is None else seed, replicas)
    settings = Settings(dimension, batch_size, steps, inf, "cosine", dense)
    if starts is None:
        starts = np.stack([start_of(model, dimension)] * replicas)
    kind = run if not compiled else composed_chain if model.inputs.is_isotropic else block_chain
    found = kind.run(algorithm, settings, starts, streams, np.array([0, steps]))
    compared = numbers(found.overlaps[:, -1], found.grams[:, -1], found.layers[:, -1])
    if model.inputs.is_isotropic:
        return compared
    for b in range(found.block_overlaps.shape[2]):
        own = numbers(found.block_overlaps[:, -1, b], found.block_grams[:, -1, b], found.layers[:, -1])
        compared |= {f"{name} of block {b}": values for name, values in own.items() if name[0] != "a"}
    return compared


def start_of(model, dimension):
    """The factor that all replicas start from."""
    return initial_factors(model, ("overlap", 0.3), dimension, [np.random.default_rng(9)])[0]


def numbers(overlaps, grams, layers):
    """What is compared of states, by name.

    They are rounded: ReLU gives atoms, and what is 0 in one form is rounding in the other.
    """
    p, k = overlaps.shape[1:]
    found = {f"M{j}{r}": overlaps[:, j, r] for j in range(p) for r in range(k)}
    found |= {f"Q{i}{j}": grams[:, i, j] for j in range(p) for i in range(j + 1)}
    found |= {f"a{j}": layers[:, j] for j in range(p)}
    return {name: np.round(values, 9) for name, values in found.items()}
