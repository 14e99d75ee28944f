"""Runs of a given length: their cells, their data and the figures drawn from them."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from onepass.figures import (
    adaptive_sgd,
    curves,
    giant_step,
    intra_batch_corrections,
    leap,
    multi_index,
    ode_regimes,
    weak_recovery,
    wide_student,
)
from onepass.pipeline import row
from onepass.pipeline.aggregate import aggregate
from onepass.pipeline.config import TrajectoriesExperiment
from onepass.pipeline.grid import cells_of
from onepass.theory import exponents

HE3 = {"target": "He3(x1)", "activation": "He3", "students": 1, "second_layer": None, "noise": 0.0}
ERF = {"target": "erf(x1/sqrt(2))", "activation": "erf(x/sqrt(2))", "students": 1, "second_layer": None, "noise": 1e-2}
LEAP = {"activation": "x + He2(x) + He3(x)/2", "students": 1, "second_layer": None, "noise": 0.0}
STAIRCASE = LEAP | {"target": "x1 + x1*x2 + x1*x2*x3"}
PRODUCT = LEAP | {"target": "x1*x2*x3"}
PAIR = {"target": "tanh(x1*x2*x3)", "activation": "tanh", "students": 2, "second_layer": [1, -1], "noise": 1e-6}


def experiment(**changes):
    settings = {
        "kind": "trajectories", "model": HE3, "protocols": ["projected_square", "spherical_square"], "mu": [0.5, 1.0],
        "dimensions": [16, 32], "n0": 1.0, "gamma0": 0.01, "delta": "line", "initial": "inverse_sqrt_d", "samples": 2.0,
        "steps": None, "records": 30, "replicas": 3, "engine": "chain", "gaussian_from": None, "backend": "auto",
        "seed": 1,
    }  # fmt: skip
    return TrajectoriesExperiment.model_validate(settings | changes)


def gathered(folder, **changes):
    listed = cells_of("runs", experiment(**changes))
    paths = [str(folder / cell.path) for cell in listed]
    row.simulate_row(listed, paths, folder / "cache")
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
    stair = cells_of("runs", experiment(model=STAIRCASE, mu=[0.5], dimensions=[64], samples=10.0))[0]
    assert stair.learning_rate == pytest.approx(0.01 * 8 / 64), "ℓ = 1 costs what ℓ = 2 does: d samples"
    assert stair.steps == 10 * 64 / 8


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
    assert dataset.overlaps.dims == (*dataset.overlap_norm.dims, "student", "teacher")
    np.testing.assert_allclose(np.linalg.norm(dataset.overlaps, axis=(-2, -1)), dataset.overlap_norm)
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
    assert curves.limit(cell, "projected_square").attrs["regime"] == exponents.regime(1.0, 0.5)


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


def climb(folder, model, samples):
    """Runs of 6400 samples at d = 64."""
    return gathered(
        folder, model=model, protocols=["projected_correlation"], mu=[0.5], dimensions=[64], gamma0=0.01,
        samples=samples, replicas=8, engine="sgd",
    )  # fmt: skip


def test_a_staircase_is_climbed_while_its_highest_stair_waits(tmp_path):
    """Stair by stair in order; with as many samples x1*x2*x3 has hardly left its start of 1/8, of 0.58 to come."""
    staircase, product = climb(tmp_path / "a", STAIRCASE, 100.0), climb(tmp_path / "b", PRODUCT, 100.0 / 64)
    assert int(staircase.step.max()) == int(product.step.max())
    cell = staircase.isel(protocol=0, mu=0, dimension=0)
    samples = cell.step.values * float(cell.batch_size)
    median = cell.overlaps.median("replica").isel(student=0).values
    reached = [leap.samples_to(samples, overlap, 0.2) for overlap in median.T]
    assert 2 * reached[0] < reached[1] < reached[2] / 1.5
    assert (median[-1] > [0.6, 0.4, 0.2]).all()
    assert (product.overlaps.isel(record=-1).median("replica") < 0.16).all()

    figure = leap.draw([staircase, product])
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    for line, expected in zip(drawn, median[1:].T, strict=True):
        np.testing.assert_allclose(line, expected)
    points = [line.get_ydata() for line in figure.axes[-1].lines if line.get_marker() == "o"]
    expected = [leap.samples_to(samples, overlap, leap.LEVEL) for overlap in median.T]
    np.testing.assert_allclose(np.ravel(points), expected)


def test_samples_to_a_level():
    samples = np.array([0.0, 1.0, 100.0, 1e4])
    assert leap.samples_to(samples, np.array([0.1, 0.1, 0.3, 0.4]), 0.2) == pytest.approx(10)
    assert leap.samples_to(samples, np.array([0.1, 0.2, 0.3, 0.4]), 0.2) == 1
    assert np.isnan(leap.samples_to(samples, np.array([0.1, 0.1, 0.1, 0.1]), 0.2))
    for start in (0, 1):
        assert np.isnan(leap.samples_to(samples[start:], np.full(4 - start, 0.3), 0.2)), "there from the start"


def test_every_student_is_drawn(tmp_path):
    """And with the correlation loss they recover where the flow of single students does: within a factor of 2."""
    settings = {"model": PAIR, "protocols": ["projected_correlation"], "mu": [1.0], "dimensions": [32]}
    runs = gathered(tmp_path, **settings, initial="sphere", gamma0=0.5, samples=50.0, replicas=12, engine="sgd")
    norms = np.linalg.norm(runs.overlaps[0, 0, 0], axis=-1).swapaxes(0, 1).reshape(runs.sizes["record"], -1)
    figure = multi_index.draw([runs, runs])
    assert len(figure.axes) == 2
    lines = figure.axes[0].lines
    for line, norm in zip(lines, norms.T, strict=False):
        np.testing.assert_allclose(line.get_ydata(), norm[1:])
    median, flow = lines[norms.shape[1]], lines[norms.shape[1] + 1]
    np.testing.assert_allclose(median.get_ydata(), np.median(norms, axis=1)[1:])
    recovered = [leap.samples_to(line.get_xdata(), line.get_ydata(), 0.8) for line in (median, flow)]
    assert 0.5 < recovered[0] / recovered[1] < 2
