"""Samples seen again: steps written out sample by sample, limits, runs on one batch, and what is refused."""

from math import inf

import numpy as np
import onepass
import pytest
import xarray as xr
from helpers.algorithms import RELU, TWO, last_states, of
from onepass.protocol import ALL_PROTOCOLS, Protocol
from onepass.simulation.algorithms import composed_chain, run
from onepass.simulation.algorithms.algorithm import Algorithm, State, norms
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.dense import DenseBatch
from onepass.simulation.algorithms.draws import Draws
from onepass.simulation.algorithms.run import Settings
from scipy.stats import beta, kstest

RATE, DIMENSION, SIZE = 0.3, 7, 5


def descent(weights, layer, sample, label):
    """Minus the gradient of ½ (y − f)² of one sample in W and in a/p, of tanh students."""
    values = np.tanh(weights @ sample)
    error = label - layer @ values
    return np.outer(layer * (1 - values**2) * error, sample), values * error


@pytest.mark.parametrize("update", ["projected", "spherical", "plain"])
@pytest.mark.parametrize("lookahead", ["sample", "batch"])
def test_a_step_with_a_lookahead_is_what_its_words_say(lookahead, update):
    """Against loops over samples: weights moved by ρ₀/d a sample, the gradient there applied at the weights."""
    rng = np.random.default_rng(8)
    weights = rng.standard_normal((2, DIMENSION))
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    layer, labels = rng.standard_normal(2), rng.standard_normal(SIZE)
    batch = DenseBatch(Draws([rng]), SIZE, DIMENSION)
    own = Protocol(update=update, lookahead=lookahead, lookahead_rate=0.9, second_layer_rate=0.5)
    algorithm = ComposedSGD(TWO, own, RATE, DIMENSION)
    found = algorithm.step(algorithm.start(weights[None], layer[None]), batch, labels[None])

    samples = list(zip(batch.inputs[0], labels, strict=True))
    firsts = [descent(weights, layer, z, y)[0] for z, y in samples]
    if lookahead == "sample":
        points = [weights + 0.9 / DIMENSION * first for first in firsts]
    else:
        points = [weights + 0.9 * SIZE / DIMENSION * np.mean(firsts, axis=0)] * SIZE
    seconds = [descent(point, layer, z, y) for point, (z, y) in zip(points, samples, strict=True)]
    gradient, ascent = (np.mean(part, axis=0) for part in zip(*seconds, strict=True))
    if update == "spherical":
        gradient = gradient - (gradient * weights).sum(axis=1, keepdims=True) * weights
    moved = weights + RATE * gradient
    if update != "plain":
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    np.testing.assert_allclose(found.rows[0], moved, atol=1e-12)
    np.testing.assert_allclose(found.layer[0], layer + RATE * 0.5 * ascent / 4, atol=1e-12)


@pytest.mark.parametrize("lookahead", ["sample", "batch"])
@pytest.mark.parametrize("protocol", ALL_PROTOCOLS, ids=lambda protocol: protocol.name)
def test_a_lookahead_of_no_size_is_one_pass_sgd_to_the_bit(protocol, lookahead):
    """With dense batches, which draw the same numbers; one that is tiny is near."""
    some = {"dense": True, "seed": 4, "replicas": 20, "steps": 3}
    basic = {key: getattr(protocol, key) for key in ("loss", "update", "schedule")}
    expected, still, tiny = (
        last_states(of(Protocol(**basic, **own)), TWO, **some)
        for own in ({}, {"lookahead": lookahead}, {"lookahead": lookahead, "lookahead_rate": 1e-5})
    )
    for name, values in expected.items():
        np.testing.assert_array_equal(still[name], values)
        np.testing.assert_allclose(tiny[name], values, atol=1e-4)
    assert any((tiny[name] != values).any() for name, values in expected.items())


class InOneStep(Algorithm):
    """Three passes as one step of an algorithm of one's own."""

    combinations = 3

    def step(self, state, batch, labels):
        weights = state.rows
        for _ in range(3):
            fields = batch.fields(weights)
            error = labels - (self.activation(fields) @ state.layer[..., None])[..., 0]
            weights = weights + self.learning_rate * batch.combine(
                state.layer[:, None] * self.derivative(fields) * error[..., None]
            )
            weights = weights / norms(weights)
        return State(weights, state.layer, state.numbers)


@pytest.mark.parametrize("dense", [False, True], ids=["lazy", "dense"])
@pytest.mark.parametrize("batch_size", [1, 6])
def test_passes_are_consecutive_steps_on_one_batch(dense, batch_size):
    """Six steps of three passes are two batches, to the bit; one pass is the protocol without."""
    some = {"dense": dense, "seed": 4, "replicas": 20, "batch_size": batch_size}
    found = last_states(of(Protocol(passes=3)), TWO, steps=6, **some)
    for name, values in last_states(InOneStep, TWO, steps=2, **some).items():
        np.testing.assert_array_equal(found[name], values)
    assert Protocol(passes=1) == Protocol()
    assert not Protocol(passes=1).repeats


