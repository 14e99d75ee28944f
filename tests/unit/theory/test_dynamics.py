"""`solve_dynamics`: limits, fixed points and plateaus; what it returns and refuses."""

from math import sqrt

import numpy as np
import onepass
import pytest
from helpers.processes import ERF, HE2, SPHERICAL, SQUARE, TWO, WARM, limit, named
from onepass.theory.dynamics import DynamicsError, solve_dynamics
from onepass.theory.moments import ExpectationError, compiled_rule


@pytest.mark.parametrize(
    ("mu", "delta", "regime", "shrinks"),  # factor of the error between d = 10⁴ and 10⁶
    [
        (1.0, 0.5, "population_flow", 10),
        (0.5, 0.5, "saad_solla", 10),
        (0.5, 0.3, "noise_learning", 2.5),
        (0.25, 0.375, "noise_learning", 5),
        (1.5, 0.0, "large_batch", 10),
        (1.0, 0.0, "coexistence", 100),
    ],
)
@pytest.mark.parametrize("protocol", [SQUARE, SPHERICAL], ids=named)
def test_finite_process_tends_to_the_limit_as_d_grows(protocol, mu, delta, regime, shrinks):
    errors = []
    for d in (10**4, 10**6):
        steps = max(3, round(3 / d ** max(-delta, 1 - mu - 2 * delta)))
        settings = {"dimension": d, "steps": steps, "initial": WARM, "records": 10}
        finite = solve_dynamics(TWO, protocol, batch_size=round(d**mu), learning_rate=d**-delta, **settings)
        infinite = limit(TWO, protocol, mu, delta, 1.0, **settings)
        assert infinite.regime == regime
        assert float(infinite.time[-1]) == pytest.approx(3, rel=0.1)
        errors.append(max(float(abs(finite[v] - infinite[v]).max()) for v in ("overlap", "student_gram")))
    assert errors[1] < 0.05
    assert errors[0] / errors[1] > 0.8 * shrinks


@pytest.mark.parametrize("protocol", [SQUARE, onepass.Protocol("square", "spherical")], ids=named)
@pytest.mark.parametrize("equation", ["finite_d", "limit"])
def test_perfect_recovery_without_noise_is_a_fixed_point(protocol, equation):
    settings = {"dimension": 100, "steps": 50, "records": 3}
    for model in (onepass.Model(TWO.target, ERF, students=2), HE2):
        start = {"initial": ("overlaps", np.eye(model.students), np.eye(model.students))} | settings
        if equation == "limit":
            run = limit(model, protocol, 0.5, 0.5, 0.05, **start)
        else:
            run = solve_dynamics(model, protocol, batch_size=100, learning_rate=0.05, **start)
        np.testing.assert_allclose(run.overlap[-1], np.eye(model.students), atol=1e-10)
        np.testing.assert_allclose(run.risk, 0, atol=1e-12)


def test_plateau_of_students_that_share_the_teachers():
    """On the sphere the symmetric state of least risk has 3q² + 14q = 1 and 2m² = (1 + q)/2."""
    q = (sqrt(52) - 7) / 3
    m = sqrt(1 + q) / 2
    start = ("overlaps", np.full((2, 2), 0.05), np.eye(2))
    run = limit(TWO, SQUARE, 1.0, 0.5, 1.0, dimension=10**4, steps=60_000, initial=start)
    np.testing.assert_allclose(run.overlap[-1], m, rtol=1e-6)
    np.testing.assert_allclose(run.student_gram[-1], [[1, q], [q, 1]], rtol=1e-5)
    level = 1 / 6 + (2 / np.pi) * (0.25 * np.arcsin(q / 2) - np.arcsin(m / 2))
    assert float(run.risk[-1]) == pytest.approx(level, rel=1e-6)
    tilted = ("overlaps", np.full((2, 2), 0.05) + 1e-3 * np.eye(2), np.eye(2))
    run = limit(TWO, SQUARE, 1.0, 0.5, 1.0, dimension=10**4, steps=100_000, initial=tilted, records=200)
    assert float((abs(run.risk - level) < 0.02 * level).mean()) > 0.05  # it stays there for a while
    assert float(run.risk[-1]) < 0.01 * level  # and then leaves


def test_data_set_has_the_variables_of_the_simulation():
    settings = {"dimension": 60, "batch_size": 20, "learning_rate": 0.1, "steps": 30, "initial": WARM, "records": 7}
    theory, runs = solve_dynamics(TWO, SQUARE, **settings), onepass.simulate(TWO, SQUARE, threshold=None, **settings)
    for name in ("overlap", "student_gram", "risk"):
        assert theory[name].dims == runs[name].dims[1:]
        assert theory[name].attrs["units"] == "1"
    assert theory.step.values.tolist() == runs.step.values.tolist()
    np.testing.assert_allclose(theory.risk[0], runs.risk[0, 0], rtol=1e-6)
    assert theory.attrs == {"equation": "finite_d", "expectation_error": 0.0}


