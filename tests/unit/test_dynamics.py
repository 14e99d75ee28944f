"""The low-dimensional equations: against samples, against the chain, against each other, and against known answers."""

from math import sqrt

import numpy as np
import onepass
import pytest
from onepass.simulation.simulate import DivergenceError
from onepass.theory import mean_process
from onepass.theory.dynamics import DynamicsError, solve_dynamics
from onepass.theory.mean_kernel import Moments, Scales, increments
from onepass.theory.moments import ExpectationError, compiled_rule, expectations

ERF = "erf(x/sqrt(2))"
ONE = onepass.Model("erf(x1/sqrt(2))", ERF, noise=1.1e-5)
TWO = onepass.Model("mean(erf(x1/sqrt(2)), erf(x2/sqrt(2)))", ERF, students=2, noise=0.01)
SPHERICAL = onepass.Protocol("correlation", "spherical")
HE2, HE3 = onepass.Model("He2(x1)", "He2"), onepass.Model("He3(x1)", "He3", noise=0.2)
WARM = ("overlaps", [[0.3, 0.1], [0.05, 0.2]], [[1.0, 0.1], [0.1, 1.0]])
SQUARE, CORRELATION = onepass.Protocol(), onepass.Protocol("correlation")
PROTOCOLS = [p for p in onepass.protocol.ALL_PROTOCOLS if p.schedule == "constant"]


def named(protocol):
    return protocol.name


def limit(model, protocol, mu, delta, gamma, **settings):
    prefactors = {"batch_prefactor": 1.0, "learning_rate_prefactor": gamma}
    return solve_dynamics(model, protocol, equation="limit", mu=mu, delta=delta, **prefactors, **settings)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=named)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_step_has_the_mean_of_steps_in_d_dimensions(protocol, batch_size):
    """Before the norms are restored, exactly: 7 means at 5 standard errors, one false alarm in 2·10⁵ seeds."""
    d, p, k, rate, runs = 7, 2, 2, 0.8, 120_000
    model = onepass.Model("erf(x1/sqrt(2)) + 0.5*erf(x2/sqrt(2))", ERF, students=p, second_layer=(1, -0.6), noise=0.1)
    rng = np.random.default_rng(5)
    w = rng.standard_normal((p, d))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    overlap, gram, layer = w[:, :k].copy(), w @ w.T, np.array(model.second_layer) / p
    z = rng.standard_normal((runs, batch_size, d))
    fields = z @ w.T
    error = model.target_formula.array(np)(z[..., :k]) + sqrt(model.noise) * rng.standard_normal(z.shape[:2])
    if protocol.loss == "square":
        error -= model.activation_formula.array(np)(fields) @ layer
    c = layer * model.activation_formula.array(np, derivative=True)(fields) * error[..., None]
    step = np.einsum("sbj,sbi->sji", c, z) / batch_size
    if protocol.update == "spherical":
        step -= np.einsum("sji,ji->sj", step, w)[..., None] * w
    moved = w + rate * step
    changes = np.concatenate(
        [(moved[..., :k] - overlap).reshape(runs, -1), (moved @ moved.swapaxes(1, 2) - gram).reshape(runs, -1)], axis=1
    )

    means = expectations(model, protocol.loss, overlap, gram)
    scales = Scales(1.0, (d - p - k) / batch_size, 1 / batch_size, 1 - 1 / batch_size)
    d_overlap, d_gram = np.empty((p, k)), np.empty((p, p))
    spherical = protocol.update == "spherical"
    increments(overlap, gram, layer, Moments(*means[:6]), scales, rate, spherical, d_overlap, d_gram)
    expected = np.concatenate([d_overlap.ravel(), d_gram.ravel()])
    z_scores = (changes.mean(axis=0) - expected) / (changes.std(axis=0) / sqrt(runs))
    assert abs(z_scores).max() < 5


@pytest.mark.parametrize("dimension", [50, 100])
def test_mean_process_is_the_mean_of_the_chain_and_needs_the_intra_batch_term(dimension):
    """Within 4 standard errors of 400 replicas at 9 steps; without the term at least 8 times as far off."""
    settings = {"dimension": dimension, "batch_size": dimension, "learning_rate": 8 / sqrt(dimension), "steps": 20}
    settings |= {"initial": ("overlaps", [[0.0]], [[1.0]]), "records": 9}
    runs = onepass.simulate(ONE, SQUARE, replicas=400, threshold=None, seed=1, **settings).isel(step=slice(1, None))
    whole = solve_dynamics(ONE, SQUARE, **settings).isel(step=slice(1, None))
    without = solve_dynamics(ONE, SQUARE, intra_batch=False, **settings).isel(step=slice(1, None))
    assert whole.step.values.tolist() == runs.step.values.tolist()
    for name in ("risk", "overlap"):
        mean, error = runs[name].mean("replica"), runs[name].std("replica") / sqrt(400)
        assert float((abs(whole[name] - mean) / error).max()) < 4
        assert float(abs(without[name] - mean).max()) > 8 * float(abs(whole[name] - mean).max())


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=named)
def test_mean_process_is_the_mean_of_the_chain_for_every_protocol(protocol):
    """16 means at 4 standard errors of 200 replicas, beside 1/d for the fluctuations that a mean neglects."""
    settings = {"dimension": 400, "batch_size": 100, "learning_rate": 0.5, "steps": 30, "initial": WARM, "records": 2}
    runs = onepass.simulate(TWO, protocol, replicas=200, threshold=None, seed=2, **settings)
    theory = solve_dynamics(TWO, protocol, **settings)
    for name in ("overlap", "student_gram", "risk"):
        mean, error = runs[name].mean("replica"), runs[name].std("replica") / sqrt(200)
        assert float((abs(theory[name] - mean) - 4 * error).max()) < 1 / 400, name
    assert float(abs(theory.overlap[-1] - theory.overlap[0]).max()) > 0.1


