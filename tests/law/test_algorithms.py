"""Algorithms with lazy batches and compiled have the law of d dimensions, and planted faults have another.

All cases of a test together fail correct code with a chance of 1 in 1000 (Bonferroni over every number compared).
"""

from math import inf

import numpy as np
import onepass
import pytest
from helpers import cases
from helpers.algorithms import (
    COMPILED,
    COMPILED_AGAIN,
    HEAVY,
    JOINT,
    ONE,
    OWN,
    POLYNOMIAL,
    PROTOCOLS,
    RELU,
    REPEATED,
    THREE,
    TWO,
    last_states,
    numbers,
    of,
    start_of,
)
from helpers.laws import assert_other_law, assert_same_law
from helpers.runs import parameters
from onepass.protocol import ALL_PROTOCOLS
from onepass.simulation.algorithms import composed_chain, lazy, run
from onepass.simulation.algorithms.algorithm import Algorithm, State, norms
from onepass.simulation.algorithms.run import Settings
from onepass.simulation.chain import overlap_chain
from onepass.simulation.streams import replica_streams

P = onepass.Protocol
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
def test_lazy_batches_and_compiled_steps_have_the_law_of_dense_batches(case):
    """Lazy ones of all; compiled steps of every choice, but for each loss once."""
    model, protocol, dimension, batch_size = case
    place = {"dimension": dimension, "batch_size": batch_size}
    expected = last_states(of(protocol), model, dense=True, **place)
    found = last_states(of(protocol), model, dense=False, **place)
    assert_same_law(found, expected, cases=2 * len(CASES), means=False)
    if (model, protocol) not in COMPILED:
        return
    assert composed_chain.takes(of(protocol)(model, 0.1, dimension), Settings(dimension, batch_size, 4, inf))
    found = last_states(of(protocol), model, dense=False, compiled=True, seed=6, **place)
    assert_same_law(found, expected, cases=2 * len(CASES), means=False)


@pytest.mark.parametrize("compiled", [False, True], ids=["lazy", "compiled"])
@pytest.mark.parametrize("momentum", ["heavy_ball", "nesterov"])
def test_without_memory_momentum_is_none(momentum, compiled):
    """The limit β = 0 of lazy batches and of compiled steps, which hold a velocity and draw along it."""
    found = last_states(of(P(update="plain", momentum=momentum)), TWO, dense=False, compiled=compiled)
    assert_same_law(found, last_states(of(P(update="plain")), TWO, dense=False, seed=5), cases=4, means=False)


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


SEEN_AGAIN = [
    (model, protocol, *PLACES[2 * i + j])
    for form in REPEATED.values()
    for i, (model, protocol) in enumerate(form)
    for j in (0, 1)
]


@pytest.mark.parametrize("case", SEEN_AGAIN, ids=named)
def test_samples_seen_again_have_the_law_of_dense_ones(case):
    """Of each form every update and every number of samples, of lazy batches and of compiled steps."""
    model, protocol, dimension, batch_size = case
    place = {"dimension": dimension, "batch_size": batch_size}
    found, expected = (last_states(of(protocol), model, dense=dense, **place) for dense in (False, True))
    assert_same_law(found, expected, cases=2 * len(SEEN_AGAIN), means=False)
    if (model, protocol) in COMPILED_AGAIN:
        found = last_states(of(protocol), model, dense=False, compiled=True, seed=6, **place)
        assert_same_law(found, expected, cases=2 * len(SEEN_AGAIN), means=False)


@pytest.mark.parametrize(
    ("own", "dimension", "batch_size"),
    [({"passes": 3}, 5, 4), ({"passes": 3}, 4, 12), ({"passes": 2, **JOINT}, 4, 2), ({"passes": 9}, 6, 8)],
)
def test_compiled_batches_use_the_dimension_up(own, dimension, batch_size):
    """Before their last pass everything is known of them, and all that there was."""
    protocol, place = P(update="plain", second_layer_rate=1, **own), {"dimension": dimension, "batch_size": batch_size}
    steps = 3 * protocol.passes
    assert composed_chain.takes(of(protocol)(TWO, 0.1, dimension), Settings(dimension, batch_size, steps, inf))
    expected = last_states(of(protocol), TWO, dense=True, steps=steps, **place)
    found = last_states(of(protocol), TWO, dense=False, compiled=True, steps=steps, **place)
    assert_same_law(found, expected, cases=4, means=False)


def test_a_velocity_is_seen_where_no_sample_had_a_weight():
    """Where all weights of a first look are 0, as those of ReLU may be, the second is of other points all the same."""
    algorithm = of(P("correlation", "plain", momentum="heavy_ball", beta=0.9, passes=2))(RELU, 3.0, 30)
    settings, starts = Settings(30, 3, 4, inf), np.tile(start_of(RELU, 30), (20_000, 1, 1))
    seen = []
    for form, seed in ((composed_chain, 1), (run, 2)):
        found = form.run(algorithm, settings, starts, replica_streams(seed, 20_000), np.arange(5))
        moves = np.diff(found.overlaps[:, :, 0, 0], axis=1)
        coasts = np.isclose(moves[:, 2:], 0.9 * moves[:, 1:-1], rtol=1e-9, atol=0) & (abs(moves[:, 2:]) > 1e-12)
        first, both = coasts[:, 0].sum(), coasts.all(axis=1).sum()
        seen.append((both / first, first))
    (one, n), (other, m) = seen
    share = (one * n + other * m) / (n + m)
    assert min(n, m) > 500
    assert share < 0.99
    assert abs(one - other) < 4 * np.sqrt(share * (1 - share) * (1 / n + 1 / m))


