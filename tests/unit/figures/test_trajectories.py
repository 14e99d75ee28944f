"""Figures of runs of a given length show the medians of their data, and the theory beside them."""

import numpy as np
import pytest
from helpers.trajectories import ERF, HE3, PAIR, gathered
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
from onepass.theory import exponents


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
