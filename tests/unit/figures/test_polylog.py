"""The mean process beside recovery times goes by the scalings, the start and the budget of the data."""

import numpy as np
import onepass
import pytest
import xarray as xr
from onepass.figures import polylog
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.theory.exponents import recovery_exponent

DIMENSIONS = np.array([64, 256, 1024])
PROTOCOL, TARGET = "projected_correlation", {"target": "He2(x1)", "activation": "He2", "students": 1, "noise": 1e-6}


def experiment(n0, mu, gamma0, delta, scaled_start):
    """As it is gathered and fitted, without a spread."""
    about = {"second_layer": "null", "n0": n0, "gamma0": gamma0, "threshold": 0.25, "step_budget": 10.0}
    dims, d = ("protocol", "mu", "dimension"), DIMENSIONS.astype(float)
    theory = recovery_exponent(PROTOCOL, 2, mu, delta)
    return xr.Dataset(
        {
            "recovery_step": ((*dims, "replica"), np.full((1, 1, 3, 2), 20)),
            "median": (dims, np.full((1, 1, 3), 20.0)),
            "batch_size": (dims[1:], [np.round(n0 * d**mu)]),
            "learning_rate": (dims, [[gamma0 * d**-delta]]),
            "start_norm": ("dimension", scaled_start / np.sqrt(d)),
            "delta": (dims[:2], [[delta]]),
            "theta_theory": (dims[:2], [[theory]]),
        },
        coords={"protocol": [PROTOCOL], "mu": [mu], "dimension": DIMENSIONS},
        attrs=TARGET | about,
    )


@pytest.mark.parametrize("settings", [(3.0, 1.0, 0.1, 0.0, 1.0), (0.5, 1.5, 0.1, 0.1, 1.2)])
def test_the_mean_process_runs_on_the_settings_of_the_data(settings):
    data = experiment(*settings)
    series, model = data.isel(protocol=0, mu=0), Model(**TARGET)
    for place, d in [*enumerate(DIMENSIONS)][::2]:
        here = series.isel(dimension=place)
        solved = onepass.solve_dynamics(
            model, Protocol.named(PROTOCOL), dimension=int(d), steps=500, initial=("overlap", float(here.start_norm)),
            batch_size=int(here.batch_size), learning_rate=float(here.learning_rate), records=10_000,
        )  # fmt: skip
        expected = solved.step.values[np.argmax(solved.overlap.values.ravel() >= 0.25)]
        assert polylog.mean_time(series, int(d)) == expected > 1


def test_what_is_beyond_the_budget_is_no_number():
    series = experiment(3.0, 1.0, 0.1, 0.0, 1.0).isel(protocol=0, mu=0)
    assert np.isfinite(polylog.mean_time(series, 1024))
    assert np.isnan(polylog.mean_time(series.assign_attrs(step_budget=0.1), 1024))
    assert np.isnan(polylog.mean_time(experiment(1.0, 2.0, 0.1, 0.0, 1.0).isel(protocol=0, mu=0), 2**32)), "n_b = 2^64"


def test_the_figure_names_the_scalings():
    (ax,) = polylog.draw([experiment(0.5, 1.5, 0.3, 0.2, 2.5)]).axes
    assert ax.get_title().endswith(r"$n_b = 0.5\,d^{\,1.5}$, $\gamma = 0.3\,d^{\,-0.2}$")
