"""`simulate`: what it returns, how it stops, what it refuses."""

import numpy as np
import onepass
import pytest
import xarray as xr

MODEL = onepass.Model("He3(x1)", "He3")
NOISY = onepass.Model("He3(x1)", "He3", noise=0.3)
COMMON = {"dimension": 64, "batch_size": 64, "learning_rate": 3e-3, "steps": 2000, "replicas": 6, "seed": 7}


def run(model=MODEL, **changes):
    return onepass.simulate(model, onepass.Protocol(), **(COMMON | {"initial": ("overlap", 0.125)} | changes))


@pytest.mark.parametrize("engine", ["chain", "sgd"])
def test_replicas_stop_at_the_threshold_or_the_budget_and_say_which(engine):
    runs = run(engine=engine, steps=300, replicas=12)
    norm = np.sqrt((runs.overlap**2).sum(["student", "teacher"]))
    assert runs.recovered.any()
    assert (norm.isel(step=-1).values >= 0.5).tolist() == runs.recovered.values.tolist()
    assert (runs.recovery_step.values[~runs.recovered.values] == 300).all()
    assert runs.step[0] == 0
    assert runs.step[-1] == runs.recovery_step.max()
    assert np.isfinite(runs.risk).all()


@pytest.mark.parametrize("engine", ["chain", "sgd"])
def test_without_a_threshold_every_step_is_run(engine):
    runs = run(engine=engine, threshold=None, steps=40, records=10)
    assert runs.step[-1] == 40
    assert not runs.recovered.any()
    assert (np.diff(runs.step) > 0).all()


@pytest.mark.parametrize("engine", ["chain", "sgd"])
def test_a_recovered_start_takes_no_step(engine):
    runs = run(engine=engine, initial=("overlap", 0.6))
    assert runs.recovered.all()
    assert (runs.recovery_step == 0).all()
    assert runs.step.values.tolist() == [0]


@pytest.mark.parametrize("engine", ["chain", "sgd"])
def test_a_replica_depends_on_the_seed_and_its_number_alone(engine, monkeypatch):
    monkeypatch.setattr("onepass.simulation.sgd.CHUNK", 2**14)  # several chunks a batch
    few = run(NOISY, engine=engine, replicas=2, steps=50, threshold=None)
    many = run(NOISY, engine=engine, replicas=5, steps=50, threshold=None)
    xr.testing.assert_identical(few, many.isel(replica=slice(0, 2)))
    xr.testing.assert_identical(
        run(NOISY, engine=engine, replicas=[4, 2], steps=50, threshold=None), many.isel(replica=[4, 2])
    )
    other = run(NOISY, engine=engine, replicas=2, steps=50, threshold=None, seed=8)
    assert (few.overlap.isel(step=-1) != other.overlap.isel(step=-1)).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimension": 0}, "dimension is 0"),
        ({"dimension": -4}, "dimension is -4"),
        ({"dimension": 10.0}, "dimension is 10.0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2**60}, "batch_size is"),
        ({"replicas": 0}, "replicas is 0"),
        ({"replicas": []}, "replicas is 0"),
        ({"replicas": [1, -1]}, r"replicas is \[1, -1\]; allowed: how many, or numbers from 0, each once"),
        ({"replicas": [1, 1]}, r"replicas is \[1, 1\]"),
        ({"replicas": "64"}, "replicas is '64'"),
        ({"replicas": range(2), "backend": "cupy"}, "allowed with backend 'cupy': how many"),
        ({"steps": -1}, "steps is -1"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"learning_rate": "0.1"}, "learning_rate is '0.1'"),
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"threshold": 5.0}, "threshold is 5.0; allowed: .* up to √p = 1"),
        ({"threshold": "a"}, "threshold is 'a'"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "a"}, "seed is 'a'"),
        ({"initial": ("overlap", "a")}, "initial .* is unknown"),
        ({"initial": ("overlaps", [[0.1]], [[1.000009]])}, "not the Gram matrix of unit vectors"),
        ({"engine": "sgd", "dimension": 1, "initial": ("overlaps", [[0.1]], [[1.0]])}, "dimension 1 is below"),
        ({"engine": "magic"}, "engine 'magic' is unknown; allowed: chain, sgd"),
        ({"backend": "tpu"}, "backend 'tpu' is unknown"),
        ({"backend": "cupy"}, "cupy"),
        ({"dimension": 2}, "allowed: at least 3"),
        ({"initial": "cube"}, "initial 'cube' is unknown"),
        ({"initial": ("overlap", 1.5)}, "overlap 1.5"),
        ({"initial": ("overlaps", [[0.9]], [[0.5]])}, "not the Gram matrix of unit vectors"),
        ({"initial": ("overlaps", [[1.2]], [[1.0]])}, "no students have such overlaps"),
    ],
)
def test_bad_parameters_are_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        run(**changes)


@pytest.mark.parametrize("engine", ["chain", "sgd"])
def test_a_diverging_run_is_an_error_that_names_its_parameters(engine):
    with pytest.raises(FloatingPointError, match=r"projected_square.*dimension 64.*learning_rate 1e\+200"):
        run(engine=engine, learning_rate=1e200, threshold=None)
