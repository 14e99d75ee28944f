"""The staircase and its highest stair alone, as the figure shows them."""

import numpy as np
import pytest
from helpers.trajectories import PRODUCT, STAIRCASE, gathered
from onepass.figures import (
    leap,
)


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
