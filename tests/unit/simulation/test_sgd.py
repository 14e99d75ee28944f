"""SGD in d dimensions: its gradient, its memory, its schedule."""

import numpy as np
import onepass
import pytest
from helpers.runs import parameters, starts
from onepass.choices import BASIC_LOSSES
from onepass.protocol import Loss
from onepass.simulation.chunks import Chunks
from onepass.simulation.streams import replica_streams

NOISY = onepass.Model("He3(x1)", "He3", noise=0.3)


def test_sgd_in_small_memory_gives_the_same_runs():
    """Groups of replicas and chunks of samples are a matter of memory, not of the result."""
    from onepass.simulation import sgd

    settings = parameters(NOISY, dimension=64, batch_size=100, learning_rate=3e-3, steps=20)
    start = starts(NOISY, 5, "sphere", 64)
    steps = np.array([0, 20])
    whole = sgd.run(NOISY, settings, start, replica_streams(2, 5), steps)
    parts = sgd.run(NOISY, settings, start, replica_streams(2, 5), steps, memory=3 * 8 * 64 * 5)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    with pytest.raises(sgd.MemoryBoundError, match="allowed: 1000"):
        sgd.run(NOISY, settings, start, replica_streams(2, 5), steps, memory=1000)


@pytest.mark.parametrize("loss", BASIC_LOSSES, ids=str)
def test_descent_direction_is_minus_the_gradient_of_the_loss(loss):
    """Finite differences of the batch loss in the students' weights, on the draws of one step."""
    rng = np.random.default_rng(6)
    p, d, n = 3, 7, 20
    model = onepass.Model("x1*x2 + x1", "tanh", students=p, second_layer=(1, -0.5, 2))
    weights, z = rng.standard_normal((p, d)), rng.standard_normal((n, d))
    target, activation = model.target_formula.array(np), model.activation_formula.array(np)
    y, layer = target(z[:, :2]), model.output_weights

    def mean_loss(w):
        f = activation(z @ w.T) @ layer
        return np.mean(0.5 * (y - f) ** 2 if loss == Loss.SQUARE else 1 - y * f)

    from onepass.simulation import sgd

    class Batches:
        def inputs(self, step, start, count):
            return z[None, start : start + count]

    direction = sgd._descent_direction(
        model, parameters(model, dimension=d, batch_size=n), weights[None], Batches(), 0, layer,
        np.array([loss]), Chunks(8),
    )[0]  # fmt: skip
    numeric = np.empty_like(weights)
    for index in np.ndindex(p, d):
        step = np.zeros_like(weights)
        step[index] = 1e-6
        numeric[index] = -(mean_loss(weights + step) - mean_loss(weights - step)) / 2e-6
    np.testing.assert_allclose(direction, numeric, rtol=1e-6, atol=1e-8)


def test_the_adaptive_schedule_drops_once_and_decays():
    """Above 60 % of the first risk nothing changes; below it the rate falls by 0.1 once and by 0.995 every step."""
    from onepass.simulation import sgd

    model = onepass.Model("He3(x1)", "He3")
    settings = parameters(model, "projected_adaptive", dimension=8, batch_size=1, learning_rate=1.0)
    at = [np.array([[[m, np.sqrt(1 - m**2), 0, 0, 0, 0, 0, 0]]]) for m in (0.5, 0.6, 0.9, 0.9, 0.5)]
    schedule = sgd._AdaptiveSchedule(model, settings, at[0])
    rate, loss, rates = np.ones(1), np.full(1, Loss.CORRELATION), []
    for students in at:
        schedule.update(students, np.array([0]), rate, loss)
        rates.append((float(rate[0]), Loss(loss[0])))
    first, then = Loss.CORRELATION, Loss.SQUARE
    expected = [(1, first), (1, first), (0.0995, then), (0.0995 * 0.995, then), (0.0995 * 0.995, then)]
    np.testing.assert_allclose(rates, expected)
