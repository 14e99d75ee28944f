"""Runs of algorithms: what a replica depends on, how runs end, what is recorded, and what a batch refuses."""

from math import inf

import numpy as np
import onepass
import pytest
import xarray as xr
from helpers.algorithms import ONE, THREE, TWO
from onepass.protocol import Protocol
from onepass.simulation.algorithms import composed_chain, run
from onepass.simulation.algorithms.draws import Draws
from onepass.simulation.algorithms.lazy import LazyError, LazyInputs
from onepass.simulation.streams import replica_streams


@pytest.fixture(params=["compiled", "array", "sgd"])
def engine(request, monkeypatch):
    """The engine of a run, and of the engine "chain" both forms."""
    if request.param == "array":
        monkeypatch.setattr(composed_chain, "takes", lambda *_: False)
    return "sgd" if request.param == "sgd" else "chain"


def runs_of(protocol, model=TWO, **changes):
    usual = {"dimension": 16, "batch_size": 4, "learning_rate": 0.3, "steps": 12, "replicas": 3, "seed": 7}
    return onepass.simulate(model, protocol, **(usual | {"initial": ("overlap", 0.3), "threshold": None} | changes))


def test_a_replica_depends_on_the_seed_and_its_number_alone(engine, monkeypatch):
    """Not on those beside it, whether they stop earlier, nor on how many fit side by side."""
    protocol = Protocol(update="plain", momentum="heavy_ball", beta=0.5, second_layer_rate=1)
    many = runs_of(protocol, engine=engine, replicas=12, threshold=0.75)
    assert 0 < many.recovered.sum() < 12
    few = runs_of(protocol, engine=engine, replicas=4, threshold=0.75)
    steps = few.step.values[:-1]
    xr.testing.assert_allclose(few.sel(step=steps), many.isel(replica=slice(0, 4)).sel(step=steps), rtol=1e-10)
    assert (few.recovery_step.values == many.recovery_step.values[:4]).all()
    monkeypatch.setattr(run, "SIDE_BY_SIDE", 1)
    xr.testing.assert_allclose(many, runs_of(protocol, engine=engine, replicas=12, threshold=0.75), rtol=1e-10)


def test_divergence_is_an_outcome_of_a_replica(engine):
    """Of polynomials that nothing normalises; the others go on, and one that diverged never recovers."""
    protocol = Protocol(update="plain")
    runs = runs_of(protocol, ONE, engine=engine, learning_rate=0.012, steps=150, replicas=30, threshold=0.9)
    assert 0 < runs.diverged.sum() < 30
    assert runs.recovered.any()
    assert not (runs.recovered & runs.diverged).any()
    assert (runs.recovery_step.values[runs.diverged.values] == 150).all()
    assert np.isfinite(runs.overlap).all()
    assert np.isfinite(runs.student_gram).all()


def test_recovery_is_by_cosine_or_by_norm(engine):
    start = ("overlaps", [[0.6]], [[4.0]])  # of cosine 0.3
    still = {"learning_rate": 1e-12, "steps": 2, "initial": start, "engine": engine}
    still["model"] = onepass.Model("x1", "tanh")
    protocol = Protocol(update="plain")
    assert not runs_of(protocol, threshold=0.5, **still).recovered.any()
    assert runs_of(protocol, threshold=0.5, recovery="norm", **still).recovered.all()
    assert not runs_of(protocol, threshold=1.5, recovery="norm", **still).recovered.any()
    with pytest.raises(ValueError, match=r"threshold is 1.5; allowed: .* up to √p = 1"):
        runs_of(protocol, threshold=1.5, **still)
    with pytest.raises(ValueError, match="recovery 'speed' is unknown; allowed: cosine, norm"):
        runs_of(protocol, recovery="speed")
    with pytest.raises(ValueError, match="not the Gram matrix of unit vectors"):
        runs_of(Protocol(direction="rows"), threshold=0.5, **still)


def test_the_records_say_what_moves():
    fixed, moving = (runs_of(Protocol(update="plain", second_layer_rate=rate)) for rate in (0, 1))
    assert "second_layer" not in fixed
    assert moving.second_layer.dims == ("replica", "step", "student")
    np.testing.assert_array_equal(moving.second_layer.isel(step=0), [[1.0, 0.6]] * 3)
    assert abs(np.diagonal(moving.student_gram.isel(step=-1), axis1=1, axis2=2) - 1).min() > 1e-6
    assert moving.attrs["risk_truncation"] < 0.1
    assert set(moving.attrs) == {"engine", "backend", "device", "recovery", "risk_truncation"}
    assert moving.diverged.attrs["units"] == "1"


