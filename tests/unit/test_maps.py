"""Figures of maps, of engines compared, of all exponents and of failures show the numbers of their data."""

import numpy as np
import onepass
import pytest
import xarray as xr
from helpers.experiments import PROTOCOLS, drawn, experiment
from onepass.analysis.exactness import TIMES, compare, equal_laws
from onepass.figures import exponent_summary, gaussian_exactness, learning_rate_phase_diagram, paper_rate
from onepass.theory import exponents
from onepass.theory.climb import climb_factor
from onepass.theory.first_step import first_step_gain

HE3 = onepass.Model("He3(x1)", "He3")
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
    factor = np.where((delta >= -0.5)[:, None], climb_factor(3, d), 1.0)
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


@pytest.mark.parametrize("protocol", ["projected_square", "projected_correlation", "spherical_square"])
def test_the_first_step_gains_what_the_mean_process_gains(protocol):
    """Up to the order of the fluctuations of the norm, which the one keeps in the mean and the other leaves out."""
    own, d, n_b, rate = onepass.Protocol.named(protocol), 1000, 10**6, 1e-3
    step = onepass.solve_dynamics(
        HE3, own, dimension=d, batch_size=n_b, learning_rate=rate, steps=1, initial=("overlap", d**-0.5), records=1
    )
    expected = float(step.overlap.values.ravel()[-1] / step.overlap.values.ravel()[0]) - 1
    assert first_step_gain(HE3, own, d, n_b, rate) == pytest.approx(expected, rel=1e-3)
    assert first_step_gain(HE3, own, d, 1, rate) < 0 < expected


def test_distances_are_those_of_the_data():
    rng, sizes = np.random.default_rng(3), [10, 100, 1000]
    coords = {"protocol": PROTOCOLS, "students": [1], "batch_size": sizes, "dimension": [64]}
    coords |= {"engine": ["chain", "gaussian"]}
    shape = (2, 1, 3, 1, 2, 400)
    shift = np.array([0.9, 0.3, 0.0])[:, None, None, None] * np.array([0, 1])[:, None]
    times = xr.Dataset({TIMES[0]: ((*coords, "replica"), rng.normal(size=shape) + shift)}, coords=coords)
    times.attrs = {"threshold": 0.5, "gaussian_from": 1000, "steps": 100}
    distance = compare(times).distance.squeeze()
    assert (distance.sel(batch_size=10) > equal_laws(400, 0.999)).all()
    assert (distance.sel(batch_size=1000) < equal_laws(400, 0.999)).all()
    (ax,) = gaussian_exactness.draw([times]).axes
    shown = [line.get_ydata() for line in ax.lines if line.get_marker() in ("o", "s")]
    np.testing.assert_array_equal(shown, distance.transpose("protocol", "batch_size"))


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
