"""The population flow of single students against closed forms, differences and the overlap chain."""

import numpy as np
import onepass
import pytest
from onepass.gaussian.risk import population_risk
from onepass.theory.population_flow import correlation_gradient, population_flow

STAIRCASE = onepass.Model("x1 + x1*x2 + x1*x2*x3", "x + He2(x) + He3(x)/2")
PRODUCT = onepass.Model("tanh(x1*x2*x3)", "tanh")


@pytest.mark.parametrize("model", [STAIRCASE, PRODUCT], ids=["polynomial", "series"])
def test_gradient_is_that_of_the_risk(model):
    """The risk of one student of unit norm is a constant less U."""
    overlap, step = np.array([[0.3, -0.2, 0.4]]), 1e-5
    moved = overlap + step * np.array([np.eye(3), -np.eye(3)]).reshape(6, 1, 3)
    risk = population_risk(model, moved, np.ones((6, 1, 1)))
    np.testing.assert_allclose(correlation_gradient(model, overlap)[0], (risk[3:] - risk[:3]) / (2 * step), atol=1e-8)


def test_one_direction_by_hand():
    """He3: dm/dτ = 18 m² (1 − m²), hence 18 τ = [atanh m − 1/m]; a = −1 runs it backwards."""
    model, times = onepass.Model("He3(x1)", "He3"), np.linspace(0, 0.4, 9)
    m = population_flow(model, [[0.1]], [1.0], times)[:, 0, 0]
    climbed = np.arctanh(m) - 1 / m
    np.testing.assert_allclose(climbed - climbed[0], 18 * times, atol=1e-3)
    assert (np.diff(population_flow(model, [[0.1]], [-1.0], times)[:, 0, 0]) < 0).all()


def test_limit_of_sgd():
    """Many samples a step and a small rate: SGD follows the flow to 0.02, a tenth of what it travels."""
    rate, steps, start = 0.02, 30, 0.1
    runs = onepass.simulate(
        STAIRCASE, onepass.Protocol(loss="correlation", update="projected"), dimension=16, batch_size=20_000,
        learning_rate=rate, steps=steps, threshold=None, initial=("overlap", start), records=10, engine="sgd",
    )  # fmt: skip
    flow = population_flow(STAIRCASE, np.full((1, 3), start), [1.0], rate * runs.step.values)
    assert flow[-1].max() - start > 0.2
    np.testing.assert_allclose(runs.overlap[0, :, 0], flow[:, 0], atol=0.02)


def test_students_on_the_wrong_side_lose_an_overlap_and_turn():
    """c3 of tanh is negative: a student of weight 1 wants m1 m2 m3 < 0, and gets it by the smallest of them."""
    start, times = np.array([[0.1, 0.12, 0.05], [-0.1, 0.12, 0.05]]), np.linspace(0, 500, 50)
    flow = population_flow(PRODUCT, start, [1.0, 1.0], times)
    norm = np.linalg.norm(flow, axis=-1)
    assert (np.sign(flow[-1]) == [[1, 1, -1], [-1, 1, 1]]).all()
    assert norm[:, 0].argmin() > 0
    assert norm[:, 1].argmin() == 0
    np.testing.assert_allclose(norm[-1], 1, atol=1e-3)
    np.testing.assert_allclose(abs(flow[-1]), 3**-0.5, atol=0.02)
