"""The figure of power laws shows its runs, the exact mean of linear ones, and the powers that both end with."""

import numpy as np
import pytest
from helpers.trajectories import gathered
from onepass.figures import power_law
from onepass.inputs.described import inputs_of
from onepass.theory.power_law import mean_risk

LINEAR = {"target": "x1", "activation": "x", "students": 1, "second_layer": None, "noise": 0.0}
PAIR = LINEAR | {"target": "mean(erf(x1/sqrt(2)), erf(x2/sqrt(2)))", "activation": "erf(x/sqrt(2))", "students": 2}
NAMES = ("spectrum1.5x12_first", "spectrum1.5x12t0.5_first")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    settings = {"protocols": ["plain_square"], "mu": [0.0], "n0": 4.0, "delta": 0.0, "gamma0": 0.1, "samples": None}
    settings |= {"dimensions": [100], "engine": "sgd", "steps": 100, "records": 20, "replicas": 3}
    return [gathered(tmp_path_factory.mktemp("runs"), model=model | {"inputs": name}, **settings)
            for model in (LINEAR, PAIR) for name in NAMES]  # fmt: skip


def test_linear_students_have_the_mean_of_inputs_without_blocks(datasets):
    runs = datasets[1].isel(protocol=0, mu=0, dimension=0)
    covariance = inputs_of("spectrum1.5x1000t0.5_first").at(100, 1)
    assert len(covariance.dimensions) == 100
    expected = mean_risk(covariance, 0.1, 4, runs.step.values, 0.1)
    np.testing.assert_allclose(power_law.exact(runs), expected)
    assert power_law.exact(datasets[2].isel(protocol=0, mu=0, dimension=0)) is None
    runs.attrs = runs.attrs | {"initial": "sphere"}
    assert power_law.exact(runs) is None


def test_powers_are_those_of_the_last_decade(datasets):
    runs = datasets[0].isel(protocol=0, mu=0, dimension=0)
    steps, replicas = runs.step.values, runs.sizes["replica"]
    planted = np.where(steps < 10, 1.0, 10.0**0.7 * np.maximum(steps, 1.0) ** -0.7)
    planted = planted * np.arange(1, replicas + 1)[:, None]
    middle, error = power_law.slopes(runs.assign(risk=(("replica", "record"), planted)))
    assert middle == pytest.approx(0.7)
    assert error == pytest.approx(0, abs=1e-12)


@pytest.mark.filterwarnings("error")
def test_runs_and_exponents_are_drawn(datasets):
    figure = power_law.draw(datasets)
    linear, pair, exponents = figure.axes
    assert linear.get_title() == "linear student"
    assert pair.get_title() == "committee of 2"
    runs = datasets[0].isel(protocol=0, mu=0, dimension=0)
    mean = power_law.exact(runs)[1:]
    assert any(len(line.get_ydata()) == len(mean) and np.allclose(line.get_ydata(), mean) for line in linear.lines)
    values = datasets[2].isel(protocol=0, mu=0, dimension=0).risk.transpose("replica", "record").values[1, 1:]
    assert any(len(line.get_ydata()) == len(values) and np.allclose(line.get_ydata(), values) for line in pair.lines)
    marks = [line for line in exponents.lines if line.get_marker() in ("o", "s")]
    assert len(marks) == 4
    first = power_law.slopes(runs)[0] - (1.5 - 1) / 1.5
    assert any(line.get_ydata()[0] == pytest.approx(first) for line in marks)
    figure.draw_without_rendering()
