"""Figures of recovery times and exponents show the numbers of their data, whatever the data."""

import numpy as np
import pytest
from helpers.experiments import DIMENSIONS, PROTOCOLS, drawn, experiment
from matplotlib.figure import Figure
from onepass.figures import (
    exponent_summary,
    panels,
    recovery_scaling,
    sample_complexity,
    time_batch_phase_diagram,
    time_exponents,
)
from onepass.theory.exponents import recovery_exponent, sample_exponent

OF_RECOVERY = (recovery_scaling, sample_complexity, time_exponents, time_batch_phase_diagram)
CASES = {
    "one": lambda: [experiment()],
    "two targets": lambda: [experiment(), experiment(mus=(2.0, 2.25)), experiment("x1**2", 2, (0.0, 1.0))],
    "without a fit": lambda: [experiment(censored=1)],
    "without any fit": lambda: [experiment(mus=(1.0,), censored=1)],
    "one panel": lambda: [experiment("x1", 1, (0.5,), protocols=["spherical_correlation"])],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("module", OF_RECOVERY, ids=lambda module: module.__name__.split(".")[-1])
@pytest.mark.parametrize("case", CASES)
def test_draws_all_data(module, case):
    datasets = CASES[case]()
    figure = module.draw(datasets)
    assert isinstance(figure, Figure)
    targets = len(panels.by_target(datasets))
    assert len(figure.axes) >= targets
    assert figure.axes[0].get_ylabel()
    assert figure.axes[-1].get_xlabel()
    assert figure.legends
    if case == "two targets":  # settling the layout is slow
        figure.draw_without_rendering()


@pytest.mark.parametrize("module", [recovery_scaling, sample_complexity])
def test_medians_are_the_data(module):
    dataset = experiment(censored=1)
    (ax, *_) = module.draw([dataset]).axes
    points = drawn(ax)
    assert len(points) == dataset.sizes["mu"]
    for mu, (x, y) in zip(dataset.mu, points, strict=True):
        cell = dataset.sel(protocol=PROTOCOLS[0], mu=mu)
        expected = cell["median"] * (cell.batch_size if module is sample_complexity else 1)
        np.testing.assert_array_equal(x, DIMENSIONS)
        np.testing.assert_array_equal(y, expected.where(np.isfinite(expected)))


def test_slopes_and_censored_runs_are_the_data():
    dataset = experiment(censored=1)
    for ax, protocol in zip(recovery_scaling.draw([dataset]).axes, PROTOCOLS, strict=True):
        texts = {text.get_text() for text in ax.texts}
        row = dataset.sel(protocol=protocol)
        for mu in row.mu.values[:-1]:
            at = row.sel(mu=mu)
            assert f"{float(at.theta):.2f}, {float(at.theta_plain):.2f} ({float(at.theta_theory):g})" in texts
        assert any(text.startswith("no fit") for text in texts)
        budgets = np.concatenate([line.get_ydata() for line in ax.lines if line.get_marker() == "^"])
        np.testing.assert_array_equal(np.sort(budgets), np.sort(row.recovery_step.values[~row.recovered.values]))


def test_fits_are_the_data():
    dataset = experiment("x1**2", 2, (0.0,))
    cell = dataset.isel(protocol=0, mu=0)
    assert cell.log_factor
    line = panels.fitted_line(cell)
    np.testing.assert_allclose(line, cell["median"], rtol=0.5)
    power_law = float(cell.prefactor) * np.array(DIMENSIONS) ** float(cell.theta)
    np.testing.assert_allclose(line, power_law * cell.factor)


@pytest.mark.parametrize(
    ("module", "name", "panel"),
    [(time_exponents, "theta", 0), (time_batch_phase_diagram, "theta", 0), (sample_complexity, "sample_exponent", -1)],
)
def test_exponents_are_the_data(module, name, panel):
    datasets = [experiment(censored=1), experiment(mus=(2.0, 2.25))]
    points = np.concatenate(drawn(module.draw(datasets).axes[panel]), axis=1)[1]
    expected = np.concatenate([dataset[name].values.ravel() for dataset in datasets])
    np.testing.assert_allclose(np.sort(points), np.sort(expected[np.isfinite(expected)]))


@pytest.mark.parametrize(
    ("module", "panel", "of_samples"),
    [(exponent_summary, 0, False), (time_exponents, 0, False), (time_batch_phase_diagram, 0, False),
     (sample_complexity, -1, True)],
)  # fmt: skip
def test_plain_exponents_are_hollow_in_the_colour_of_their_protocol_and_in_the_legend(module, panel, of_samples):
    dataset = experiment(censored=1)
    figure = module.draw([dataset])
    hollow = [line for line in figure.axes[panel].lines if str(line.get_markerfacecolor()) == "white"]
    names = PROTOCOLS[:1] if module is exponent_summary else PROTOCOLS
    for line, filled, name in zip(hollow, figure.axes[panel].containers, names, strict=True):
        plain = dataset.sel(protocol=name).theta_plain + (dataset.mu if of_samples else 0)
        np.testing.assert_allclose(line.get_ydata(), plain[:-1])
        assert line.get_marker() == filled[0].get_marker()
        np.testing.assert_array_equal(line.get_color(), filled[0].get_color())
    labels = [text.get_text() for text in figure.legends[-1].get_texts()]
    assert labels.count("plain power law, nothing divided out") == 1


def test_the_summary_counts_the_intervals_that_hold_the_theory():
    dataset = experiment(mus=(0.0, 1.0))
    for name, shift in (("theta", 0.0), ("theta_plain", 0.5)):
        dataset[f"{name}_low"], dataset[f"{name}_high"] = (dataset.theta_theory + shift + end for end in (-0.1, 0.1))
    dataset["theta_plain_low"][0, 0] = 0.0
    first, second = ({text.get_text() for text in ax.texts} for ax in exponent_summary.draw([dataset]).axes)
    assert "2 of 2 intervals\nhold the theory (plain: 1)" in first
    assert "2 of 2 intervals\nhold the theory (plain: 0)" in second


@pytest.mark.parametrize(
    ("module", "panel", "theory"), [(time_exponents, 0, recovery_exponent), (sample_complexity, -1, sample_exponent)]
)
def test_lines_are_the_theory(module, panel, theory):
    lines = [line for line in module.draw([experiment()]).axes[panel].lines if len(line.get_xdata()) > 100]
    assert len(lines) == len(PROTOCOLS)
    for line, protocol in zip(lines, PROTOCOLS, strict=True):
        np.testing.assert_allclose(line.get_ydata(), theory(protocol, 3, line.get_xdata()))


def test_slopes_stay_apart():
    heights = np.array([0.2, 0.21, 0.22, 0.9])
    spread = recovery_scaling._spread(heights, 0.07)
    assert (np.diff(spread) >= 0.07 - 1e-9).all()
    assert spread[:3].mean() == pytest.approx(heights[:3].mean())
    assert spread[-1] == pytest.approx(0.9)
