"""The population risk at any norm, against samples, the risk on the sphere and closed forms."""

from math import pi, sqrt

import numpy as np
import onepass
import pytest
from onepass.formulas.formula import Formula
from onepass.gaussian.any_norm import coefficients, risk_at
from onepass.gaussian.hermite import hermite_coefficients
from onepass.gaussian.quadrature import product_rule
from onepass.gaussian.risk import population_risk, risk_truncation

MODELS = [
    onepass.Model("He3(x1) + x1*x2", "He3", students=3),
    onepass.Model("tanh(x1*x2)", "tanh", students=2),
    onepass.Model("abs(x1)", "relu(x - 1)", students=2),
    onepass.Model("He4(x1)", "He4(x) + x**2", students=2),
]


def states(model, norm, dimension=6, count=4):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((count, model.students, dimension))
    rows *= norm * rng.uniform(0.5, 1.5, (count, model.students, 1)) / np.linalg.norm(rows, axis=2, keepdims=True)
    return rows, rows[..., : model.teachers], rows @ rows.swapaxes(1, 2), rng.standard_normal((count, model.students))


@pytest.mark.parametrize("norm", [0.3, 1.4])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.activation)
def test_it_is_the_mean_over_samples(model, norm):
    """32 means at 4.5 standard errors of 200,000 samples: one false alarm in 5000 seeds."""
    rows, overlaps, grams, layer = states(model, norm)
    found = risk_at(model, overlaps, grams, layer)
    z = np.random.default_rng(4).standard_normal((200_000, rows.shape[2]))
    y = model.target_formula.array(np)(z[:, : model.teachers])
    for own, a, value, error in zip(rows, layer, *found, strict=True):
        sampled = 0.5 * (y - model.activation_formula.array(np)(z @ own.T) @ a) ** 2
        assert abs(sampled.mean() - value) < 4.5 * sampled.std() / sqrt(len(z)) + error


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.activation)
def test_on_the_sphere_it_is_the_risk_on_the_sphere(model):
    rows, _, _, _ = states(model, 1.0)
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    overlaps, grams = rows[..., : model.teachers], rows @ rows.swapaxes(1, 2)
    layer = np.tile(model.output_weights, (len(rows), 1))
    found, expected = risk_at(model, overlaps, grams, layer), population_risk(model, overlaps, grams)
    np.testing.assert_allclose(found.value, expected, rtol=1e-10, atol=found.error.max() + risk_truncation(model))


def test_the_stated_error_is_one():
    """Of almost parallel students that are no polynomials, against a rule of two dimensions."""
    model = onepass.Model("tanh(3*x1)", "tanh(2*x)", students=2)
    rows = np.array([[[1.5, 0.05], [1.5, -0.05]]])
    found = risk_at(model, rows[..., :1], rows @ rows.swapaxes(1, 2), np.ones((1, 2)))
    z, weights = product_rule(135, 2)
    exact = weights @ (0.5 * (np.tanh(3 * z[:, 0]) - np.tanh(2 * (z @ rows[0].T)).sum(axis=1)) ** 2)
    assert 1e-9 < found.error[0] < 0.1
    assert abs(found.value[0] - exact) <= found.error[0]


def test_coefficients_of_scaled_functions_are_known_in_closed_form():
    squares = np.array([0.0, 0.3, 1.0, 2.5])
    relu, means, error = coefficients(Formula.activation("relu"), squares)
    unit = hermite_coefficients(Formula.activation("relu"), 4) * np.sqrt([1, 1, 2, 6, 24])
    np.testing.assert_allclose(relu[:, :5], np.sqrt(squares)[:, None] * unit, atol=1e-12)
    np.testing.assert_allclose(means, squares / 2, atol=1e-12)
    assert error.max() < 1e-10
    erf, means, _ = coefficients(Formula.activation("erf(x/sqrt(2))"), squares)
    np.testing.assert_allclose(means, 2 / pi * np.arcsin(squares / (1 + squares)), atol=1e-12)
    np.testing.assert_allclose(erf[:, 1], np.sqrt(2 / pi * squares / (1 + squares)), atol=1e-12)
    cubic, _, _ = coefficients(Formula.activation("He3"), squares)
    np.testing.assert_allclose(cubic[:, 3], squares**1.5 * sqrt(6), atol=1e-12)
    np.testing.assert_allclose(cubic[:, 1], 3 * np.sqrt(squares) * (squares - 1), atol=1e-12)


def test_a_student_of_no_length_says_a_constant():
    model = onepass.Model("x1", "tanh(x) + 1")
    found = risk_at(model, np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), np.array([[0.5]]))
    assert found.value[0] == pytest.approx(0.5 + 0.5 * 0.25)
