"""Fits of a gathered experiment: each cell by itself, with the factor of its theory."""

import numpy as np
import pytest
import xarray as xr
from helpers.planted import DIMENSION, LOGARITHM, planted
from onepass.analysis.fits import fit_experiment
from onepass.analysis.scaling import ScalingError
from onepass.model import Model
from onepass.theory.climb import flow_factor


@pytest.fixture
def experiment():
    """Two protocols and two batch exponents of ℓ = 2, with the theory's times."""
    rng = np.random.default_rng(12)
    thetas = np.array([[0.5, 0.0], [0.5, 0.0]])
    data = [[planted(rng, theta, factor=LOGARITHM, scatter=0.1) for theta in row] for row in thetas]
    dims = ("protocol", "mu", "dimension", "replica")
    return xr.Dataset(
        {
            "recovery_step": (dims, np.array([[cell[0] for cell in row] for row in data])),
            "recovered": (dims, np.array([[cell[1] for cell in row] for row in data])),
            "learning_rate": (dims[:3], 0.01 * DIMENSION ** -thetas[..., None]),
        },
        {"protocol": ["projected_square", "projected_correlation"], "mu": [0.5, 1.0], "dimension": DIMENSION},
        {"information_exponent": 2, "gamma0": 0.01},
    )


def test_experiment(experiment):
    fits = fit_experiment(experiment)
    np.testing.assert_allclose(fits.theta_theory, [[0.5, 0], [0.5, 0]])
    np.testing.assert_allclose(fits.theta, fits.theta_theory, atol=0.1)
    np.testing.assert_allclose(fits.sample_exponent_low, fits.theta_low + fits.mu)
    assert fits.log_factor.all()
    assert (fits.theta_plain > fits.theta + 0.1).all()
    assert fits.fitted.dims == ("protocol", "mu", "dimension")
    assert fits.local_slope.dims == ("protocol", "mu", "dimension_mid")
    assert fits.attrs["gamma0"] == 0.01
    assert all({"long_name", "units"} <= fits[name].attrs.keys() for name in fits.data_vars)


def test_a_fit_does_not_know_the_other_cells(experiment):
    fits = fit_experiment(experiment)
    alone = fit_experiment(experiment.isel(protocol=[1], mu=[1]))
    shuffled = fit_experiment(experiment.isel(protocol=[1, 0], mu=[1, 0], dimension=[3, 1, 0, 2, 5, 4]))
    xr.testing.assert_identical(alone, fits.isel(protocol=[1], mu=[1]))
    xr.testing.assert_identical(shuffled, fits.isel(protocol=[1, 0], mu=[1, 0]))


def test_experiment_on_disk(experiment, tmp_path):
    experiment["recovered"][0, 0] = False  # no median, no fit, a reason
    fits = fit_experiment(experiment)
    assert fits.reason[0, 0].item()
    fits.to_netcdf(tmp_path / "fits.nc", engine="netcdf4")
    with xr.open_dataset(tmp_path / "fits.nc") as back:
        xr.testing.assert_equal(back.load(), fits)


def test_a_budget_below_the_time_from_first_principles_is_the_reason(experiment):
    about = {"target": "x1**2", "activation": "square", "students": 1, "second_layer": "null", "noise": 0.0}
    experiment = experiment.isel(protocol=[1], mu=[1]).assign_attrs(about)
    experiment["batch_size"] = ("mu", "dimension"), [DIMENSION]
    fit = fit_experiment(experiment, resamples=100).squeeze()
    assert not fit.reason.item(), "all recovered"
    experiment["recovery_step"][:] = 25
    experiment["recovered"][:] = False
    fit = fit_experiment(experiment, resamples=100).squeeze()
    low, high = float(fit.time_theory.min()), float(fit.time_theory.max())
    assert 25 < low < high
    assert fit.reason.item().endswith(
        f"slope needs two; at 6 of 6 dimensions the budget of 25 steps is below the time from first principles, "
        f"{low:.3g} to {high:.3g}"
    )
    experiment["recovery_step"][:] = 10_000
    assert fit_experiment(experiment, resamples=100).reason.item().endswith("slope needs two"), "time was enough"


def test_the_learning_rate_decides_on_the_log_factor(experiment):
    """Correlation loss, ℓ = 2, μ = 1.5: none at the largest learning rate (δ = -1/4), one at δ = 0."""
    experiment = experiment.isel(protocol=[1], mu=[1]).assign_coords(mu=[1.5])
    assert fit_experiment(experiment).log_factor.item()
    for delta, climbs in ((0.0, True), (-0.01, False), (-0.25, False)):
        experiment["delta"] = ("protocol", "mu"), [[delta]]
        fits = fit_experiment(experiment)
        assert fits.log_factor.item() == climbs
        assert (fits.factor == 1).all() != climbs


def test_bad_experiment(experiment):
    with pytest.raises(ScalingError, match="'recovered' must be there"):
        fit_experiment(experiment.drop_vars("recovered"))
    del experiment.attrs["information_exponent"]
    with pytest.raises(ScalingError, match="information_exponent"):
        fit_experiment(experiment)


def test_times_of_several_coordinates_are_fitted_over_the_climb_of_their_flow():
    """Times τ(d)/γ of a mixed target, whose climb no closed form has: exponent 0, where a power of d alone is off."""
    model, dimensions = Model("x1*x2 + x1**3 - 3*x1", "He2(x)/2 + He3(x)/6"), [64, 256, 1024, 4096]
    times = np.array([flow_factor(model, d, d**-0.5, 0.5) / 1e-5 for d in dimensions]).round()
    shape = ("protocol", "mu", "dimension", "replica")
    about = {
        "target": model.target,
        "activation": model.activation,
        "students": 1,
        "second_layer": "null",
        "noise": 0.0,
    }
    about |= {"information_exponent": 2, "threshold": 0.5, "initial": "inverse_sqrt_d"}
    runs = xr.Dataset(
        {
            "recovery_step": (shape, np.tile(times[:, None], (1, 1, 1, 8))),
            "recovered": (shape, np.ones((1, 1, 4, 8), bool)),
            "batch_size": (shape[1:3], [dimensions]),
            "learning_rate": (shape[:3], np.full((1, 1, 4), 1e-5)),
        },
        coords={"protocol": ["projected_correlation"], "mu": [1.0], "dimension": dimensions},
        attrs=about,
    )
    fit = fit_experiment(runs, resamples=100).squeeze()
    assert float(fit.theta) == pytest.approx(0, abs=1e-3)
    assert abs(float(fit.theta_plain)) > 0.1


def test_of_a_protocol_that_the_theory_does_not_know_the_fit_is_plain(experiment):
    names = ("projected_square", "plain_square")
    one = experiment.isel(protocol=[0])
    known, unknown = (fit_experiment(one.assign_coords(protocol=[name]), resamples=100) for name in names)
    assert np.isnan(unknown.theta_theory).all()
    assert not unknown.log_factor.any()
    assert (unknown.factor == 1).all()
    np.testing.assert_array_equal(unknown.theta, unknown.theta_plain)
    np.testing.assert_allclose(unknown.theta, known.theta_plain, atol=0.05)
