"""The figure of directions shows the best times of its searches."""

import re

import numpy as np
import pytest
import xarray as xr
from helpers.searches import searches
from onepass.analysis import tuned
from onepass.figures import directions

GRADIENT, POLAR = "projected_correlation", "projected_correlation_polar"


def fitted(protocol, mu, **about):
    runs = searches(protocol=protocol, mu=mu, **about)
    return xr.merge([runs, tuned.fit_experiment(runs, resamples=100)], combine_attrs="override")


@pytest.fixture(scope="module")
def datasets():
    return [
        fitted(GRADIENT, 0.0), fitted(GRADIENT, 0.5, theta=1.5), fitted(POLAR, 0.0, theta=1.0), fitted(POLAR, 0.5),
    ]  # fmt: skip


def test_rows_are_the_searches_that_recover(datasets):
    rows = directions.searches([*datasets, fitted(POLAR, 1.0, empty=(2**30,))], POLAR)
    assert [tuple(row[:2]) for row in rows if row[0] == 2**10] == [(2**10, 1), (2**10, 2**5), (2**10, 2**10)]
    assert (2.0**30, 2.0**30) not in {tuple(row[:2]) for row in rows}
    np.testing.assert_allclose(rows[rows[:, 1] == 1, 2], datasets[2].best_time.values.ravel())


@pytest.mark.filterwarnings("error")
def test_panels_are_samples_of_batches_and_steps_of_one_sample(datasets):
    figure = directions.draw(datasets)
    left, right = figure.axes
    for place, own in enumerate((datasets[:2], datasets[2:])):  # the gradient first
        best = [each.isel(protocol=0, mu=0, dimension=-1) for each in own]
        lines = [[line.get_xydata() for line in ax.lines if line.get_marker() == "sD"[place]] for ax in (left, right)]
        ((samples,), (steps,)) = lines
        np.testing.assert_allclose(samples, [[float(b.batch_size), float(b.best_samples)] for b in best])
        np.testing.assert_allclose(steps[:, 1], own[0].best_time.values.ravel())
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    for label, own in zip(labels, (datasets[0], datasets[2]), strict=True):
        theta, low, high = map(float, re.search(r"d\^\{\\,(.*)\}\$ \[(.*)–(.*)\]", label).groups())
        assert theta == pytest.approx(own.theta.item(), abs=0.02)
        assert low < own.theta.item() < high
    figure.draw_without_rendering()
