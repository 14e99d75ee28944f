"""Algorithms with lazy batches have the law of d dimensions, and planted faults have another.

All cases of a test together fail correct code with a chance of 1 in 1000 (Bonferroni over every number compared).
"""

import numpy as np
import onepass
import pytest
from helpers import cases
from helpers.algorithms import ONE, RATES, SIGNS, THREE, TWO, last_states, numbers, of, start_of
from helpers.laws import assert_other_law, assert_same_law
from helpers.runs import parameters
from onepass.protocol import ALL_PROTOCOLS
from onepass.simulation.algorithms import lazy
from onepass.simulation.algorithms.algorithm import Algorithm, State, norms
from onepass.simulation.chain import overlap_chain
from onepass.simulation.streams import replica_streams

P = onepass.Protocol
POLYNOMIAL = onepass.Model("He3(x1) + x1*x2", "He2", students=2, noise=0.1)
RATES |= {POLYNOMIAL: 0.03}
HEAVY = {"momentum": "heavy_ball", "beta": 0.7}
PROTOCOLS = [  # every value of every option, then combinations
    *[(TWO, protocol) for protocol in ALL_PROTOCOLS],
    (TWO, P(update="plain")),
    (TWO, P("absolute")),
    (THREE, P("huber", huber_delta=0.3)),
    (SIGNS, P("logistic")),
    (SIGNS, P("exponential", update="spherical")),
    (TWO, P("y*exp(min(-y*f, 2))")),
    (ONE, P("correlation", label="tanh(y)")),
    (TWO, P(direction="normalised")),
    (THREE, P(direction="rows")),
    (TWO, P(direction="clipped", clip=0.1)),
    (THREE, P(direction="polar")),
    (ONE, P("correlation", "spherical", **HEAVY)),
    (TWO, P(**HEAVY)),
    (THREE, P(velocity="transported", **HEAVY)),
    (TWO, P(update="spherical", momentum="nesterov", beta=0.7)),
    (THREE, P(update="plain", weight_decay=0.3)),
    (TWO, P(update="plain", second_layer_rate=1)),
    (ONE, P("correlation", "spherical", smoothing=0.7)),
    (POLYNOMIAL, P("correlation", "plain", smoothing=0.3)),
    (ONE, P("correlation", "plain", second_layer_rate=0.5)),
    (THREE, P(update="plain", direction="polar", **HEAVY)),
    (TWO, P("absolute", "spherical", direction="rows", velocity="transported", **HEAVY)),
    (THREE, P(update="plain", momentum="nesterov", beta=0.5, second_layer_rate=0.5, weight_decay=0.1)),
    (TWO, P("huber", "spherical", direction="polar", second_layer_rate=1)),
    (SIGNS, P("logistic", "plain", weight_decay=0.1, second_layer_rate=1, **HEAVY)),
    (THREE, P("correlation", "plain", direction="clipped", clip=0.2, momentum="nesterov", beta=0.5)),
    (POLYNOMIAL, P("correlation", "spherical", smoothing=0.5, velocity="transported", **HEAVY)),
    (POLYNOMIAL, P("correlation", smoothing=0.3, direction="polar", second_layer_rate=1)),
    (TWO, P("correlation", "plain", label="sign(y)", direction="normalised", weight_decay=0.2)),
    (ONE, P("absolute", "plain", direction="clipped", clip=0.5, second_layer_rate=1, **HEAVY)),
    (THREE, P("correlation", schedule="adaptive", weight_decay=0.1, second_layer_rate=1)),
    (TWO, P("square", "plain", direction="rows", second_layer_rate=1, weight_decay=0.1)),
]
PLACES = [(16, 1), (16, 8), (40, 2), (40, 40), (16, 2), (40, 8), (16, 40), (40, 1)]  # d, n_b
CASES = [
    (model, protocol, *PLACES[(2 * i + j) % len(PLACES)])
    for i, (model, protocol) in enumerate(PROTOCOLS)
    for j in (0, 1)
]


def named(case):
    model, protocol, dimension, batch_size = case
    return f"{protocol.name}-p{model.students}-k{model.teachers}-d{dimension}-n{batch_size}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_lazy_batches_have_the_law_of_dense_ones(case):
    model, protocol, dimension, batch_size = case
    place = {"dimension": dimension, "batch_size": batch_size}
    found, expected = (last_states(of(protocol), model, dense=dense, **place) for dense in (False, True))
    assert_same_law(found, expected, cases=len(CASES), means=False)


@pytest.mark.parametrize("momentum", ["heavy_ball", "nesterov"])
def test_without_memory_momentum_is_none(momentum):
    """The limit β = 0 of lazy batches, which hold a velocity and draw along it."""
    found = last_states(of(P(update="plain", momentum=momentum)), TWO, dense=False)
    assert_same_law(found, last_states(of(P(update="plain")), TWO, dense=False, seed=5), cases=2, means=False)


USED_UP = [
    (TWO, P(update="plain"), 5, 3),
    (THREE, P(update="plain", direction="polar"), 6, 3),
    (TWO, P(**HEAVY), 6, 8),
    (ONE, P("correlation", "spherical", smoothing=0.7), 2, 2),
    (POLYNOMIAL, P("correlation", "plain", smoothing=0.3), 5, 8),
]


