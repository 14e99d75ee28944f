"""Gaussian means of a step: closed forms and quadratures against each other."""

from math import asin, pi, sqrt

import numpy as np
import onepass
import pytest
from helpers.moments import COMMITTEE, MODELS, state
from onepass.choices import BASIC_LOSSES
from onepass.gaussian.risk import population_risk
from onepass.protocol import ProtocolError
from onepass.theory import moment_quadrature
from onepass.theory.moments import ExpectationError, Expectations, empty_moments, expectations
from onepass.theory.polynomial_moments import white_factor


def numbers(means: Expectations) -> dict:
    return means.moments._asdict() | {"risk": means.risk}


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("loss", BASIC_LOSSES, ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_exact_means_equal_quadrature(name, loss, aligned):
    model, count, pairs = MODELS[name]
    overlap, gram = state(model, aligned=aligned)
    if aligned and model.students == model.teachers == 1:
        overlap *= -1  # nothing is left to learn at +1
    means = expectations(model, loss, overlap, gram)
    rule = moment_quadrature.pair_moments if pairs else moment_quadrature.grid_moments
    moments, risk = rule(model, loss, overlap, gram, count)
    assert means.method == ("closed" if "erf" in name else "grid")
    assert means.error == 0
    for key, value in (moments._asdict() | {"risk": risk}).items():
        np.testing.assert_allclose(numbers(means)[key], value, rtol=1e-10, atol=1e-13, err_msg=key)


@pytest.mark.parametrize("name", MODELS)
def test_intra_batch_term_is_that_of_the_inverse_covariance(name):
    model, _, _ = MODELS[name]
    overlap, gram = state(model, seed=3)
    means = expectations(model, "square", overlap, gram).moments
    rest = means.gf - means.psi @ overlap.T
    expected = means.psi @ means.psi.T + rest @ np.linalg.solve(gram - overlap @ overlap.T, rest.T)
    np.testing.assert_allclose(means.bc, expected, rtol=1e-8, atol=1e-10)


def test_students_that_align_with_each_other_are_no_exception():
    """Two equal students are one with the sum of their weights."""
    two = onepass.Model("He3(x1) + x1", "He3", students=2, second_layer=(0.5, 1.5), noise=0.1)
    one = onepass.Model("He3(x1) + x1", "He3", second_layer=(1.0,), noise=0.1)
    means = expectations(two, "square", [[0.6], [0.6]], np.ones((2, 2))), expectations(one, "square", [[0.6]], [[1.0]])
    double, single = (found.moments for found in means)
    for key in ("psi", "gf", "hd", "bc"):
        np.testing.assert_allclose(getattr(double, key), getattr(single, key)[0, 0], rtol=1e-10)
    np.testing.assert_allclose(double.length - double.hd, single.length[0, 0], rtol=1e-10)  # one dimension unused
    assert means[0].risk == pytest.approx(means[1].risk, rel=1e-12)


def test_a_factor_of_a_singular_covariance_loses_nothing():
    overlap = np.array([[0.6, 0.8], [1.0, 0.0], [0.6, 0.8 - 1e-13]])
    gram = overlap @ overlap.T
    factor = white_factor(overlap, gram)
    np.testing.assert_allclose(factor @ factor.T, gram, atol=1e-15)


@pytest.mark.parametrize("name", MODELS)
def test_risk_is_the_series_of_unit_students(name):
    model, _, _ = MODELS[name]
    overlap, gram = state(model, seed=4)
    means = expectations(model, "correlation", overlap, gram)
    tolerance = 1e-6 if "erf" in name else 1e-12  # the series stops at order 30
    assert means.risk == pytest.approx(float(population_risk(model, overlap, gram)), rel=tolerance)


@pytest.mark.parametrize("model", [COMMITTEE, onepass.Model("He3(x1)", "He3")], ids=["erf", "He3"])
def test_nothing_moves_where_the_students_are_right(model):
    identity = np.eye(model.students)
    model = onepass.Model(model.target, model.activation, model.students)
    means = expectations(model, "square", identity, identity)
    for value in numbers(means).values():
        assert abs(np.asarray(value)).max() < 1e-11


def test_plateau_of_saad_and_solla():
    """Without the sphere, K students of K teachers stop at Q = C = 1/(2K−1), R = 1/√(K(2K−1))."""
    k = 2
    means = expectations(COMMITTEE, "square", np.full((2, 2), 1 / sqrt(k * (2 * k - 1))), np.full((2, 2), 1 / 3))
    np.testing.assert_allclose(means.moments.psi, 0, atol=1e-15)
    np.testing.assert_allclose(means.moments.gf, 0, atol=1e-15)
    assert means.risk == pytest.approx(k / pi * (pi / 6 - k * asin(1 / (2 * k))) / k**2, rel=1e-12)


def test_he2_and_he3_have_the_coefficients_worked_out_by_hand():
    """Of ψ − ½ m φ: terms of γ, γ² d/n_b and γ², square loss, p = k = 1."""
    noise = 0.3
    for m in (-0.4, 0.05, 0.7):
        for name, expected in {
            "He2": (4 * m - 4 * m**3, 24 * m - 24 * m**3 + 2 * noise * m, 8 * m - 8 * m**3),
            "He3": (
                18 * m**2 - 18 * m**4,
                1728 * m + 648 * m**3 - 3348 * m**4 + 972 * m**5 + 9 * noise * m,
                162 * m - 324 * m**4 + 162 * m**5,
            ),
        }.items():
            model = onepass.Model(f"{name}(x1)", name, noise=noise)
            means = expectations(model, "square", [[m]], [[1.0]]).moments
            psi, gf, hd, bc = (float(v[0, 0]) for v in (means.psi, means.gf, means.hd, means.bc))
            assert (psi - m * gf, 0.5 * m * hd, 0.5 * m * bc) == pytest.approx(expected, rel=1e-11), (name, m)


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (onepass.Model("tanh(x1)", "tanh"), "grid"),
        (onepass.Model("mean(tanh(x1), sin(x2))", "tanh", students=2), "pairs"),
    ],
    ids=["grid", "pairs"],
)
def test_other_functions_have_a_stated_error(model, method):
    overlap, gram = state(model, seed=5)
    means = expectations(model, "square", overlap, gram, tolerance=1e-4)
    better = expectations(model, "square", overlap, gram, tolerance=1e-7)
    assert means.method == method
    assert 0 < better.error < means.error < 1e-3
    for key, rough in numbers(means).items():
        assert abs(np.subtract(rough, numbers(better)[key])).max() <= means.error


