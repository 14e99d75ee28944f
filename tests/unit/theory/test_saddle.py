"""The drift and the noise at the start, against the mean process."""

import numpy as np
import pytest
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.theory import saddle
from onepass.theory.moments import expectations

SQUARE, CORRELATION = Protocol("square"), Protocol("correlation")


@pytest.mark.parametrize(
    ("target", "activation", "students", "layer"),
    [
        ("He3(x1)", "He3", 1, None),
        ("x1**2", "square", 2, (1.0, -0.5)),
        ("1 + x1*x2", "x + He2(x) + 0.3", 3, (1.0, 2.0, -1.0)),
        ("tanh(x1)", "tanh", 2, None),
    ],
)
@pytest.mark.parametrize("loss", ["square", "correlation"])
def test_means_at_the_start_are_those_of_the_mean_process(target, activation, students, layer, loss):
    model = Model(target, activation, students, layer, noise=0.1)
    exact = expectations(model, loss, np.zeros((students, model.teachers)), np.eye(students)).moments
    weights = model.output_weights
    radial, noise = saddle.means_at_start(model, loss)
    np.testing.assert_allclose(radial, weights * np.diag(exact.gf), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(noise, weights**2 * np.diag(exact.hd), rtol=1e-6)


def test_drift_of_several_coordinates():
    assert saddle.drift(Model("He3(x1)", "He3"), [1.0]) == pytest.approx(18)
    product = Model("x1*x2", "He2")
    # U = 2 m1 m2, twice its value on the unit diagonal
    assert saddle.drift(product, saddle.diagonal(product)) == pytest.approx(2)
    assert saddle.steepest_drift(product) == pytest.approx(2, rel=1e-3)
    assert saddle.steepest_drift(Model("-x1**2", "He2")) == pytest.approx(-4)