@pytest.mark.parametrize("case", USED_UP, ids=named)
def test_lazy_batches_use_the_dimension_up(case):
    model, protocol, dimension, batch_size = case
    place = {"dimension": dimension, "batch_size": batch_size}
    found, expected = (last_states(of(protocol), model, dense=dense, **place) for dense in (False, True))
    assert_same_law(found, expected, cases=len(USED_UP), means=False)


@pytest.mark.parametrize("batch_size", [1, 40])
@pytest.mark.parametrize("protocol", ALL_PROTOCOLS, ids=lambda protocol: protocol.name)
def test_the_lazy_form_has_the_law_of_the_compiled_chain(protocol, batch_size):
    model, rate, place = cases.TWO, cases.RATES[cases.TWO] / 2, {"dimension": 16, "batch_size": batch_size, "steps": 6}
    found = last_states(of(protocol), model, dense=False, rate=rate, **place)
    set_up = parameters(model, protocol.name, learning_rate=rate, **place)
    starts = np.tile(start_of(model, 16), (1000, 1, 1))
    overlaps, grams, *_ = overlap_chain.run(model, set_up, starts, replica_streams(3, 1000), np.array([0, 6]))
    compiled = numbers(overlaps[:, -1], grams[:, -1], np.tile(model.second_layer, (1000, 1)))
    assert_same_law(found, compiled, cases=2 * len(ALL_PROTOCOLS), means=False)


class TwoPasses(Algorithm):
    """Two steps on one batch, the sphere restored after each (arXiv:2406.01581)."""

    combinations = 2

    def step(self, state, batch, labels):
        weights = state.rows
        for _ in range(2):
            fields = batch.fields(weights)
            error = labels - (self.activation(fields) @ state.layer[..., None])[..., 0]
            c = state.layer[:, None] * self.derivative(fields) * error[..., None]
            weights = weights + self.learning_rate * batch.combine(c)
            weights = weights / norms(weights)
        return State(weights, state.layer, state.numbers)


REUSED = [(model, d, n) for model in (ONE, TWO, THREE) for d, n in ((16, 1), (16, 8), (40, 40), (9, 3))]


@pytest.mark.parametrize("case", REUSED, ids=lambda case: f"{case[0].activation}-d{case[1]}-n{case[2]}")
def test_a_batch_that_is_read_again_has_the_law_of_dense_ones(case):
    model, d, n_b = case
    found, expected = (
        last_states(TwoPasses, model, dense=dense, dimension=d, batch_size=n_b) for dense in (False, True)
    )
    assert_same_law(found, expected, cases=len(REUSED), means=False)


def noticed(make, model, monkeypatch, owner, name, fault, replicas=2500, **place):
    """A fault in place of a method is another law, and the method itself is not."""
    expected = last_states(make, model, dense=True, replicas=replicas, **place)
    assert_same_law(last_states(make, model, dense=False, replicas=replicas, **place), expected, means=False)
    monkeypatch.setattr(owner, name, fault)
    wrong = last_states(make, model, dense=False, replicas=replicas, **place)
    assert_other_law(wrong, expected, cases=len(CASES), means=False)


def test_a_wrong_number_of_degrees_of_freedom_is_noticed(monkeypatch):
    """Two too few of 6 and 5, by the norms that the plain update leaves."""
    right = lazy.LazyBatch._bartlett
    fault = lambda self, rank, columns, degrees: right(self, rank, columns, degrees - 2)  # noqa: E731
    noticed(of(P("correlation", "plain")), TWO, monkeypatch, lazy.LazyBatch, "_bartlett", fault, rate=2.0, dimension=10)


def test_fresh_coordinates_at_the_second_look_are_noticed(monkeypatch):
    def fault(self, count):
        opened = self.inputs.shape[2]
        if count > opened:
            fresh = self.draws.normals(self.size, count - opened)
            self.inputs = np.concatenate([self.inputs, fresh], axis=2)

    noticed(TwoPasses, TWO, monkeypatch, lazy.LazyBatch, "_open", fault, rate=1.0)


def test_norms_that_the_walk_does_not_know_are_noticed(monkeypatch):
    right = lazy.LazyBatch._walk

    def fault(self, weights):
        self.lengths = np.sqrt(self.draws.chi_squares(self.dimension - self.known, self.size))
        return right(self, weights)

    protocol = P("correlation", "plain", smoothing=0.7)
    noticed(of(protocol), ONE, monkeypatch, lazy.LazyBatch, "_walk", fault, batch_size=2, dimension=9, replicas=10_000)


def test_velocities_without_what_a_batch_adds_along_them_are_noticed(monkeypatch):
    right = lazy.LazyBatch.combine

    def fault(self, weights):
        opened, held = self.inputs.shape[2], self.known
        rows = right(self, weights)
        rows[..., opened:held] = 0.0
        return rows

    noticed(of(P(update="plain", **HEAVY)), THREE, monkeypatch, lazy.LazyBatch, "combine", fault, rate=1.0)