@pytest.mark.parametrize("engine", ["chain", "sgd"])
def test_all_steps_on_one_batch_are_gradient_descent(engine):
    """Of a linear model on n_b < d samples, which it interpolates: w ends at its start and ``Z⁺(y − Z w)``.

    So it keeps what no sample shows: its error w − w* shrinks to the part orthogonal to them, at random a share
    1 − n_b/d of its square.
    """
    runs = onepass.simulate(
        onepass.Model("x1", "x"), Protocol(update="plain", passes=200), dimension=12, batch_size=2, learning_rate=0.08,
        steps=200, replicas=200, threshold=None, engine=engine, seed=2, initial=("overlap", 0.1),
    )  # fmt: skip
    assert abs(runs.student_gram.values[:, -1] - runs.student_gram.values[:, -2]).max() < 1e-3
    shares = (runs.risk.values[:, -1] / runs.risk.values[:, 0]).ravel()  # Beta((d − n_b)/2, n_b/2)
    assert kstest(shares, beta(5, 1).cdf).pvalue > 1e-4


@pytest.mark.parametrize("engine", ["chain", "sgd"])
@pytest.mark.parametrize(
    "own",
    [{"passes": 5}, {"lookahead": "batch", "lookahead_rate": 0.5}, {"lookahead": "sample", "lookahead_rate": 0.5}],
    ids=str,
)
def test_a_replica_depends_on_the_seed_and_its_number_alone(engine, own):
    """Replicas that stop in the middle of a batch leave it; a silent ReLU has zeros where others have none."""
    protocol = Protocol("correlation", "spherical", **own)
    place = {"dimension": 12, "batch_size": 2, "learning_rate": 0.1, "steps": 23, "threshold": 0.6, "seed": 7}
    many, few = (
        onepass.simulate(RELU, protocol, replicas=count, engine=engine, initial=("overlap", 0.4), **place)
        for count in (12, 3)
    )
    assert 0 < many.recovered.sum() < 12
    assert (few.recovery_step.values == many.recovery_step.values[:3]).all()
    steps = few.step.values[:-1]
    xr.testing.assert_allclose(few.sel(step=steps), many.isel(replica=slice(0, 3)).sel(step=steps), rtol=1e-10)


@pytest.mark.parametrize("lookahead", ["sample", "batch"])
@pytest.mark.parametrize(("dimension", "batch_size"), [(20, 1), (2000, 1), (200, 20)])
def test_one_rate_is_one_size_of_a_lookahead_at_any_dimension_and_batch(lookahead, dimension, batch_size):
    """Of y = x₁ and σ = x² a step on the correlation loss gains ``2 E[λ(1 + 2 ρ₀ y ‖z‖²/d) y λ*] = 12 ρ₀ m (d + 4)/d``.

    The mean of 4000 runs is within five standard errors: a chance of 6e-7 each.
    """
    protocol = Protocol("correlation", "plain", lookahead=lookahead, lookahead_rate=0.1)
    runs = onepass.simulate(
        onepass.Model("x1", "x**2"), protocol, dimension=dimension, batch_size=batch_size, learning_rate=1.0, steps=1,
        replicas=4000, threshold=None, seed=3, initial=("overlap", 0.5),
    )  # fmt: skip
    gains = runs.overlap.values[:, -1, 0, 0] - 0.5
    expected = 12 * 0.1 * 0.5 * (dimension + 4) / dimension
    assert abs(gains.mean() - expected) < 5 * gains.std() / 4000**0.5
    assert gains.mean() > 0.5 * expected


def test_what_does_not_fit_or_is_not_known_is_refused():
    usual = {"learning_rate": 0.3, "dimension": 10**6, "steps": 4}
    with pytest.raises(ValueError, match=r"batch_size 100000, seen in 1000 passes, takes \d+ bytes a replica; allowed"):
        onepass.simulate(TWO, Protocol(passes=1000), batch_size=10**5, **usual)
    for engine in ("gaussian", "leap"):
        for own in (Protocol(passes=2), Protocol(lookahead="batch", lookahead_rate=0.1)):
            with pytest.raises(ValueError, match=f"engine '{engine}' does not know protocol '{own.name}'; allowed: ch"):
                onepass.simulate(TWO, own, batch_size=10, engine=engine, **usual)
    fits, more = Settings(10**6, 10_000, 4, inf), Settings(10**6, 10**5, 4, inf)
    algorithm = ComposedSGD(TWO, Protocol(passes=1000), 0.1, 10**6)
    assert [composed_chain.takes(algorithm, settings) for settings in (fits, more)] == [True, False]
    with pytest.raises(run.BatchSizeError):
        run.inputs_of(algorithm, more)


def test_a_lookahead_that_overflows_is_a_run_that_diverged():
    protocol = Protocol("correlation", "plain", lookahead="batch", lookahead_rate=1e300)
    model = onepass.Model("He3(x1)", "He3")
    for engine in ("chain", "sgd"):
        runs = onepass.simulate(
            model,
            protocol,
            dimension=12,
            batch_size=3,
            learning_rate=0.1,
            steps=3,
            replicas=4,
            engine=engine,
            threshold=None,
        )
        assert runs.diverged.all()
        assert not runs.recovered.any()
