"""Means of one step of the chain against the theory and Gaussian integrals."""

import numpy as np
import onepass
import pytest
from helpers.runs import parameters
from onepass.gaussian.risk import population_risk, risk_series
from onepass.simulation.chain.batch_law import NO_LAW
from onepass.simulation.chain.build import model_kernel
from onepass.simulation.initial import initial_factor
from onepass.simulation.streams import replica_streams


def mean_change(activation, overlap, *, dimension, batch_size, learning_rate, noise, replicas=5000):
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
    """E[Δm] of the projected step to order γ²; 5 standard errors, false alarms below 1e-5 in all.

    What counts is how many samples all replicas draw, and d/n_b; replicas cost more than samples.
    """
    d, n_b, noise = 3200, 1600, 0.5
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
