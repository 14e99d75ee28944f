"""The figure of the smoothed landscape shows the values of its data."""

import numpy as np
import pytest
from helpers.searches import fitted, values
from onepass.analysis.radius import by_radius
from onepass.figures import smoothing


@pytest.mark.filterwarnings("error")
def test_the_best_radius_is_that_of_the_fewest_samples():
    """Planted: a power of 1.5 at radius 2, one of 2 without smoothing."""
    none = fitted(protocol="spherical_correlation", theta=2.0)
    smoothed = fitted(protocol="spherical_correlation_smoothed2", theta=1.5)
    worse = fitted(protocol="spherical_correlation_smoothed4", theta=1.8, empty=(2**30,))
    found = by_radius([worse, none, smoothed], resamples=100)
    assert (found.best_radius == 2).all()
    assert found.theta.sel(case="best").item() == pytest.approx(smoothed.theta.item(), abs=0.01)
    assert found.theta.sel(case="none").item() == pytest.approx(none.theta.item(), abs=0.01)
    assert (found.theta_low <= found.theta).all()
    assert (found.theta <= found.theta_high).all()
    figure = smoothing.draw([worse, none, smoothed])
    radii, sizes, exponents = figure.axes
    dots = np.concatenate([line.get_ydata() for line in radii.lines if line.get_marker() == "o"])
    found_there = found.samples.values[np.isfinite(found.samples.values)]
    np.testing.assert_allclose(np.sort(dots), np.sort(found_there))
    at = [line.get_xdata()[0] for line in radii.lines if line.get_marker() == "|"]
    np.testing.assert_allclose(at, found.dimension.values**0.25)
    shown = found.samples.sel(radius=[0, 2]).values.ravel()
    np.testing.assert_allclose(values(sizes, "y"), np.sort(shown))
    np.testing.assert_allclose(values(exponents, "y"), np.sort(found.theta.values.ravel()), atol=0.02)
    figure.draw_without_rendering()
