"""The mean process for inputs with blocks, against steps in d dimensions, the isotropic one, and runs of the chain."""

from dataclasses import replace
from math import sqrt

import numpy as np
import onepass
import pytest
from helpers.algorithms import TWO
from helpers.processes import PROTOCOLS, named
from onepass.inputs.kind import Covariance
from onepass.protocol import Loss, Update
from onepass.theory.block_process import increments
from onepass.theory.dynamics import solve_dynamics
from onepass.theory.moment_quadrature import white_moments

P = onepass.Protocol
MODEL = onepass.Model("He2(x1) + x1*x2", "He2", students=2, second_layer=(1, -0.6), noise=0.1)
SMOOTH = onepass.Model("He2(x1) + x1", "tanh", noise=0.1)
UNEVEN = Covariance((1, 4, 5), (3.0, 0.5, 1.2), (0.0, 0.3, 0.7))


@pytest.mark.parametrize("protocol", [*PROTOCOLS, P(update="plain")], ids=named)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_step_has_the_mean_of_steps_in_d_dimensions(protocol, batch_size):
    """Before the norms are restored, exactly: 21 means at 5 standard errors, one false alarm in 8·10⁴ seeds."""
    d, p, k, runs = sum(UNEVEN.dimensions), 2, 2, 60_000
    rng, layer = np.random.default_rng(5), MODEL.output_weights
    block = np.repeat(np.arange(3), UNEVEN.dimensions)
    w = rng.standard_normal((p, d))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    teacher = np.zeros((k, d))
    for b, (first, length) in enumerate(zip((0, 1, 5), UNEVEN.teacher_frame, strict=True)):
        for r in range(k if b else 0):
            teacher[r, first + r] = length
    z = rng.standard_normal((runs, batch_size, d)) * np.sqrt(UNEVEN.variances)[block]
    fields = z @ w.T
    error = MODEL.target_formula.array(np)(z @ teacher.T) + sqrt(MODEL.noise) * rng.standard_normal(z.shape[:2])
    if protocol.loss == Loss.SQUARE:
        error -= (fields**2 - 1) @ layer
    c = layer * 2 * fields * error[..., None]
    step = np.einsum("sbj,sbi->sji", c, z) / batch_size
    if protocol.update == Update.SPHERICAL:
        step -= np.einsum("sji,ji->sj", step, w)[..., None] * w

    every = np.vstack([teacher, w])
    gram = np.stack([every[:, block == b] @ every[:, block == b].T for b in range(3)])
    whole = np.einsum("b,bij->ij", UNEVEN.variances, gram)
    means = white_moments(protocol.loss, MODEL, whole[k:, :k], whole[k:, k:], layer, 5)
    bc = 1 - 1 / batch_size
    first, second = increments(means, gram, UNEVEN, layer, batch_size, bc, protocol.update)
    parts = [step[:, :, block == b] for b in range(3)]
    products = [np.einsum("sji,vi->sjv", part, every[:, block == b]) for b, part in enumerate(parts)]
    squares = [part @ part.swapaxes(1, 2) for part in parts]
    for found, expected in [*zip(products, first, strict=True), *zip(squares, second, strict=True)]:
        deviation = found.std(axis=0) / sqrt(runs)
        assert (abs(found.mean(axis=0) - expected) <= 5 * deviation + 1e-12).all()


@pytest.mark.parametrize("protocol", [*PROTOCOLS, P(update="plain", weight_decay=0.3, second_layer_rate=1)], ids=named)
@pytest.mark.parametrize("model", [MODEL, SMOOTH], ids=["polynomial", "tanh"])
def test_equal_blocks_have_the_isotropic_process(model, protocol):
    settings = {"dimension": 20, "batch_size": 4, "learning_rate": 0.05, "steps": 10, "initial": ("overlap", 0.3)}
    blocks = replace(model, inputs="blocks_0.25v1t0.7_0.25v1t0.1_0.5v1t0.2")
    found, expected = (solve_dynamics(own, protocol, records=4, **settings) for own in (blocks, model))
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-7)


def test_the_process_is_the_mean_of_the_chain():
    """Within 4 standard errors of 400 replicas and 5/d for the fluctuations that a mean neglects, at every record."""
    model = replace(TWO, inputs="blocks_0.5v2t0.1_0.5v0.5t0.9")
    settings = {"dimension": 1600, "batch_size": 400, "learning_rate": 0.5, "steps": 30, "initial": ("overlap", 0.3)}
    runs = onepass.simulate(model, P(), replicas=400, threshold=None, seed=2, records=5, **settings)
    theory = solve_dynamics(model, P(), records=5, **settings)
    for name in theory:
        mean, error = runs[name].mean("replica"), runs[name].std("replica") / sqrt(400)
        assert float((abs(theory[name] - mean) - 4 * error).max()) < 5 / 1600, name
    assert float(abs(theory.overlap[-1] - theory.overlap[0]).max()) > 0.1


def test_what_the_equations_cannot_do_is_said():
    model = replace(MODEL, inputs="blocks_0.5v2t0.1_0.5v0.5t0.9")
    settings = {"dimension": 40, "steps": 2, "batch_size": 4, "learning_rate": 0.1}
    with pytest.raises(ValueError, match=r"does not go with inputs 'blocks_.*; allowed: \('overlap'"):
        solve_dynamics(model, P(), initial=("overlaps", np.zeros((2, 2)), np.eye(2)), **settings)
    with pytest.raises(ValueError, match=r"equation 'limit' does not know inputs"):
        solve_dynamics(model, P(), initial=("overlap", 0.1), equation="limit", dimension=40, steps=2, mu=1.0, delta=1.0,
                       batch_prefactor=1.0, learning_rate_prefactor=1.0)  # fmt: skip
    wide = onepass.Model("x1*x2*x3", "tanh", students=4, inputs="spike3a0.5")
    with pytest.raises(ValueError, match="quadrature over 7 fields cannot be afforded with inputs that have blocks"):
        solve_dynamics(wide, P(), initial=("overlap", 0.1), **settings)