def test_no_steps_are_the_start():
    settings = {"dimension": 60, "steps": 0, "initial": WARM}
    for run in (
        solve_dynamics(TWO, SQUARE, batch_size=20, learning_rate=0.1, **settings),
        limit(TWO, SQUARE, 1.0, 0.5, 1.0, **settings),
    ):
        assert run.step.values.tolist() == [0]
        np.testing.assert_allclose(run.overlap[0], WARM[1], rtol=1e-12)


def test_batches_beyond_whole_numbers_of_double_precision_are_solved_too():
    """They enter by d/n_b: a batch of 2^60 is one without noise."""
    settings = {"dimension": 2**40, "learning_rate": 0.1, "steps": 20, "initial": WARM}
    largest, large = (solve_dynamics(TWO, SQUARE, batch_size=size, **settings) for size in (2**60, 2**53))
    np.testing.assert_allclose(largest.overlap, large.overlap, rtol=1e-3)
    assert np.isfinite(largest.risk).all()


def test_models_without_compiled_means_are_solved_too():
    model = onepass.Model("tanh(x1)", "tanh")
    settings = {"dimension": 200, "batch_size": 200, "learning_rate": 0.3, "steps": 20, "records": 3}
    settings |= {"initial": ("overlap", 0.1)}
    assert compiled_rule(model) is None
    theory = solve_dynamics(model, SQUARE, **settings)
    runs = onepass.simulate(model, SQUARE, replicas=30, threshold=None, engine="sgd", **settings)
    np.testing.assert_allclose(theory.overlap, runs.overlap.mean("replica"), atol=0.02)
    assert 0 < theory.expectation_error < 1e-6


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"equation": "ode"}, DynamicsError, "equation 'ode' is unknown"),
        ({"mu": 1.0}, DynamicsError, "mu belongs to equation 'limit'"),
        ({"batch_size": None}, DynamicsError, "batch_size is missing; equation 'finite_d' needs batch_size"),
        ({"batch_size": 0}, DynamicsError, "batch_size is 0"),
        ({"batch_size": 2.5}, DynamicsError, "batch_size is 2.5"),
        ({"learning_rate": -1.0}, DynamicsError, "learning_rate is -1.0"),
        ({"learning_rate": "0.1"}, DynamicsError, "learning_rate is '0.1'"),
        ({"learning_rate": float("nan")}, DynamicsError, "learning_rate is nan"),
        ({"dimension": 1}, DynamicsError, "dimension is 1; allowed: a whole number from 2"),
        ({"steps": -1}, DynamicsError, "steps is -1"),
        ({"records": True}, DynamicsError, "records is True"),
        ({"initial": "sphere"}, DynamicsError, "'sphere' is random"),
        ({"initial": ("overlap", 1.5)}, ValueError, "longer than a unit vector"),
        ({"initial": ("overlaps", [[0.5]], [[2.0]])}, ValueError, "not the Gram matrix of unit vectors"),
    ],
)
def test_wrong_arguments_are_named(changes, error, message):
    settings = {"dimension": 50, "batch_size": 50, "learning_rate": 0.1, "steps": 5, "initial": ("overlap", 0.1)}
    with pytest.raises(error, match=message):
        solve_dynamics(HE2, SQUARE, **(settings | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delta": -0.2, "mu": 2.0}, r"no deterministic limit at \(μ, δ\) = \(2, -0.2\): each step moves"),
        ({"delta": 0.1, "mu": 0.5}, "the noise that a step adds to the norms"),
        ({"delta": None}, "delta is missing"),
        ({"learning_rate": 0.1}, "learning_rate belongs to equation 'finite_d'"),
        ({"learning_rate_prefactor": 0.0}, "learning_rate_prefactor is 0.0"),
        ({"intra_batch": False}, "intra_batch=False belongs to equation 'finite_d'"),
        ({"protocol": onepass.Protocol("correlation", schedule="adaptive")}, "schedule 'adaptive'"),
    ],
)
def test_wrong_arguments_of_the_limit_are_named(changes, message):
    settings = {"dimension": 50, "steps": 5, "initial": ("overlap", 0.1), "equation": "limit", "mu": 1.0, "delta": 0.5}
    settings |= {"batch_prefactor": 1.0, "learning_rate_prefactor": 1.0, "protocol": SQUARE}
    with pytest.raises(DynamicsError, match=message):
        solve_dynamics(HE2, **(settings | changes))


def test_a_model_out_of_reach_is_refused():
    model = onepass.Model("tanh(x1*x2*x3)", "tanh", students=9)
    start = ("overlap", 0.1)
    with pytest.raises(ExpectationError, match="engine 'chain'"):
        solve_dynamics(model, SQUARE, dimension=50, batch_size=5, learning_rate=0.1, steps=5, initial=start)
