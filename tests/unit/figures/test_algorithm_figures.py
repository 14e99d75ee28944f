"""Figures of further algorithms show the values of their data, beside the theory of each."""

import numpy as np
import pytest
import xarray as xr
from helpers.searches import fitted, values
from onepass.figures import losses, momentum


@pytest.mark.filterwarnings("error")
def test_losses_stand_beside_the_exponents_of_their_own():
    """He₃ by the absolute loss has exponent 1 at the student's own output, 3 at an output of 0: N ∝ d and d²."""
    steep = fitted(protocol="spherical_correlation")
    flat = fitted(protocol="spherical_absolute", theta=0.5, delta=0.5)
    assert losses.sample_exponents(flat, "spherical_absolute") == {"own": 1.0, "zero": 2.0}
    assert losses.sample_exponents(steep, "spherical_correlation") == {"own": 2.0, "zero": 2.0}
    figure = losses.draw([steep, flat])
    samples, exponents = figure.axes
    expected = np.concatenate([(dataset.best_samples / dataset.dimension).values.ravel() for dataset in (steep, flat)])
    np.testing.assert_allclose(values(samples, "y"), np.sort(expected))
    expected = np.sort([dataset.sample_exponent.item() for dataset in (steep, flat)])
    np.testing.assert_allclose(values(exponents, "x"), expected)
    figure.draw_without_rendering()


@pytest.mark.filterwarnings("error")
def test_momentum_is_drawn_at_its_effective_rate_with_its_lag():
    plain, heavy = (
        xr.concat([fitted(protocol=f"spherical_correlation{name}", mu=mu) for mu in (0.5, 1.0)], "mu", data_vars="all")
        for name in ("", "_heavyball0.9")
    )
    both = xr.concat([plain, heavy], "protocol", data_vars="all").assign_attrs(threshold=0.5)
    figure = momentum.draw([both])
    times, samples, rates = figure.axes
    last = both.isel(dimension=-1)
    np.testing.assert_allclose(values(times, "y"), np.sort(last.best_time.values.ravel()))
    np.testing.assert_allclose(values(samples, "y"), np.sort(last.best_samples.values.ravel()))
    expected = last.best_rate.values / np.array([[1.0], [0.1]])
    np.testing.assert_allclose(values(rates, "y"), np.sort(expected.ravel()))
    (predicted,) = (line.get_ydata() for line in times.lines if line.get_linestyle() == "--")
    lost = 9 * (1 + 2 * np.log(0.5 * 2**15))  # from 1/√d at d = 2³⁰
    np.testing.assert_allclose(predicted, last.best_time.values[0] + lost)
    figure.draw_without_rendering()
