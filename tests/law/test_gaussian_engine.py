"""The engine for very large batches: exact means and covariances, the chain's law at large n_b and not at small."""

import numpy as np
import onepass
import pytest
from helpers.laws import assert_other_law, assert_same_law, last_numbers
from helpers.runs import parameters
from onepass.choices import BASIC_LOSSES
from onepass.gaussian.quadrature import product_rule
from onepass.protocol import Loss
from onepass.simulation.chain import batch_law
from onepass.simulation.chain.build import model_kernel

HE3 = onepass.Model("He3(x1)", "He3", noise=0.4)
PAIR = onepass.Model("He2(x1) + x2", "He2", students=2, second_layer=(1.0, -0.5), noise=0.4)
TWINS = onepass.Model("He2(x1)", "He2", students=2, noise=0.4)  # even: half of the nodes do
FACTORS = {
    TWINS: np.array([[0.5, np.sqrt(0.75), 0.0], [-0.2, 0.6, np.sqrt(0.6)]]),
    HE3: np.array([[0.6, 0.8]]),
    PAIR: np.array([[0.3, 0.1, np.sqrt(0.9), 0.0], [0.2, -0.4, 0.5, np.sqrt(0.55)]]),
}


def sample(model, factor, u, noise, loss):
    """c u and c cᵀ of single samples, flat: (n, p (k + p) + p²)."""
    layer, fields = model.output_weights, u @ factor.T
    error = model.target_formula.array(np)(u[:, : model.teachers]) + noise
    if loss == Loss.SQUARE:
        error = error - model.activation_formula.array(np)(fields) @ layer
    c = layer * model.activation_formula.array(np, derivative=True)(fields) * error[:, None]
    return np.concatenate([(c[:, :, None] * right[:, None]).reshape(len(u), -1) for right in (u, c)], axis=1)


def exact(model, loss):
    """Mean and covariance of one sample by a rule with more nodes than the engine's, label noise a coordinate."""
    points, weights = product_rule(14, model.students + model.teachers + 1)
    found = sample(model, FACTORS[model], points[:, :-1], np.sqrt(model.noise) * points[:, -1], loss)
    mean = weights @ found
    return mean, (found.T * weights) @ found - np.outer(mean, mean)


def drawn(form, model, law, loss, n_b, draws):
    """The sums drawn by a form of the engine, flat as `sample`, and its radial sums."""
    code, factor, rng = model_kernel(model, form), FACTORS[model], np.random.default_rng(8)
    p, k = model.students, model.teachers
    layer = model.output_weights
    fields, drift, gram, found = np.empty((p, 3)), np.empty((p, k + p)), np.empty((p, p)), []
    own, work = parameters(model, batch_size=n_b), code.workspace(law)
    for _ in range(draws):
        code.batch_sums(rng, factor, layer, own, int(loss), law, work, fields, drift, gram)
        np.testing.assert_allclose(fields[:, 2], (drift * factor).sum(axis=1), rtol=1e-9)
        whole = np.tril(gram) + np.tril(gram, -1).T
        found.append(np.concatenate([drift.ravel(), n_b * whole.ravel()]))
    return np.array(found)


@pytest.mark.parametrize("loss", BASIC_LOSSES, ids=str)
@pytest.mark.parametrize("form", ["series", "nodes", "pair", "twins"])
def test_sums_have_the_exact_mean_and_covariance(form, loss):
    """Within 5 standard errors of 4,000 draws each; false alarms below 1e-3 in all."""
    model = {"pair": PAIR, "twins": TWINS}.get(form, HE3)
    name, law, error = batch_law.batch_law(model)
    assert (name, error) == ("series" if model is HE3 else "nodes", 0)
    if form == "nodes":
        points, weights = product_rule(11, 2)
        law = batch_law.NO_LAW._replace(points=points, weights=weights)
    n_b, draws = 10**6, 4000
    found, (mean, covariance) = (
        drawn("series" if form == "series" else "nodes", model, law, loss, n_b, draws),
        exact(model, loss),
    )
    spread = np.sqrt(np.diag(covariance))
    assert (spread > 0).all()
    assert (abs(found.mean(axis=0) - mean) < 5 * spread / np.sqrt(n_b * draws)).all()
    error = np.sqrt((np.outer(spread, spread) ** 2 + covariance**2) / draws)
    assert (abs(np.cov(found.T) * n_b - covariance) < 5 * error).all()


def runs(engine, batch_size, steps, update="projected", model=HE3):
    return onepass.simulate(
        model,
        onepass.Protocol(update=update),
        dimension=400,
        batch_size=batch_size,
        learning_rate=0.0025 * min(1, batch_size / 400),
        steps=steps,
        replicas=2000,
        engine=engine,
        threshold=None,
        initial=("overlap", 0.2),
        records=0,
        seed=len(engine),
    )


@pytest.mark.parametrize("model", [HE3, PAIR], ids=["p1", "p2"])
@pytest.mark.parametrize("update", ["projected", "spherical"])
def test_large_batches_have_the_law_of_the_chain(model, update):
    """By 2000 replicas."""
    chain, gaussian = (runs(e, 2000, 8, update, model) for e in ("chain", "gaussian"))
    assert gaussian.attrs["engine"] == "gaussian"
    assert_same_law(last_numbers(gaussian), last_numbers(chain), cases=4)


def test_small_batches_have_not():
    chain, gaussian = (runs(e, 4, 1) for e in ("chain", "gaussian"))
    assert_other_law(last_numbers(gaussian), last_numbers(chain))
