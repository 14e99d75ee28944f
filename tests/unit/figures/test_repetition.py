"""The figures of samples seen again show the numbers of their data."""

import numpy as np
import pytest
import xarray as xr
from helpers.searches import searches
from onepass.analysis import fits, tuned
from onepass.figures import full_batch, lookahead_rate, repetition, repetition_batch

TWICE, ONCE = "spherical_correlation_samplelookahead0.1", "spherical_correlation"
DIMENSIONS = np.array([64, 256, 1024, 4096])


def times(protocol, power):
    """Of nine replicas around d^power steps of one sample."""
    steps = np.round(10 * DIMENSIONS[:, None] ** power * np.linspace(0.9, 1.1, 9)).astype(int)[None, None]
    runs = xr.Dataset(
        {
            "recovery_step": (("protocol", "mu", "dimension", "replica"), steps),
            "recovered": (("protocol", "mu", "dimension", "replica"), np.ones(steps.shape, dtype=bool)),
            "batch_size": (("mu", "dimension"), np.ones((1, 4), dtype=int)),
            "start_norm": ("dimension", DIMENSIONS**-0.5),
        },
        coords={"protocol": [protocol], "mu": [0.0], "dimension": DIMENSIONS},
        attrs={"target": "He4(x1)", "information_exponent": 4, "threshold": 0.5},
    )
    return xr.merge([runs, fits.fit_experiment(runs, resamples=100)], combine_attrs="override")


@pytest.mark.filterwarnings("error")
def test_samples_stand_in_both_units_with_their_exponents():
    twice, once = times(TWICE, 1.0), times(ONCE, 3.0)
    figure = repetition.draw([twice, once])
    above, below = figure.axes
    for ax, power in ((above, 1), (below, 3)):
        drawn = [line.get_ydata() for line in ax.lines if line.get_marker() == "o"]
        for values, own in zip(drawn, (1.0, 3.0), strict=True):
            np.testing.assert_allclose(values, 10.0 * DIMENSIONS ** (own - power), rtol=0.01)
    with_look, without = (text.get_text() for text in below.texts)
    assert "1.00" in with_look
    assert "log" in with_look  # beside it: the label's square climbs linearly
    assert "3.00" in without
    assert "log" not in without
    figure.draw_without_rendering()


def test_a_logarithm_is_divided_out_where_the_climb_is_linear():
    runs = times(TWICE, 1.0).isel(protocol=0, mu=0)
    grown = runs.recovery_step * np.log(0.5 * runs.dimension**0.5)
    text = repetition.exponent(runs.assign(recovery_step=grown.transpose(*runs.recovery_step.dims)), logarithm=True)
    assert "or $d^{\\,1.00" in text


def fitted(protocol, mu, **about):
    runs = searches(protocol=protocol, mu=mu, **about)
    return xr.merge([runs, tuned.fit_experiment(runs, resamples=100)], combine_attrs="override")


@pytest.mark.filterwarnings("error")
def test_samples_at_the_best_rate_stand_against_the_batch_exponent():
    datasets = [fitted(TWICE, 0.0), fitted(TWICE, 1.0), fitted("spherical_correlation_passes2", 0.5)]
    figure = repetition_batch.draw(datasets)
    first, second, slopes = figure.axes
    d = datasets[0].dimension.values
    best = [float(each.isel(protocol=0, mu=0, dimension=-1).best_samples) / d[-1] for each in datasets[:2]]
    line = [line for line in first.lines if line.get_marker() == "o"][-1]
    np.testing.assert_allclose(line.get_xydata(), [[0.0, best[0]], [1.0, best[1]]])
    two = [line for line in second.lines if line.get_marker() == "^"][-1]
    time, n_b = (float(datasets[2].isel(protocol=0, mu=0, dimension=-1)[key]) for key in ("best_time", "batch_size"))
    np.testing.assert_allclose(two.get_ydata(), time * n_b / 2 / d[-1])  # two steps a batch
    assert slopes.get_legend() is not None
    figure.draw_without_rendering()


@pytest.mark.filterwarnings("error")
def test_rates_of_a_first_look_are_those_of_the_protocols():
    datasets = [fitted(ONCE, 0.0), fitted(TWICE, 0.0), fitted("spherical_correlation_samplelookahead0.01", 0.0)]
    rows = lookahead_rate.by_rate(datasets)
    assert sorted(set(rows[:, 0])) == [0.0, 0.01, 0.1]
    np.testing.assert_allclose(rows[rows[:, 0] == 0.1, 2], datasets[1].best_samples.values.ravel())
    figure = lookahead_rate.draw(datasets)
    left, right = figure.axes
    for ax, unit in ((left, 1), (right, 2)):
        line = [line for line in ax.lines if line.get_marker() == "o"][-1]
        d = datasets[0].dimension.values[-1]
        expected = [
            float(each.best_samples.values.ravel()[-1]) / float(d) ** unit for each in (datasets[2], datasets[1])
        ]
        np.testing.assert_allclose(line.get_ydata(), expected)
    figure.draw_without_rendering()


@pytest.mark.filterwarnings("error")
def test_overlaps_along_one_batch_are_means_over_replicas_beside_the_limit():
    names, sizes = ["plain_square_passes3", "plain_square"], [50, 100]
    overlaps = np.random.default_rng(0).normal(0.2, 0.1, (2, 1, 2, 5, 4, 2, 1))
    dims = ("protocol", "mu", "dimension", "replica", "record", "student", "teacher")
    steps = np.broadcast_to(np.arange(4.0), (2, 1, 2, 4))
    data = xr.Dataset(
        {
            "overlaps": (dims, overlaps),
            "step": (dims[:3] + dims[4:5], steps),
            "batch_size": (dims[1:3], [[250, 500]]),
            "learning_rate": (dims[:3], np.full((2, 1, 2), 0.1)),
        },
        coords={"protocol": names, "mu": [1.0], "dimension": sizes},
        attrs={"target": "He3(x1)", "n0": 5.0, "activation": "relu", "students": 2, "second_layer": None, "noise": 0.0},
    )
    (ax,) = full_batch.draw([data]).axes
    *drawn, dots = sorted(ax.lines, key=lambda line: line.get_marker() == "o")
    drawn = [line.get_ydata() for line in drawn if len(line.get_xdata()) == 4]
    assert dots.get_ydata()[0] == pytest.approx(overlaps[0, 0, 1, :, 0, 0, 0].mean())
    assert abs(np.diff(dots.get_ydata())).min() > 0
    np.testing.assert_allclose(drawn, overlaps[:, 0, :, :, :, 0, 0].mean(axis=2).reshape(4, 4))
