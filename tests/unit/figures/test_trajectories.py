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


def test_theory_runs_on_the_settings_of_the_runs(tmp_path):
    """A wide grid of replicas follows the mean process: within 5 standard errors and 2 % of the first risk."""
    dataset = gathered(
        tmp_path, model=ERF, protocols=["projected_square"], mu=[1.0], dimensions=[64], delta=0.5, gamma0=4.0,
        initial=0.0, samples=None, steps=20, replicas=300,
    )  # fmt: skip
    runs = dataset.isel(protocol=0, mu=0, dimension=0)
    solved = curves.mean_process(runs, "projected_square")
    risk = runs.risk.transpose("replica", "record").values
    error = risk.std(axis=0) / np.sqrt(len(risk))
    theory = np.interp(runs.step, solved.step, solved.risk)
    assert (abs(risk.mean(axis=0) - theory) < 5 * error + 0.02 * theory[0]).all()
    assert curves.limit(runs, "projected_square").attrs["regime"] == exponents.regime(1.0, 0.5)


@pytest.mark.parametrize("initial", ["inverse_sqrt_d", "sphere", 0.2])
@pytest.mark.parametrize("delta", ["line", 0.5])
def test_scalings_and_starts_are_those_of_the_data(delta, initial, tmp_path):
    """A mean process from the sphere begins at a typical overlap: that of half the runs is larger."""
    settings = {"model": HE3 | {"students": 2}, "mu": [1.25], "n0": 2.0, "protocols": ["projected_correlation"]}
    settings |= {"dimensions": [64], "delta": delta, "initial": initial, "samples": None, "steps": 2, "replicas": 100}
    dataset = gathered(tmp_path, **settings)
    runs = dataset.isel(protocol=0, mu=0, dimension=0)
    prefactor, found = curves.learning_rate(runs)
    n_b = int(runs.batch_size)
    assert prefactor * 64**-found == pytest.approx(float(runs.learning_rate), rel=0.5 / n_b + 1e-9), "n_b is rounded"
    assert curves.batch(runs, runs.mu) == r"n_b = 2\,d^{\,1.25}"
    assert curves.samples_used(runs)[-1] == 2 * n_b
    starts = runs.overlaps.isel(record=0, teacher=0).values
    begun = float(curves.mean_process(runs, "projected_correlation").overlap[0, 0, 0])
    if initial == "sphere":
        assert 0.3 < (starts > begun).mean() < 0.7  # of 200 independent overlaps: 5.7 standard deviations
    else:
        np.testing.assert_allclose(starts, begun)


def test_the_flow_of_single_students_takes_the_samples_of_their_learning_rate(tmp_path):
    """At a fixed δ it takes more of them the larger the batch; on the line of the edge of learning as many."""
    settings = {"model": PAIR, "protocols": ["projected_correlation"], "mu": [0.5, 1.0], "dimensions": [16]}
    for delta, ratio in (("line", 1.0), (0.5, 4.0)):
        dataset = gathered(tmp_path / str(delta), **settings, initial="sphere", delta=delta, gamma0=0.5, replicas=2)
        small, large = (ax.lines[4 + 1].get_xdata() for ax in multi_index.draw([dataset]).axes)
        np.testing.assert_allclose(large, ratio * small)


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
    runs = datasets[0].isel(protocol=0, mu=0, dimension=-1)
    if module is intra_batch_corrections:
        expected = runs.risk.mean("replica").values[runs.step.values > 0][::3]
    elif module is giant_step:
        last = datasets[0].isel(protocol=0, record=-1, dimension=-1)
        expected = np.median(last.overlap_norm.transpose("mu", "replica"), axis=1)
    else:
        scale = float(datasets[0].attrs["students"]) ** 0.5 if module is wide_student else 1.0
        quantity = "risk" if module is ode_regimes else "overlap_norm"
        expected = np.median(runs[quantity].transpose("replica", "record"), axis=0)[runs.step.values > 0] / scale
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
