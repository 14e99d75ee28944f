"""Weights off the sphere and a second layer that learns: limits, fixed points, and what must not change."""

from dataclasses import replace
from math import sqrt

import numpy as np
import onepass
import pytest
from helpers.processes import ERF, HE2, SQUARE, TWO, WARM, limit
from onepass import Protocol
from onepass.protocol import ProtocolError
from onepass.theory.dynamics import solve_dynamics
from onepass.theory.moments import expectations

PLAIN, BOTH = Protocol(update="plain"), Protocol(update="plain", second_layer_rate=2.0)
FREE = ("overlaps", [[0.3, 0.1], [0.05, 0.2]], [[1.3, 0.1], [0.1, 0.7]])
SETTINGS = {"dimension": 100, "batch_size": 40, "learning_rate": 0.3, "steps": 20, "records": 4}
STATE = ("overlap", "student_gram", "risk")


@pytest.mark.parametrize(
    ("model", "method"),
    [(TWO, "closed"), (onepass.Model("x1**2", "square", students=2), "grid"),
     (onepass.Model("tanh(x1)", "tanh"), "grid"),
     (onepass.Model("He2(x1) + He2(x2)", "He2", students=5), "pairs")],
    ids=lambda own: getattr(own, "target", own),
)  # fmt: skip
def test_mean_of_the_second_layer_is_a_slope_of_the_risk(model, method):
    p, k = model.students, model.teachers
    overlap = 0.3 * np.eye(p, k) + 0.1
    gram = np.eye(p) + 0.2 + overlap @ overlap.T
    layer = model.output_weights + 0.1
    assert expectations(model, "square", overlap, gram).method == method

    def at(layer):
        return expectations(model, "square", overlap, gram, layer=layer)

    for j, step in enumerate(1e-4 * np.eye(p)):
        slope = (at(layer + step).risk - at(layer - step).risk) / 2e-4  # of a parabola: exact
        assert at(layer).moments.value[j] == pytest.approx(-slope, rel=1e-6)
    label_alone = expectations(model, "correlation", overlap, gram, layer=layer).moments.value
    np.testing.assert_allclose(label_alone, at(np.zeros(p)).moments.value, rtol=1e-8)


@pytest.mark.parametrize(
    ("mu", "delta", "left"),  # of noise alone the gradient vanishes by d^(-0.2) only
    [(1.0, 0.5, 0.01), (0.5, 0.5, 0.01), (0.5, 0.3, 0.2), (1.5, 0.0, 0.01)],
)
def test_finite_process_tends_to_the_limit(mu, delta, left):
    errors, protocol = [], replace(BOTH, weight_decay=0.5)
    for d in (10**4, 10**6):
        steps = max(3, round(2 / d ** max(-delta, 1 - mu - 2 * delta)))
        settings = {"dimension": d, "steps": steps, "initial": FREE, "records": 6}
        finite = solve_dynamics(TWO, protocol, batch_size=round(d**mu), learning_rate=d**-delta, **settings)
        infinite = limit(TWO, protocol, mu, delta, 1.0, **settings)
        errors.append(max(float(abs(finite[v] - infinite[v]).max()) for v in (*STATE, "second_layer")))
    assert errors[1] < left
    assert errors[1] < errors[0] / 2


def test_norms_put_back_after_a_plain_step_are_the_projected_step():
    one = SETTINGS | {"steps": 1, "initial": WARM}
    free, back = solve_dynamics(TWO, PLAIN, **one), solve_dynamics(TWO, SQUARE, **one)
    norms = np.sqrt(np.diag(free.student_gram[-1]))
    assert abs(norms - 1).min() > 1e-3
    np.testing.assert_allclose(free.overlap[-1] / norms[:, None], back.overlap[-1], rtol=1e-14)
    np.testing.assert_allclose(free.student_gram[-1] / np.outer(norms, norms), back.student_gram[-1], rtol=1e-14)


@pytest.mark.parametrize("model", [TWO, onepass.Model("tanh(x1)", "tanh")], ids=["closed", "quadrature"])
def test_second_layer_that_hardly_learns_is_a_fixed_one(model):
    p = model.students
    start = {"initial": ("overlaps", np.full((p, model.teachers), 0.1), np.eye(p)), "steps": 4}
    fixed = solve_dynamics(model, PLAIN, **SETTINGS | start)
    slow = solve_dynamics(model, replace(PLAIN, second_layer_rate=1e-9), **SETTINGS | start)
    for name in STATE:
        np.testing.assert_allclose(slow[name], fixed[name], rtol=1e-7)
    assert "second_layer" not in fixed
    assert 0 < float(abs(slow.second_layer[-1] - 1).max()) < 1e-7


