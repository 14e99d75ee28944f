"""Inputs with blocks: lazy batches and compiled steps have the law of d dimensions, and planted faults have another.

All cases of a test together fail correct code with a chance of 1 in 1000 (Bonferroni over every number compared).
"""

from dataclasses import replace

import numpy as np
import onepass
import pytest
from helpers.algorithms import HEAVY, JOINT, ONE, POLYNOMIAL, RATES, REPLICAS, THREE, TWO, last_states, of, start_of
from helpers.laws import ALARM, assert_other_law, assert_same_law
from onepass.inputs.described import inputs_of
from onepass.protocol import Protocol as P
from onepass.simulation.algorithms import block_chain
from onepass.simulation.algorithms.blocks import BlockBatch
from onepass.simulation.initial import block_factor, initial_factor, initial_factors
from onepass.simulation.streams import replica_streams
from scipy.stats import norm

HALVES = "blocks_0.5v2t0.1_0.5v0.5t0.9"
QUARTERS = "blocks_0.25v3t0.4_0.25v1t0_0.25v0.2t0.5_0.25v0t0.1"
NARROW = "blocks_1v4t0.3_1.0v1t0.7"  # a block of one direction
BASIC = [P(loss, update) for loss in ("square", "correlation") for update in ("projected", "spherical")]
CASES = [
    *[(ONE, HALVES, protocol, d, n) for protocol, d, n in zip(BASIC, (10, 40, 10, 40), (1, 8, 8, 1), strict=True)],
    *[(TWO, QUARTERS, protocol, d, n) for protocol, d, n in zip(BASIC, (20, 80, 80, 20), (8, 1, 8, 1), strict=True)],
    (TWO, HALVES, P(update="plain"), 10, 8),
    (TWO, HALVES, P("correlation", "plain"), 40, 2),
    (ONE, NARROW, P("correlation", "plain"), 10, 1),
    (ONE, NARROW, P(), 2, 2),
    (TWO, f"{HALVES}_unit", P(), 10, 8),
    (TWO, HALVES, P(update="plain", second_layer_rate=1, weight_decay=0.1), 40, 8),
]
ARRAYS = [  # that are compiled as the cases above are, or not at all
    (THREE, HALVES, P(update="plain", direction="polar", **HEAVY), 40, 8),
    (TWO, QUARTERS, P("absolute", "spherical", direction="rows", velocity="transported", **HEAVY), 80, 2),
    (ONE, NARROW, P("correlation", "spherical", smoothing=0.7), 10, 8),
    (POLYNOMIAL, HALVES, P("correlation", "plain", smoothing=0.3), 20, 2),
    (TWO, HALVES, P("absolute", "plain", second_layer_rate=1, **JOINT), 20, 8),
    (TWO, HALVES, P("correlation", "plain", lookahead="sample", lookahead_rate=0.8), 20, 2),
    (TWO, HALVES, P("correlation", schedule="adaptive"), 20, 8),
    (THREE, QUARTERS, P(passes=2, momentum="nesterov", beta=0.5), 80, 8),
]


def named(case):
    model, inputs, protocol, dimension, batch_size = case
    return f"{inputs}-{protocol.name}-p{model.students}-d{dimension}-n{batch_size}"


def states(case, **own):
    model, inputs, protocol, dimension, batch_size = case
    place = {"dimension": dimension, "batch_size": batch_size}
    return last_states(of(protocol), replace(model, inputs=inputs), **place, **own)


@pytest.mark.parametrize("case", [*CASES, *ARRAYS], ids=named)
def test_lazy_batches_have_the_law_of_dense_ones(case):
    found, expected = (states(case, dense=dense) for dense in (False, True))
    assert_same_law(found, expected, cases=len(CASES) + len(ARRAYS), means=False)


@pytest.mark.parametrize("case", [*CASES, ARRAYS[0]], ids=named)
def test_compiled_steps_have_the_law_of_dense_batches(case):
    found = states(case, dense=False, compiled=True, seed=6)
    assert_same_law(found, states(case, dense=True), cases=len(CASES) + 1, means=False)


