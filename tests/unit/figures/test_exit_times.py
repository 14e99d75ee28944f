"""The figure of exit times shows the quartiles of its data and the law on their settings."""

import numpy as np
import pytest
import xarray as xr
from onepass.figures import exit_times
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.theory.exit_time import exit_time

DIMENSIONS, NAMES = np.array([64, 256, 1024]), ["spherical_square", "plain_square"]
THRESHOLD, BATCH = 0.2, 4


def experiment(students, initial="sphere", censored=0):
    """Of eight replicas that leave at 10, 20, … 80 steps, the `censored` last ones beyond the budget."""
    dims = ("protocol", "mu", "dimension")
    steps = np.broadcast_to(np.arange(10, 90, 10), (2, 1, 3, 8))
    return xr.Dataset(
        {
            "recovery_step": ((*dims, "replica"), steps),
            "recovered": ((*dims, "replica"), steps <= 80 - 10 * censored),
            "batch_size": (dims[1:], np.full((1, 3), BATCH)),
            "learning_rate": (dims, np.broadcast_to(0.1 * BATCH * students / DIMENSIONS / 4, (2, 1, 3))),
            "start_norm": ("dimension", 1.5 / np.sqrt(DIMENSIONS)),
        },
        coords={"protocol": NAMES, "mu": [0.0], "dimension": DIMENSIONS},
        attrs={"target": "x1**2", "activation": "square", "students": students, "second_layer": "null", "noise": 0.1,
               "threshold": THRESHOLD, "initial": initial},
    )  # fmt: skip


def test_markers_are_the_quartiles_of_the_runs():
    series = experiment(1, censored=3).isel(protocol=0, mu=0)
    expected = np.array([[25.0], [45.0], [np.nan]]) * BATCH / DIMENSIONS
    np.testing.assert_allclose(exit_times.measured(series), expected)


@pytest.mark.parametrize("initial", ["sphere", "inverse_sqrt_d"])
@pytest.mark.parametrize("name", NAMES)
def test_the_law_has_the_settings_of_the_runs(name, initial):
    series = experiment(2, initial).sel(protocol=name).isel(mu=0)
    for quantile, found in zip(exit_times.QUARTILES, exit_times.predicted(series, name), strict=True):
        time = exit_time(
            Model("x1**2", "square", 2, noise=0.1), Protocol.named(name), dimension=256, batch_size=BATCH,
            learning_rate=0.2 / 256, threshold=THRESHOLD, start=None if initial == "sphere" else 1.5 / 16,
            quantile=quantile,
        )  # fmt: skip
        assert 0 < found[1] == pytest.approx(time * BATCH / 256)


@pytest.mark.filterwarnings("error")
def test_a_panel_a_protocol_and_one_of_widths():
    figure = exit_times.draw([experiment(2), experiment(1)])
    *panels, widths = figure.axes
    assert [ax.get_title() for ax in panels] == ["spherical, square loss", "plain, square loss"]
    drawn = [line.get_ydata() for line in panels[0].lines if line.get_marker() in "os"]
    np.testing.assert_allclose(drawn, np.broadcast_to(45 * BATCH / DIMENSIONS, (2, 3)))
    assert [line.get_xdata().tolist() for line in widths.lines if line.get_linestyle() != "None"] == [[1.0, 2.0]] * 2
    figure.draw_without_rendering()