def test_adaptive_process_changes_loss_as_the_chain_does():
    settings = {"dimension": 1000, "batch_size": 3000, "learning_rate": 0.02, "steps": 80, "initial": ("overlap", 0.2)}
    protocol = onepass.Protocol("correlation", schedule="adaptive")
    runs = onepass.simulate(HE2, protocol, replicas=8, threshold=None, seed=3, **settings)
    theory = solve_dynamics(HE2, protocol, **settings)
    np.testing.assert_allclose(theory.risk, runs.risk.mean("replica"), atol=0.05 * float(theory.risk[0]))
    plain = solve_dynamics(HE2, CORRELATION, **settings)
    assert float(abs(theory.risk - plain.risk).max()) > 0.02


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


def test_compiled_steps_equal_those_of_other_models(monkeypatch):
    """Models of every kind take the same steps, whoever computes their means."""
    settings = {"dimension": 100, "batch_size": 30, "learning_rate": 0.05, "steps": 12, "records": 5}
    cases = [(TWO, WARM, p) for p in PROTOCOLS] + [
        (HE3, ("overlap", 0.4), onepass.Protocol("correlation", "spherical"))
    ]
    cases.append((HE2, ("overlap", 0.5), onepass.Protocol("correlation", schedule="adaptive")))
    for model, initial, protocol in cases:
        fast = solve_dynamics(model, protocol, initial=initial, **settings)
        with monkeypatch.context() as patch:
            patch.setattr(mean_process, "compiled_rule", lambda model: None)
            slow = solve_dynamics(model, protocol, initial=initial, **settings)
        for name in ("overlap", "student_gram", "risk"):
            np.testing.assert_allclose(slow[name], fast[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["He2", "He3"])
@pytest.mark.parametrize("m", [0.05, 0.6])
def test_step_of_m_has_the_expansion_worked_out_by_hand(name, m):
    """Terms of γ, γ² d/n_b and γ² φBC of the known expansions, and what restoring the norm adds to second order."""
    noise, gamma, d = 0.2, 1e-7, 10**12
    first, high, batch, psi, gf = {
        "He2": (4 * m - 4 * m**3, 24 * m - 24 * m**3 + 2 * noise * m, 8 * m - 8 * m**3, 0.0, 4 * m**2 - 4),
        "He3": (
            18 * m**2 - 18 * m**4,
            1728 * m + 648 * m**3 - 3348 * m**4 + 972 * m**5 + 9 * noise * m,
            162 * m - 324 * m**4 + 162 * m**5,
            18 * m**2 - 18 * m,
            18 * (m**3 - 1),
        ),
    }[name]
    model = onepass.Model(f"{name}(x1)", name, noise=noise)

    def change(**options):
        settings = {"learning_rate": gamma, "steps": 1, "initial": ("overlap", m), "dimension": d} | options
        return float(solve_dynamics(model, SQUARE, **settings).overlap.diff("step")[0, 0, 0])

    full, wide, alone = change(batch_size=d), change(batch_size=d // 3), change(batch_size=d, intra_batch=False)
    assert full / gamma == pytest.approx(first, rel=1e-3)
    assert (wide - full) / gamma**2 == pytest.approx(-2 * high, rel=3e-3)
    assert (full - alone) / gamma**2 == pytest.approx(-batch, rel=0.02, abs=0.02)
    norm = 1.5 * m * gf**2 - psi * gf
    assert (full - gamma * first) / gamma**2 == pytest.approx(-high - batch + norm, rel=3e-3, abs=0.02)


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


def test_recovery_of_the_correlation_loss_takes_the_logarithm_of_d():
    """He2, n_b = 3d, γ = 0.1, from an overlap of 1/√d: steps until the excess risk is below 1.9 of its first 2."""
    times = []
    for d in 2 ** np.arange(5, 33, 3):
        settings = {"dimension": d, "batch_size": 3 * d, "learning_rate": 0.1, "steps": 40, "records": 200}
        run = solve_dynamics(HE2, CORRELATION, initial=("overlap", 1 / sqrt(d)), **settings)
        times.append(int(run.step[int((run.risk.values < 1.9).argmax())]))
    assert times == [1, 5, 8, 11, 14, 17, 21, 24, 27, 30]


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


def test_a_step_without_a_norm_is_reported():
    """Without the intra-batch term the mean squared norm after a step can be negative."""
    settings = {"dimension": 10**6, "batch_size": 10**9, "learning_rate": 0.2, "steps": 5, "initial": ("overlap", 0.1)}
    with pytest.raises(DivergenceError, match=r"after step 0 with learning rate 0\.2"):
        solve_dynamics(HE2, SQUARE, intra_batch=False, **settings)
