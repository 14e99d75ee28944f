"""Runs of a given length: their cells, their data and the figures drawn from them."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from onepass import phases, rows
from onepass.aggregate import aggregate
from onepass.config import TrajectoriesExperiment
from onepass.figures import (
    adaptive_sgd,
    curves,
    giant_step,
    intra_batch_corrections,
    ode_regimes,
    weak_recovery,
    wide_student,
)
from onepass.grid import cells_of

HE3 = {"target": "He3(x1)", "activation": "He3", "students": 1, "second_layer": None, "noise": 0.0}
ERF = {"target": "erf(x1/sqrt(2))", "activation": "erf(x/sqrt(2))", "students": 1, "second_layer": None, "noise": 1e-2}


def experiment(**changes):
    settings = {
        "kind": "trajectories", "model": HE3, "protocols": ["projected_square", "spherical_square"], "mu": [0.5, 1.0],
        "dimensions": [16, 32], "n0": 1.0, "gamma0": 0.01, "delta": "line", "initial": "inverse_sqrt_d", "samples": 2.0,
        "steps": None, "records": 30, "replicas": 3, "engine": "chain", "backend": "auto", "seed": 1,
    }  # fmt: skip
    return TrajectoriesExperiment.model_validate(settings | changes)


def gathered(folder, **changes):
    listed = cells_of("runs", experiment(**changes))
    paths = [str(folder / cell.path) for cell in listed]
    rows.simulate_row(listed, paths, folder / "cache")
    return aggregate("runs", experiment(**changes), paths)


def test_the_edge_of_learning_by_hand():
    """γ = γ0 p n_b d^(-ℓ/2) and n_b T = samples d^(ℓ-1)."""
    model = HE3 | {"students": 2}
    cell = cells_of("runs", experiment(model=model, mu=[1.0], dimensions=[64], samples=10.0))[0]
    assert cell.batch_size == 64
    assert cell.learning_rate == pytest.approx(0.01 * 2 * 64 * 64**-1.5)
    assert cell.steps == 10 * 64
    assert cell.threshold is None
    assert cells_of("runs", experiment(delta=0.25))[0].learning_rate == pytest.approx(0.01 * 16**-0.25)


def test_one_length_and_no_other():
    for lengths in ({"samples": None}, {"steps": 5}):
        with pytest.raises(ValueError, match="one of them, the other null"):
            experiment(**lengths)


def test_aggregated_runs(tmp_path):
    dataset = gathered(tmp_path)
    assert dataset.overlap_norm.dims == ("protocol", "mu", "dimension", "replica", "record")
    assert dataset.step.dims == ("protocol", "mu", "dimension", "record")
    assert (dataset.step.diff("record") >= 0).all()
    np.testing.assert_allclose(dataset.overlap_norm.isel(record=0, dimension=0), 1 / 4)
    assert np.isfinite(dataset.risk).all()
    expected = np.round(2.0 * dataset.dimension**2 / dataset.batch_size)
    np.testing.assert_array_equal(dataset.step.isel(record=-1, protocol=0), expected.transpose("mu", "dimension"))
    assert all({"long_name", "units"} <= dataset[name].attrs.keys() for name in dataset.variables)


def test_theory_runs_on_the_settings_of_a_cell(tmp_path):
    """A wide grid of replicas follows the mean process: within 5 standard errors and 2 % of the first risk."""
    dataset = gathered(
        tmp_path, model=ERF, protocols=["projected_square"], mu=[1.0], dimensions=[64], delta=0.5, gamma0=4.0,
        initial=0.0, samples=None, steps=20, replicas=300,
    )  # fmt: skip
    cell = dataset.isel(protocol=0, mu=0, dimension=0)
    solved = curves.mean_process(cell, "projected_square")
    risk = cell.risk.transpose("replica", "record").values
    error = risk.std(axis=0) / np.sqrt(len(risk))
    theory = np.interp(cell.step, solved.step, solved.risk)
    assert (abs(risk.mean(axis=0) - theory) < 5 * error + 0.02 * theory[0]).all()
    assert curves.limit(cell, "projected_square").attrs["regime"] == phases.regime(1.0, 0.5)


@pytest.mark.parametrize(
    ("module", "settings"),
    [
        (weak_recovery, [{}]),
        (adaptive_sgd, [{"mu": [1.0], "dimensions": [32], "protocols": ["projected_adaptive", "projected_square"]}]),
        (wide_student, [{"model": HE3 | {"students": 2}, "dimensions": [16]}, {"mu": [1.5], "dimensions": [16]}]),
        (giant_step, [{"delta": -1.0, "samples": None, "steps": 1, "mu": [2.0, 2.5], "records": 1}]),
        (
            ode_regimes,
            [
                {
                    "model": ERF,
                    "delta": 0.75,
                    "initial": 0.0,
                    "mu": [0.5],
                    "dimensions": [32],
                    "samples": None,
                    "steps": 20,
                }
            ],
        ),
        (
            intra_batch_corrections,
            [{"model": ERF, "delta": 0.5, "gamma0": 2.0, "initial": 0.0, "mu": [1.0], "samples": None, "steps": 20}],
        ),
    ],
    ids=lambda value: value.__name__.split(".")[-1] if hasattr(value, "__name__") else "",
)
def test_figures_show_the_medians(module, settings, tmp_path):
    datasets = [gathered(tmp_path / str(i), **change) for i, change in enumerate(settings)]
    figure = module.draw(datasets)
    assert isinstance(figure, Figure)
    for ax in figure.axes:
        assert ax.has_data()
    drawn = [line.get_ydata() for ax in figure.axes for line in ax.lines]
    cell = datasets[0].isel(protocol=0, mu=0, dimension=-1)
    if module is intra_batch_corrections:
        expected = cell.risk.mean("replica").values[cell.step.values > 0][::3]
    elif module is giant_step:
        last = datasets[0].isel(protocol=0, record=-1, dimension=-1)
        expected = np.median(last.overlap_norm.transpose("mu", "replica"), axis=1)
    else:
        scale = float(datasets[0].attrs["students"]) ** 0.5 if module is wide_student else 1.0
        quantity = "risk" if module is ode_regimes else "overlap_norm"
        expected = np.median(cell[quantity].transpose("replica", "record"), axis=0)[cell.step.values > 0] / scale
    assert any(len(line) == len(expected) and np.allclose(line, expected) for line in drawn)