def test_the_stated_error_of_a_kink_is_not_too_small():
    """relu against relu has its arc-cosine law."""
    model = onepass.Model("relu(x1)", "relu")
    for m in (0.1, 0.5, 0.9):
        means = expectations(model, "square", [[m]], [[1.0]])
        risk = 0.5 - (sqrt(1 - m * m) + m * (pi - np.arccos(m))) / (2 * pi)
        assert abs(means.risk - risk) < means.error < 0.05


def test_pairs_of_students_afford_what_a_grid_does_not():
    target = "He3(x1) + He3(x2) + 2*He3(x3) + He2(x4)"
    model = onepass.Model(target, "He3", students=8)
    overlap, gram = state(model, seed=6)
    means = expectations(model, "square", overlap, gram)
    assert (means.method, means.error) == ("pairs", 0)
    assert means.risk == pytest.approx(float(population_risk(model, overlap, gram)), rel=1e-11)


@pytest.mark.parametrize(
    ("target", "activation", "students"),
    [("tanh(x1*x2*x3)", "tanh", 9), ("tanh(x1*x2*x3)", "tanh", 30), ("x1*x2*x3*x4", "He4", 8)],
)
def test_what_is_out_of_reach_is_refused_and_the_chain_named(target, activation, students):
    model = onepass.Model(target, activation, students=students)
    with pytest.raises(ExpectationError, match=r"no closed form.*p \+ k = \d+ dimensions.*engine 'chain'"):
        expectations(model, "square", *state(model))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("square", [0.1], [[1.0]]), "shapes"),
        (("square", [[0.1]], np.eye(2)), "shapes"),
        (("square", [[np.nan]], [[1.0]]), "finite"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ExpectationError, match=message):
        expectations(onepass.Model("He3(x1)", "He3"), *arguments)


def test_an_unknown_loss_is_named():
    with pytest.raises(ProtocolError, match="loss 'hinge' is unknown; allowed: square, correlation"):
        expectations(onepass.Model("He3(x1)", "He3"), "hinge", [[0.1]], [[1.0]])


def test_arrays_of_the_caller_stay_as_they_are():
    overlap, gram = state(COMMITTEE)
    copies = overlap.copy(), gram.copy()
    expectations(COMMITTEE, "square", overlap, gram)
    assert (overlap == copies[0]).all()
    assert (gram == copies[1]).all()
    assert empty_moments(COMMITTEE).psi.shape == (2, 2)
