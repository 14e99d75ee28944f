"""Exact Gaussian means of a step against those of samples."""

from math import sqrt

import numpy as np
import pytest
from helpers.moments import MODELS, state
from onepass.choices import BASIC_LOSSES
from onepass.protocol import Loss
from onepass.theory.moments import expectations


@pytest.mark.parametrize("loss", BASIC_LOSSES, ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_exact_means_equal_those_of_samples(name, loss):
    """At most 52 means at 5 standard errors: were samples drawn anew, one in 3·10⁴ such tests would fail by chance.

    Samples are wider than the inputs and weighted for it, or powers up to the 14th would have no Gaussian mean.
    """
    model, _, _ = MODELS[name]
    p, k = model.students, model.teachers
    overlap, gram = state(model, seed=1)
    rng, count = np.random.default_rng(2), 200_000
    wide = 1.5
    u = wide * rng.standard_normal((count, k + p))
    weight = wide ** (k + p) * np.exp(-0.5 * (1 - wide**-2) * (u**2).sum(axis=1))
    fields = u @ np.hstack([overlap, np.linalg.cholesky(gram - overlap @ overlap.T + 1e-14 * np.eye(p))]).T
    layer = model.output_weights
    excess = model.target_formula.array(np)(u[:, :k]) - model.activation_formula.array(np)(fields) @ layer
    error = excess + sqrt(model.noise) * rng.standard_normal(count)
    if loss == Loss.CORRELATION:
        error += model.activation_formula.array(np)(fields) @ layer
    g = model.activation_formula.array(np, derivative=True)(fields) * error[:, None]
    squares = fields**2
    products = g[:, :, None] * g[:, None, :]
    samples = {
        "psi": g[:, :, None] * u[:, None, :k],
        "gf": g[:, :, None] * fields[:, None, :],
        "hd": products,
        "length": products * (u**2).sum(axis=1)[:, None, None],
        "radial": products
        * (squares[:, :, None] + squares[:, None, :] - gram * fields[:, :, None] * fields[:, None, :]),
        "risk": 0.5 * excess**2,
    }
    means = expectations(model, loss, overlap, gram)
    exact = means.moments._asdict() | {"risk": means.risk}
    for key, value in samples.items():
        value = value * weight.reshape(-1, *[1] * (value.ndim - 1))
        z = (value.mean(axis=0) - exact[key]) / (value.std(axis=0) / sqrt(count))
        assert abs(z).max() < 5, key
    drift = np.einsum("s,sj,sr->jr", weight, g, u) / count
    np.testing.assert_allclose(exact["bc"], drift @ drift.T, atol=0.05 * abs(exact["bc"]).max() + 1e-3)
