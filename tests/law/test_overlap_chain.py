"""One step of the chain: compiled against array form, means against theory, degenerate students."""

import os
import subprocess
import sys

import numpy as np
import onepass
import pytest
from helpers.runs import parameters
from onepass.gaussian.risk import population_risk, risk_series
from onepass.simulation.chain import overlap_chain
from onepass.simulation.chain.batch_law import NO_LAW
from onepass.simulation.chain.build import model_kernel
from onepass.simulation.chunks import Chunks
from onepass.simulation.initial import initial_factor
from onepass.simulation.streams import replica_streams

MODELS = [
    onepass.Model("He3(x1)", "He3", noise=0.09),
    onepass.Model("x1 + x1*x2", "tanh", students=4, second_layer=(1, -1, 0.5, 2), noise=0.09),
    onepass.Model("relu(x1)", "relu", students=3, noise=0.09),
    onepass.Model("erf(x1/sqrt(2))/2 + erf(x2/sqrt(2))/2", "erf(x/sqrt(2))", students=2, noise=0.09),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.activation}-p{m.students}")
@pytest.mark.parametrize("batch_size", [1, 3, 2500])
@pytest.mark.parametrize("loss", ["square", "correlation"])
@pytest.mark.parametrize("update", ["projected", "spherical"])
def test_compiled_steps_equal_the_array_form(model, batch_size, loss, update):
    """The same draws in the same order: equal up to the rounding of sums."""
    rate = 0.02 * min(1, batch_size / 20)
    set_up = parameters(model, f"{update}_{loss}", dimension=60, batch_size=batch_size, learning_rate=rate)
    start = initial_factor("sphere", model.students, model.teachers, 60, np.random.default_rng(2))
    (stream,) = replica_streams(3, 1)
    expected = [start]
    for _ in range(set_up.steps):
        expected.append(overlap_chain.step(model, set_up, expected[-1], stream))
    steps = np.arange(set_up.steps + 1)
    overlaps, grams, *_ = overlap_chain.run(model, set_up, start[None], replica_streams(3, 1), steps)
    expected = np.array(expected)
    assert abs(expected[-1] - start).max() > 1e-4
    np.testing.assert_allclose(overlaps[0], expected[..., : model.teachers], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(grams[0], expected @ expected.swapaxes(1, 2), rtol=1e-9, atol=1e-11)


def mean_change(activation, overlap, *, dimension, batch_size, learning_rate, noise, replicas=40_000):
    model = onepass.Model(f"{activation}(x1)", activation, noise=noise)
    runs = onepass.simulate(
        model, onepass.Protocol(), dimension=dimension, batch_size=batch_size, learning_rate=learning_rate,
        steps=1, replicas=replicas, threshold=None, initial=("overlap", overlap), records=0, seed=9,
    )  # fmt: skip
    change = runs.overlap.values[:, -1, 0, 0] - overlap
    return change.mean(), change.std() / np.sqrt(replicas)


@pytest.mark.parametrize("m", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("activation", ["He2", "He3"])
def test_mean_step_follows_the_second_order_expansion(activation, m):
    """E[Δm] of the projected step to order γ²; 5 standard errors, false alarms below 1e-5 in all."""
    d, n_b, noise = 400, 200, 0.5
    gamma = {"He2": 4e-3, "He3": 4e-4}[activation]
    mean, error = mean_change(activation, m, dimension=d, batch_size=n_b, learning_rate=gamma, noise=noise)
    if activation == "He2":
        first = 4 * m - 4 * m**3
        norm = 24 * m - 24 * m**3 + 2 * noise * m
        batch = 8 * m - 8 * m**3
    else:
        first = 18 * m**2 - 18 * m**4
        norm = 1728 * m + 648 * m**3 - 3348 * m**4 + 972 * m**5 + 9 * noise * m
        batch = 162 * m - 324 * m**4 + 162 * m**5
    expected = gamma * first - gamma**2 * (d / n_b * norm + batch)
    third_order = 0.02 * abs(gamma * first) + 0.02 * gamma**2 * d / n_b * norm
    assert abs(mean - expected) < 5 * error + third_order
    assert abs(mean) > 5 * error  # the comparison sees the drift


def test_mean_batch_sums_equal_gaussian_integrals():
    """E[Σ c u / n_b] for two students against tensor Gauss–Hermite quadrature; 5 standard errors."""
    model = onepass.Model("x1 + He2(x2)", "He3", students=2, second_layer=(1.0, -0.5))
    factor = initial_factor(
        ("overlaps", [[0.3, 0.2], [-0.1, 0.4]], [[1, 0.5], [0.5, 1]]), 2, 2, 50, np.random.default_rng(0)
    )
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    u = np.stack(np.meshgrid(*[nodes] * 4, indexing="ij"), -1).reshape(-1, 4)
    w = np.prod(np.stack(np.meshgrid(*[weights / weights.sum()] * 4, indexing="ij"), -1), -1).ravel()
    fields = u @ factor.T
    layer = np.array([0.5, -0.25])
    he3 = fields**3 - 3 * fields
    error = u[:, 0] + u[:, 1] ** 2 - 1 - he3 @ layer
    c = layer * (3 * fields**2 - 3) * error[:, None]
    expected = np.einsum("n,nj,nr->jr", w, c, u)

    compiled, (rng,) = model_kernel(model), replica_streams(4, 1)
    fields, drift, gram, samples = np.empty((2, 3)), np.empty((2, 4)), np.empty((2, 2)), []
    own, work = parameters(model, batch_size=2000), compiled.workspace(NO_LAW)
    for _ in range(400):
        compiled.batch_sums(rng, factor, layer, own, False, NO_LAW, work, fields, drift, gram)
        samples.append(drift.copy())
    mean, spread = np.mean(samples, axis=0), np.std(samples, axis=0) / 20
    assert (abs(mean - expected) < 5 * spread).all()
    assert abs(expected).max() > 20 * spread.max()


@pytest.mark.parametrize("loss", ["square", "correlation"])
def test_descent_direction_is_minus_the_gradient_of_the_loss(loss):
    """Finite differences of the batch loss in the students' weights, on the draws of one step."""
    rng = np.random.default_rng(6)
    p, d, n = 3, 7, 20
    model = onepass.Model("x1*x2 + x1", "tanh", students=p, second_layer=(1, -0.5, 2))
    weights, z = rng.standard_normal((p, d)), rng.standard_normal((n, d))
    target, activation = model.target_formula.array(np), model.activation_formula.array(np)
    y, layer = target(z[:, :2]), np.array(model.second_layer) / p

    def mean_loss(w):
        f = activation(z @ w.T) @ layer
        return np.mean(0.5 * (y - f) ** 2 if loss == "square" else 1 - y * f)

    from onepass.simulation import sgd

    class Batches:
        def inputs(self, step, start, count):
            return z[None, start : start + count]

    direction = sgd._descent_direction(
        model, parameters(model, dimension=d, batch_size=n), weights[None], Batches(), 0, layer,
        np.array([loss == "correlation"]), Chunks(8),
    )[0]  # fmt: skip
    numeric = np.empty_like(weights)
    for index in np.ndindex(p, d):
        step = np.zeros_like(weights)
        step[index] = 1e-6
        numeric[index] = -(mean_loss(weights + step) - mean_loss(weights - step)) / 2e-6
    np.testing.assert_allclose(direction, numeric, rtol=1e-6, atol=1e-8)


def test_students_aligned_with_each_other_and_with_the_teacher():
    model = onepass.Model("He3(x1)", "He3", students=3)
    runs = onepass.simulate(
        model, onepass.Protocol(), dimension=100, batch_size=2, learning_rate=1e-4, steps=50, replicas=4,
        threshold=None, initial=("overlaps", np.ones((3, 1)), np.ones((3, 3))),
    )  # fmt: skip
    assert np.isfinite(runs.overlap).all()
    np.testing.assert_allclose(runs.student_gram.values.diagonal(axis1=-2, axis2=-1), 1, atol=1e-9)


def test_population_risk_in_both_forms_and_by_monte_carlo():
    """Series against a Monte Carlo mean of 2·10⁶ samples: 5 standard errors."""
    from onepass.simulation.chain import kernel

    model = onepass.Model("He2(x1) + x1*x2", "tanh", students=2, second_layer=(1.0, -2.0))
    factor = initial_factor("sphere", 2, 2, 10, np.random.default_rng(1))
    risk = population_risk(model, factor[:, :2], factor @ factor.T)
    compiled = kernel.population_risk(factor, np.array([0.5, -1.0]), risk_series(model))
    np.testing.assert_allclose(compiled, risk, rtol=1e-12)
    u = np.random.default_rng(2).standard_normal((2_000_000, 4))
    f = np.tanh(u @ factor.T) @ [0.5, -1.0]
    excess = 0.5 * (u[:, 0] ** 2 - 1 + u[:, 0] * u[:, 1] - f) ** 2
    assert abs(excess.mean() - risk) < 5 * excess.std() / np.sqrt(len(u))


@pytest.mark.parametrize("engine", ["chain", "sgd"])
def test_adaptive_schedule_changes_loss_once_the_risk_is_low(engine):
    """Started near the teacher, the adaptive run leaves the correlation loss and ends at a lower risk."""
    model = onepass.Model("He3(x1)", "He3")
    common = {
        "dimension": 40, "batch_size": 2000, "learning_rate": 0.02, "steps": 120, "replicas": 4,
        "threshold": None, "engine": engine, "initial": ("overlap", 0.3),
    }  # fmt: skip
    adaptive = onepass.simulate(model, onepass.Protocol("correlation", schedule="adaptive"), **common)
    plain = onepass.simulate(model, onepass.Protocol("correlation"), **common)
    assert (adaptive.risk[:, -1] < 0.2 * plain.risk[:, -1]).all()


def test_many_jobs_compile_into_one_empty_cache(tmp_path):
    """Jobs that start at once race for the same files: all of them end, with the same numbers."""
    code = """if True:
        import onepass
        runs = onepass.simulate(onepass.Model("x1", "x"), onepass.Protocol(), dimension=8, batch_size=4,
                                learning_rate=0.1, steps=5, threshold=None, seed=3)
        print(runs.overlap.values.ravel().tolist())"""
    environment = {**os.environ, "ONEPASS_CACHE": str(tmp_path)}
    jobs = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    printed = [job.communicate()[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0, 0]
    assert printed[0]
    assert printed == printed[:1] * 3
