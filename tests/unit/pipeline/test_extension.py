"""More replicas and steps of what is there: what comes of them is what a run from nothing gives, byte for byte."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.cells import outputs, simulated
from onepass.pipeline import cell as cells
from onepass.pipeline.grid import cells_of
from onepass.simulation import simulate as module

FORMS = {
    "chain": {"batch_size": 64},
    "sgd": {"engine": "sgd", "dimension": 16},
    "gaussian": {"engine": "gaussian", "batch_size": 4000, "learning_rate": 4.3e-3},
    "leap": {"engine": "leap", "tolerance": 0.1, "batch_size": 64},
    "adaptive": {"protocol": "projected_adaptive", "students": 2},
    "adaptive, dense": {
        "protocol": "projected_adaptive",
        "students": 2,
        "engine": "sgd",
        "dimension": 16,
        "learning_rate": 1e-2,
    },
    "composed": {"protocol": "plain_absolute_heavyball0.5_layer1", "recovery": "cosine"},
    "composed, dense": {"protocol": "spherical_absolute", "engine": "sgd", "dimension": 16},
    "in arrays": {"protocol": "plain_adaptive", "recovery": "cosine", "batch_size": 64, "learning_rate": 1e-2},
    "seen again": {"protocol": "spherical_square_passes2"},
    "smoothed": {"protocol": "spherical_correlation_smoothed0.5"},
    "blocks": {"inputs": "spike9a0.5", "initial": 0.01, "learning_rate": 2e-3},
}
SINGLE = [form for form in FORMS if form != "leap"]  # whose steps do not know the budget


@pytest.fixture
def cell(small_grid):
    (first, *_) = cells_of("he3", small_grid)
    return replace(
        first, replicas=5, dimension=64, batch_size=16, learning_rate=3e-2, steps=30, noise=0.1, threshold=0.5
    )


@pytest.fixture
def run(monkeypatch):
    """Numbers of replicas of each simulation."""
    numbers, real = [], module.simulate
    monkeypatch.setattr(module, "simulate", lambda *a, **b: numbers.append(b["replicas"]) or real(*a, **b))
    return numbers


def result(cell, folder):
    (file,) = simulated([cell], folder)
    return Path(file).read_bytes()


@pytest.mark.parametrize("records", [0, 6])
@pytest.mark.parametrize("form", FORMS)
def test_more_replicas_and_fewer(form, records, cell, tmp_path, run):
    few = replace(cell, **FORMS[form], records=records)
    many = replace(few, replicas=9)
    whole = result(many, tmp_path / "at once")
    first = result(few, tmp_path / "first")
    run.clear()
    assert result(many, tmp_path / "first") == whole
    assert result(few, tmp_path / "at once") == first
    assert run == [[5, 6, 7, 8]], "of fewer replicas the first are taken"


@pytest.mark.parametrize("form", SINGLE)
def test_more_steps_and_fewer(form, cell, tmp_path, run):
    short = replace(cell, **FORMS[form], replicas=9)
    long = replace(short, steps=120)
    wholes = [result(each, tmp_path / str(each.steps)) for each in (short, long)]
    run.clear()
    assert result(long, tmp_path / "30") == wholes[1]
    (missing,) = run
    assert 0 < len(missing) < 9, "those that had not recovered"
    assert result(short, tmp_path / "120") == wholes[0]
