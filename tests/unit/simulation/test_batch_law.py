"""The law of the sums of a batch: its accuracy, its nodes, what it refuses."""

import numpy as np
import onepass
import pytest
from onepass.simulation.chain import batch_law

HE3 = onepass.Model("He3(x1)", "He3", noise=0.4)
PAIR = onepass.Model("He2(x1) + x2", "He2", students=2, second_layer=(1.0, -0.5), noise=0.4)
TWINS = onepass.Model("He2(x1)", "He2", students=2, noise=0.4)  # even: half of the nodes do


def test_the_drift_holds_at_a_tiny_overlap():
    """E[σ'(λ) λ* E] of He3 is 18 m² − 18 m (square loss) and 18 m²: no rounding of larger terms may drown it."""
    pieces = batch_law.batch_law(HE3)[1].pieces
    for m in (1e-4, -1e-3, 0.5, 0.999):
        place = (m + 1) / 2 * batch_law.PIECES
        square, correlation = (np.polyval(own[int(place), ::-1, 0], place % 1 - 0.5) for own in pieces)
        assert square == pytest.approx(18 * m**2 - 18 * m, rel=1e-6)
        assert correlation == pytest.approx(18 * m**2, rel=1e-6)


def test_nodes_that_add_the_same_are_merged():
    whole, half = (batch_law.batch_law(model)[1] for model in (PAIR, TWINS))
    assert whole.weights.size == 7**4
    assert half.weights.size == (7**3 + 1) // 2
    for law in (whole, half):
        assert law.weights.sum() == pytest.approx(1)
        np.testing.assert_allclose((law.points**2).T @ law.weights, 1)


def test_a_model_without_a_law_is_refused_with_the_way_on():
    with pytest.raises(batch_law.BatchError, match="allowed: engine 'chain'"):
        batch_law.batch_law(onepass.Model("relu(x1)", "relu"))
    with pytest.raises(batch_law.BatchError, match=r"6 students .* cannot be afforded"):
        batch_law.batch_law(onepass.Model("He3(x1)", "He3", students=6))


def test_the_error_of_a_quadrature_is_stated():
    model = onepass.Model("erf(x1/sqrt(2))", "erf(x/sqrt(2))")
    found = onepass.simulate(
        model, onepass.Protocol(), dimension=10**6, batch_size=10**6, learning_rate=0.1, steps=3, engine="gaussian"
    )
    assert 0 < found.attrs["quadrature_error"] < batch_law.ACCURACY