def test_decay_on_the_sphere_is_a_larger_rate():
    decayed = solve_dynamics(TWO, Protocol(weight_decay=0.5), initial=WARM, **SETTINGS)
    faster = solve_dynamics(TWO, SQUARE, initial=WARM, **SETTINGS | {"learning_rate": 0.3 / (1 - 0.3 * 0.5)})
    np.testing.assert_allclose(decayed.overlap, faster.overlap, rtol=1e-12)
    settings = {"dimension": 10**4, "steps": 100, "initial": WARM}
    for name in STATE:  # and no rate at all of the flow
        flows = (limit(TWO, own, 1.0, 0.5, 1.0, **settings)[name] for own in (Protocol(weight_decay=0.5), SQUARE))
        np.testing.assert_array_equal(*flows)


@pytest.mark.parametrize("equation", ["finite_d", "limit"])
def test_perfect_recovery_without_noise_is_a_fixed_point(equation):
    settings = {"dimension": 100, "steps": 50, "records": 3}
    for model in (onepass.Model(TWO.target, ERF, students=2), HE2):
        start = {"initial": ("overlaps", np.eye(model.students), np.eye(model.students))} | settings
        if equation == "limit":
            run = limit(model, BOTH, 0.5, 0.5, 0.05, **start)
        else:
            run = solve_dynamics(model, BOTH, batch_size=100, learning_rate=0.05, **start)
        np.testing.assert_allclose(run.student_gram[-1], np.eye(model.students), atol=1e-10)
        np.testing.assert_allclose(run.second_layer, 1, atol=1e-10)


def test_symmetric_plateau_of_saad_and_solla():
    """At small rates ``R = 1/√(K(2K − 1))`` and all of ``Q = 1/(2K − 1)``: Phys. Rev. E 52, 4225, K = 2."""
    m, q = 1 / sqrt(6), 1 / 3
    start = ("overlaps", np.full((2, 2), m - 0.01), np.full((2, 2), q) + 0.01 + 1e-6 * np.eye(2))
    run = limit(TWO, PLAIN, 1.0, 0.5, 1.0, dimension=10**4, steps=10_000, initial=start)
    np.testing.assert_allclose(run.overlap[-1], m, rtol=1e-4)
    np.testing.assert_allclose(run.student_gram[-1], q, rtol=1e-4)
    tilted = ("overlaps", np.full((2, 2), m) + 1e-3 * np.eye(2), np.full((2, 2), q) + 1e-2 * np.eye(2))
    run = limit(TWO, PLAIN, 1.0, 0.5, 1.0, dimension=10**4, steps=200_000, initial=tilted)
    np.testing.assert_allclose(run.overlap[-1], np.eye(2), atol=1e-4)  # it leaves, and students part


def test_first_layer_at_its_optimum_leaves_the_second_a_linear_flow():
    """At small γ and a large rate r the layer alone moves: ``a − 1`` of students at their teachers decays by
    ``exp(−r E[σ²] γ t/p²)`` where students do not know of each other."""
    model = onepass.Model("He2(x1)", "He2", second_layer=(0.5,))
    settings = {"dimension": 10**6, "steps": 1000, "initial": ("overlaps", [[1.0]], [[1.0]]), "records": 4}
    rate = 1e4
    run = limit(model, replace(PLAIN, second_layer_rate=rate), 1.0, 0.5, 1e-4, **settings)
    expected = 1 - 0.5 * np.exp(-2 * rate * 1e-4 * run.time)
    np.testing.assert_allclose(run.second_layer[:, 0], expected, atol=2e-3)


@pytest.mark.parametrize(
    "protocol",
    [Protocol("absolute"), Protocol(label="sign(y)"), Protocol(momentum="heavy_ball", beta=0.5),
     Protocol(direction="normalised"), Protocol("correlation", smoothing=1.0)],
    ids=lambda protocol: protocol.name,
)  # fmt: skip
def test_other_protocols_are_refused_in_words(protocol):
    with pytest.raises(
        ProtocolError, match=r"solve_dynamics does not know protocol.*; allowed: loss square or correlat"
    ):
        solve_dynamics(TWO, protocol, initial=WARM, **SETTINGS)