def test_dense_batches_have_the_law_of_sgd_written_out():
    model, inputs, d, n, rate, steps = TWO, inputs_of(HALVES), 10, 4, RATES[TWO], 3
    variances = np.repeat([2.0, 0.5], d // 2)
    teacher = np.zeros((2, d))
    for r in range(2):
        teacher[r, [r, d // 2 + r]] = np.sqrt([0.1, 0.9])
    teacher /= np.sqrt(0.1 * 2.0 + 0.9 * 0.5)
    start = start_of(replace(model, inputs=inputs), d)
    weights = np.zeros((1000, 2, d))
    for b in range(2):
        weights[:, :, b * d // 2 : b * d // 2 + 4] = start[:, b]
    rng, layer = np.random.default_rng(4), model.output_weights
    for _ in range(steps):
        z = rng.standard_normal((1000, n, d)) * np.sqrt(variances)
        fields, (x1, x2) = z @ weights.swapaxes(1, 2), np.moveaxis(z @ teacher.T, 2, 0)
        y = x1**2 - 1 + x1 * x2 + np.sqrt(model.noise) * rng.standard_normal((1000, n))
        error = y - np.tanh(fields) @ layer
        c = layer * (1 - np.tanh(fields) ** 2) * error[..., None]
        weights = weights + rate * c.swapaxes(1, 2) @ z / n
        weights /= np.linalg.norm(weights, axis=2, keepdims=True)
    found = states((model, HALVES, P(), d, n), dense=True, steps=steps)
    covariance, gram = (weights * variances) @ teacher.T, (weights * variances) @ weights.swapaxes(1, 2)
    first = weights[..., : d // 2]
    expected = {f"M{j}{r}": covariance[:, j, r] for j in range(2) for r in range(2)}
    expected |= {name: gram[:, int(name[1]), int(name[2])] for name in ("Q00", "Q01", "Q11")}
    expected |= {f"Q{j}{j} of block 0": (first[:, j] ** 2).sum(axis=1) for j in range(2)}
    assert_same_law({name: found[name] for name in expected}, expected, means=False)


EQUAL = ["blocks_1.0v1t1", "blocks_0.25v1t0.7_0.25v1t0.1_0.5v1t0.2"]


@pytest.mark.parametrize("compiled", [False, True], ids=["lazy", "compiled"])
@pytest.mark.parametrize("inputs", EQUAL)
@pytest.mark.parametrize("protocol", [P(), P("correlation", "spherical")], ids=lambda protocol: protocol.name)
def test_equal_blocks_are_isotropic(protocol, inputs, compiled):
    models = TWO, replace(TWO, inputs=inputs)
    drawn = (replica_streams(seed, REPLICAS) for seed in (7, 8))
    starts = [
        initial_factors(model, ("overlap", 0.3), 20, streams) for model, streams in zip(models, drawn, strict=True)
    ]
    expected = last_states(of(protocol), TWO, dense=True, dimension=20, starts=starts[0])
    found = states((TWO, inputs, protocol, 20, 8), dense=False, compiled=compiled, seed=5, starts=starts[1])
    assert_same_law({name: found[name] for name in expected}, expected, cases=8, means=False)


@pytest.mark.parametrize("initial", ["sphere", ("norm", 0.3), ("overlap", 0.3)], ids=str)
@pytest.mark.parametrize("inputs", EQUAL)
def test_starts_in_equal_blocks_are_isotropic_ones(inputs, initial):
    rng, covariance = np.random.default_rng(8), inputs_of(inputs).at(12, 2)
    share = np.sqrt(covariance.shares)
    blocks = np.array([block_factor(initial, 2, covariance, 2, rng) for _ in range(1000)])
    factors = np.array([initial_factor(initial, 2, 2, 12, rng) for _ in range(1000)])
    overlaps = np.einsum("b,njbr->njr", share, blocks[..., :2])
    np.testing.assert_allclose(np.linalg.norm(blocks, axis=(2, 3)), 1)
    found = {"Q": (blocks[:, 0] * blocks[:, 1]).sum(axis=(1, 2)), "M00": overlaps[:, 0, 0], "M11": overlaps[:, 1, 1]}
    expected = {"Q": (factors[:, 0] * factors[:, 1]).sum(axis=1), "M00": factors[:, 0, 0], "M11": factors[:, 1, 1]}
    rounded = ({name: np.round(values, 9) for name, values in either.items()} for either in (found, expected))
    assert_same_law(*rounded, cases=6)


FAULTY = (TWO, HALVES, P("correlation", "plain"), 16, 8)


def noticed(fault, compiled, case=FAULTY):
    """A fault is another law, and what it stands in for is not."""
    own = {"replicas": 2500, "rate": 2.0}
    expected = states(case, dense=True, **own)
    assert_same_law(states(case, dense=False, compiled=compiled, **own), expected, means=False)
    fault()
    assert_other_law(states(case, dense=False, compiled=compiled, **own), expected, cases=len(CASES), means=False)


def test_a_wrong_number_of_degrees_of_freedom_is_noticed(monkeypatch):
    """Two too few of 4 and 3 in each block, by the norms that the plain update leaves."""
    right = block_chain.BlockLaw
    wrong = lambda dimensions, *others: right(dimensions - 2, *others)  # noqa: E731
    noticed(lambda: monkeypatch.setattr(block_chain, "BlockLaw", wrong), True)


def test_noise_along_the_fields_that_the_sums_have_too_is_noticed(monkeypatch):
    right, wrong = "noise, inputs, frame, p", "noise, inputs, 0.0 * frame, p"
    assert right in block_chain._RUN
    fault = lambda: monkeypatch.setattr(block_chain, "_RUN", block_chain._RUN.replace(right, wrong))  # noqa: E731
    noticed(fault, True, (TWO, HALVES, P(update="plain"), 16, 40))


def test_combinations_without_the_deviations_of_blocks_are_noticed(monkeypatch):
    wrong = lambda self, weights: np.concatenate([part.combine(weights) for part in self.parts], axis=2)  # noqa: E731
    noticed(lambda: monkeypatch.setattr(BlockBatch, "combine", wrong), False)


def test_linear_students_of_a_power_law_learn_each_block_at_its_own_pace():
    """``E[w] ← (1 − γΣ) E[w] + γΣ w*``, exactly, by plain steps of the square loss."""
    rate, steps, initial, d = 0.05, 30, 0.3, 200
    model = onepass.Model("x1", "x", inputs="spectrum1x24t0.5")
    own = {"dimension": d, "batch_size": 4, "learning_rate": rate, "steps": steps, "replicas": 2000, "seed": 3}
    runs = onepass.simulate(model, P(update="plain"), initial=("overlap", initial), threshold=None, records=0, **own)
    covariance = model.inputs.at(d, 1)
    variances, lengths = np.array(covariance.variances), np.array(covariance.teacher_frame)
    start = initial * variances * lengths / np.linalg.norm(variances * lengths)  # along Σ w*, the rest has mean 0
    left = (1 - rate * variances) ** steps
    expected = lengths * (left * start + (1 - left) * lengths)
    found = runs.block_overlap[:, -1, :, 0, 0].values
    errors = found.std(axis=0) / np.sqrt(len(found))
    assert len(variances) == 22
    assert (abs(found.mean(axis=0) - expected) / errors).max() < norm.isf(ALARM / 2 / len(variances))
