"""The mean process against samples of a step and against runs of the chain."""

from math import sqrt

import numpy as np
import onepass
import pytest
from helpers.processes import CORRELATION, ERF, HE2, ONE, PROTOCOLS, SQUARE, TWO, WARM, named
from onepass.protocol import Loss, Update
from onepass.theory.dynamics import solve_dynamics
from onepass.theory.mean_kernel import Scales, increments
from onepass.theory.moments import expectations


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=named)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_step_has_the_mean_of_steps_in_d_dimensions(protocol, batch_size):
    """Before the norms are restored, exactly: 7 means at 5 standard errors, one false alarm in 2·10⁵ seeds."""
    d, p, k, rate, runs = 7, 2, 2, 0.8, 120_000
    model = onepass.Model("erf(x1/sqrt(2)) + 0.5*erf(x2/sqrt(2))", ERF, students=p, second_layer=(1, -0.6), noise=0.1)
    rng = np.random.default_rng(5)
    w = rng.standard_normal((p, d))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    overlap, gram, layer = w[:, :k].copy(), w @ w.T, model.output_weights
    z = rng.standard_normal((runs, batch_size, d))
    fields = z @ w.T
    error = model.target_formula.array(np)(z[..., :k]) + sqrt(model.noise) * rng.standard_normal(z.shape[:2])
    if protocol.loss == Loss.SQUARE:
        error -= model.activation_formula.array(np)(fields) @ layer
    c = layer * model.activation_formula.array(np, derivative=True)(fields) * error[..., None]
    step = np.einsum("sbj,sbi->sji", c, z) / batch_size
    if protocol.update == Update.SPHERICAL:
        step -= np.einsum("sji,ji->sj", step, w)[..., None] * w
    moved = w + rate * step
    changes = np.concatenate(
        [(moved[..., :k] - overlap).reshape(runs, -1), (moved @ moved.swapaxes(1, 2) - gram).reshape(runs, -1)], axis=1
    )

    moments = expectations(model, protocol.loss, overlap, gram).moments
    scales = Scales(first=1.0, hd=(d - p - k) / batch_size, length=1 / batch_size, bc=1 - 1 / batch_size)
    d_overlap, d_gram = np.empty((p, k)), np.empty((p, p))
    increments(overlap, gram, layer, moments, scales, rate, int(protocol.update), d_overlap, d_gram)
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
