"""Figures of maps, of all exponents and of failures show the numbers of their data."""

import numpy as np
import pytest
import xarray as xr
from helpers.experiments import PROTOCOLS, drawn, experiment
from onepass.figures import exponent_summary, learning_rate_phase_diagram, paper_rate
from onepass.theory import exponents
from onepass.theory.climb import climb_factor

ATTRIBUTES = {
    "information_exponent": 3, "target": "He3(x1)", "activation": "He3", "students": 1, "second_layer": "null",
    "noise": 0.0, "threshold": 0.5, "n0": 1.0, "gamma0": 0.02, "step_budget": 0.3,
}  # fmt: skip


@pytest.fixture
def planted_map():
    """Times of the theory's exponent, with the climb; nothing where it says that nothing is learned."""
    mu, delta, d = np.arange(0, 3.3, 0.5), np.arange(-1, 1.6, 0.5), np.array([64, 256])
    theta = np.array([[[exponents.recovery_exponent(p, 3, m, x) for x in delta] for m in mu] for p in PROTOCOLS])
    learned = np.isfinite(theta)[..., None] & np.ones(2, bool)
    factor = np.where((delta >= -0.5)[:, None], climb_factor(3, d, start=d**-0.5), 1.0)
    times = np.where(learned, 100 * d ** np.where(np.isfinite(theta), theta, 0)[..., None] * factor, 1e6)
    dims = ("protocol", "mu", "delta", "dimension", "replica")
    shape = (*times.shape, 4)
    return xr.Dataset(
        {
            "recovery_step": (dims, np.broadcast_to(times[..., None], shape)),
            "recovered": (dims, np.broadcast_to(learned[..., None], shape)),
        },
        coords={"protocol": PROTOCOLS, "mu": mu, "delta": delta, "dimension": d},
        attrs=ATTRIBUTES,
    )


def test_a_map_measures_the_planted_exponents_and_leaves_out_what_did_not_recover(planted_map):
    for name in PROTOCOLS:
        cell = planted_map.sel(protocol=name)
        found = learning_rate_phase_diagram.measured_exponent(cell)
        mu, delta = np.meshgrid(cell.mu, cell.delta, indexing="ij")
        expected = exponents.recovery_exponent(name, 3, mu, delta)
        np.testing.assert_allclose(found, np.where(np.isfinite(expected), expected, np.nan), atol=1e-9)
    figure = learning_rate_phase_diagram.draw([planted_map])
    figure.draw_without_rendering()
    fraction = figure.axes[2].collections[0].get_array().filled(0).reshape(planted_map.sizes["delta"], -1)
    np.testing.assert_array_equal(fraction.T, planted_map.recovered.isel(protocol=0, dimension=-1, replica=0))


def test_points_of_the_theory_outside_of_a_small_plane_are_not_drawn(planted_map):
    points = ("best batch, square loss", "best batch, correlation loss", "one giant step")
    for mus, expected in ((slice(0, 4), points), (slice(0, 1.7), points[:1])):
        figure = learning_rate_phase_diagram.draw([planted_map.sel(mu=mus).isel(protocol=[0])])
        (legend,) = figure.legends
        named = [text.get_text() for text in legend.get_texts()]
        assert tuple(name for name in named if name in points) == expected
        ax = figure.axes[0]
        drawn_points = [line for line in ax.lines if line.get_marker() not in ("", "None")]
        assert len(drawn_points) == len(expected)


def test_a_budget_of_the_own_rate_ends_no_slow_run(planted_map):
    lines = {}
    for budget in ("best", "own"):
        figure = learning_rate_phase_diagram.draw([planted_map.assign_attrs(budget=budget)])
        (legend,) = figure.legends
        lines[budget] = [text.get_text() for text in legend.get_texts()]
    assert set(lines["best"]) - set(lines["own"]) == {"noiseless time = budget"}


def test_the_summary_shows_every_exponent():
    datasets = [experiment(), experiment("x1**2", 2, (0.0, 1.0))]
    figure = exponent_summary.draw(datasets)
    figure.draw_without_rendering()
    for ax, name in zip(figure.axes, PROTOCOLS, strict=True):
        shown = np.concatenate([y for _, y in drawn(ax)])
        expected = np.concatenate([d.theta.sel(protocol=name) for d in datasets])
        np.testing.assert_array_equal(np.sort(shown), np.sort(expected))


def test_failures_are_counted_and_times_beyond_the_budget_are_no_numbers():
    data = experiment(censored=1).assign_attrs(gamma0=0.01)
    data["time_theory"] = data["median"].dims, 50 * np.ones(data["median"].shape)
    cell = data.sel(protocol=PROTOCOLS[0], mu=1.5)
    low, fraction, high = paper_rate.recovered_fraction(cell)
    np.testing.assert_array_equal(fraction, cell.recovered.mean("replica"))
    assert ((low <= fraction) & (fraction <= high)).all()
    assert (high - low > 0.1).all()
    assert np.isnan(paper_rate.relative_times(cell)[1]).all()
    paper_rate.draw([data, data.assign_attrs(gamma0=0.001)]).draw_without_rendering()