AT_ZERO = [P("correlation", "plain", lookahead=lookahead) for lookahead in ("sample", "batch")]


@pytest.mark.parametrize("protocol", AT_ZERO, ids=lambda protocol: protocol.name)
def test_a_lookahead_of_no_size_is_one_pass_sgd(protocol):
    """The limit ρ₀ = 0 of lazy batches, which draw for the second look; dense ones are equal to the bit."""
    found = last_states(of(protocol), TWO, dense=False)
    expected = last_states(of(P("correlation", "plain")), TWO, dense=True)
    assert_same_law(found, expected, cases=len(AT_ZERO), means=False)


def test_the_lookaheads_of_one_sample_and_of_its_batch_are_one_law():
    """By a walk and by a second combination."""
    found, expected = (last_states(of(P(update="plain", **own)), TWO, dense=False, batch_size=1, seed=seed)
                       for seed, own in enumerate((OWN, JOINT)))  # fmt: skip
    assert_same_law(found, expected, means=False)


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


@pytest.mark.parametrize("make", [TwoPasses, of(P(**JOINT)), of(P(passes=2))], ids=["own", "lookahead", "passes"])
def test_fresh_coordinates_at_the_second_look_are_noticed(make, monkeypatch):
    def fault(self, count):
        opened = self.inputs.shape[2]
        if count > opened:
            fresh = self.draws.normals(self.size, count - opened)
            self.inputs = np.concatenate([self.inputs, fresh], axis=2)

    noticed(make, TWO, monkeypatch, lazy.LazyBatch, "_open", fault, rate=1.0)


def test_norms_that_the_walk_does_not_know_are_noticed(monkeypatch):
    right = lazy.LazyBatch._walk

    def fault(self, weights):
        self.lengths = np.sqrt(self.draws.chi_squares(self.dimension - self.known, self.size))
        return right(self, weights)

    protocol = P("correlation", "plain", smoothing=0.7)
    noticed(of(protocol), ONE, monkeypatch, lazy.LazyBatch, "_walk", fault, batch_size=2, dimension=9, replicas=10_000)


FAULTS = {  # a protocol and its place; where the source has what instead of what
    "degrees": (
        ONE, P("correlation", "plain", smoothing=0.7), {"dimension": 9, "batch_size": 2},
        "_WALK", "own.dimension - KNOWN", "own.dimension - KNOWN - 2",
    ),
    "degrees outside": (
        TWO, P("correlation", "plain"), {"dimension": 10, "rate": 2.0},
        "_KERNEL", "own.dimension - k - held", "own.dimension - k - held - 2",
    ),
    "norms": (
        TWO, P(update="plain", second_layer_rate=1, lookahead="sample", lookahead_rate=3),
        {"dimension": 7, "batch_size": 2, "steps": 1, "rate": 1.0},
        "_WALK", "squared_length(parts, i, rank)", "chi_square(rng, degrees)",
    ),
    "coordinates": (
        RELU, P("correlation", "plain", **JOINT), {"dimension": 16, "batch_size": 8, "rate": 1.0},
        "_AGAIN", "        share = own",
        "        for i in range(size):\n            batch[opened, i] = rng.standard_normal()\n"
        "        opened = known\n        share = own",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("model", "protocol", "place", "where", "right", "fault"), FAULTS.values(), ids=FAULTS)
def test_faults_in_compiled_steps_are_noticed(model, protocol, place, where, right, fault, monkeypatch):
    """Two too few of 7 and 6 dimensions along a walk, of 6 outside of all; norms drawn apart; fresh coordinates."""
    make, place = of(protocol), {"replicas": 10_000, **place}
    expected = last_states(make, model, dense=True, **place)
    assert_same_law(last_states(make, model, dense=False, compiled=True, **place), expected, means=False)
    source = getattr(composed_chain, where)
    assert source.count(right) == 1
    monkeypatch.setattr(composed_chain, where, source.replace(right, fault))
    wrong = last_states(make, model, dense=False, compiled=True, **place)
    assert_other_law(wrong, expected, cases=len(CASES), means=False)


def test_a_wishart_matrix_that_does_not_know_the_norms_is_noticed(monkeypatch):
    """Of each sample's own lookahead: it leaves those samples with a gradient whose norms are small."""

    def fault(self, weights):
        self.lengths = None
        return self.combine(weights)

    model = onepass.Model("sign(x1)", "relu", second_layer=(-1.0,))
    place = {"dimension": 5, "batch_size": 2, "steps": 1, "rate": 2.0, "replicas": 10_000}
    noticed(of(P("correlation", "plain", **OWN)), model, monkeypatch, lazy.LazyBatch, "_walk", fault, **place)


def test_velocities_without_what_a_batch_adds_along_them_are_noticed(monkeypatch):
    right = lazy.LazyBatch.combine

    def fault(self, weights):
        opened, held = self.inputs.shape[2], self.known
        rows = right(self, weights)
        rows[..., opened:held] = 0.0
        return rows

    noticed(of(P(update="plain", **HEAVY)), THREE, monkeypatch, lazy.LazyBatch, "combine", fault, rate=1.0)