def test_the_risk_knows_norms_and_second_layer():
    runs = runs_of(Protocol(update="plain", second_layer_rate=1), steps=5).isel(step=-1)
    z = np.random.default_rng(0).standard_normal((400_000, 4))
    factor = np.hstack(
        [runs.overlap[0], np.linalg.cholesky(runs.student_gram[0] - runs.overlap[0].values @ runs.overlap[0].values.T)]
    )
    f = np.tanh(z @ factor.T) @ (runs.second_layer[0].values / 2)
    sampled = 0.5 * (z[:, 0] ** 2 - 1 + z[:, 0] * z[:, 1] - f) ** 2
    assert abs(sampled.mean() - float(runs.risk[0])) < 5 * sampled.std() / 632


@pytest.mark.parametrize(
    ("protocol", "changes", "message"),
    [
        (Protocol(update="plain"), {"engine": "gaussian"}, "engine 'gaussian' does not know protocol 'plain_square'"),
        (
            Protocol("absolute"),
            {"engine": "leap"},
            "engine 'leap' does not know protocol 'projected_absolute'; allowed: chain",
        ),
        (Protocol("absolute"), {"backend": "cupy"}, "cupy"),
        (Protocol("absolute"), {"backend": "tpu"}, "backend 'tpu' is unknown"),
        (Protocol(momentum="heavy_ball"), {"dimension": 5}, "dimension 5 is too small .* 4 vectors .* at least 6"),
        (
            Protocol("absolute"),
            {"batch_size": 10**9, "engine": "sgd"},
            "batch_size 1000000000 takes .* bytes a replica; allowed",
        ),
        (Protocol("logistic"), {}, "loss 'logistic' does not go with labels such as .*noise 0.1.*allowed: labels ±1"),
        (Protocol("correlation", smoothing=1), {}, "smoothing 1 does not go with activation 'tanh.x.'; allowed: poly"),
    ],
    ids=str,
)
def test_what_is_not_known_is_refused_in_words(protocol, changes, message):
    with pytest.raises(ValueError, match=message):
        runs_of(protocol, **changes)


def test_a_lazy_batch_says_what_it_does_not_answer():
    inputs, draws = LazyInputs(12, 1, 2, 2), Draws(replica_streams(1, 3))
    batch = inputs.batch(draws, 5)
    weights, rows = np.ones((3, 5, 1)), np.ones((3, 1, inputs.width))
    batch.combine(weights)
    with pytest.raises(LazyError, match="before the first combination"):
        batch.squared_norms()
    batch = inputs.batch(draws, 5)
    batch.squared_norms()
    with pytest.raises(LazyError, match="no new directions"):
        batch.fields(rows)


def test_a_lazy_batch_is_one_batch():
    """Fields of what was combined, read afterwards, are those of the same inputs: ``Z (Cᵀ Z)ᵀ`` has ``Cᵀ Z Zᵀ C``."""
    inputs, draws = LazyInputs(30, 1, 2, 4), Draws(replica_streams(1, 3))
    batch = inputs.batch(draws, 5)
    held = np.zeros((3, 2, inputs.width))
    held[..., :3] = np.random.default_rng(0).standard_normal((3, 2, 3))
    weights = batch.fields(held) ** 2
    rows = batch.combine(weights)
    np.testing.assert_allclose(weights.swapaxes(1, 2) @ batch.fields(rows) / 5, rows @ rows.swapaxes(1, 2), atol=1e-10)
    np.testing.assert_allclose(weights.swapaxes(1, 2) @ batch.fields(held) / 5, rows @ held.swapaxes(1, 2), atol=1e-10)
    again = batch.combine(weights)
    np.testing.assert_allclose(again, rows, atol=1e-10)


def test_settled_rows_keep_their_products():
    rows = np.random.default_rng(0).standard_normal((4, 3, 11))
    settled = LazyInputs(20, 2, 3, 6).settle(rows)
    np.testing.assert_allclose(settled @ settled.swapaxes(1, 2), rows @ rows.swapaxes(1, 2), atol=1e-12)
    np.testing.assert_array_equal(settled[..., :2], rows[..., :2])
    assert (settled[..., 5:] == 0).all()


def test_dead_students_stay_where_they_are(engine):
    """ReLU students whose gradients are 0, whatever is made of them."""
    model = onepass.Model("x1", "relu(x - 30)", students=2)
    for direction in ("normalised", "rows", "polar"):
        runs = runs_of(Protocol(direction=direction), model, steps=3, engine=engine)
        np.testing.assert_allclose(runs.overlap.isel(step=-1), runs.overlap.isel(step=0), atol=1e-12)
    assert THREE.students == 3
    assert runs.attrs["risk_truncation"] < inf
