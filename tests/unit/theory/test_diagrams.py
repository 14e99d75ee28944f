"""Boundaries by hand, and regions at random points against the exponents."""

import numpy as np
import pytest
from onepass.theory import diagrams, exponents

SQUARE, CORRELATION = "projected_square", "projected_correlation"


def test_time_diagram():
    diagram = diagrams.time_diagram(3, mu_max=3.5, theta_max=2.5)
    np.testing.assert_allclose(diagram.lines["sgd"], [(0, 2), (1.5, 0.5), (3.5, 0.5)])
    np.testing.assert_allclose(diagram.lines["correlation"], [(1.5, 0.5), (2, 0)])
    np.testing.assert_allclose(diagram.lines["polylog"], [(2, 0), (3, 0)])
    np.testing.assert_allclose(diagram.lines["one_step"], [(3, 0), (3.5, 0)])
    np.testing.assert_allclose(diagram.lines["validity"], [(0, 0.75), (1.5, 0)])
    np.testing.assert_allclose(diagram.points["sgd_optimum"], (1.5, 0.5))
    assert diagram.regions["correlation"].shape == (4, 2)


def test_learning_rate_diagram():
    diagram = diagrams.learning_rate_diagram(3, mu_max=3.5)
    np.testing.assert_allclose(diagram.lines["sgd"], [(0, 1.5), (1.5, 0), (3.5, 0)])
    np.testing.assert_allclose(diagram.lines["correlation"], [(1.5, 0), (2, -0.5)])
    np.testing.assert_allclose(diagram.lines["one_step"], [(3, -1), (3.5, -1)])
    np.testing.assert_allclose(diagram.regions["polylog"], [(2, -0.5), (3.5, -0.5), (3.5, -1.25)])


@pytest.mark.parametrize("ell", [1, 2])
def test_small_exponents_have_no_correlation_phase(ell):
    for diagram in (diagrams.time_diagram(ell), diagrams.learning_rate_diagram(ell)):
        assert diagram.regions["correlation"].shape == diagram.lines["correlation"].shape == (0, 2)
    assert len(diagrams.time_diagram(ell).lines["polylog"]) == (0 if ell == 1 else 2)


def _inside(polygon, x, y):
    """Even-odd rule."""
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    crosses = (y0 > y) != (y1 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        return bool(np.sum(crosses & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))) % 2)


@pytest.mark.parametrize("ell", [1, 2, 3, 4])
def test_regions_of_the_learning_rate_diagram(ell):
    """At random points, off the lines with probability one, the regions tell who learns, and in what time."""
    rng = np.random.default_rng(1)
    regions = diagrams.learning_rate_diagram(ell, mu_max=ell + 2, delta_min=-3, delta_max=4).regions
    for mu, delta in zip(rng.uniform(0, ell + 2, 300), rng.uniform(-3, 4, 300), strict=True):
        inside = {name for name, polygon in regions.items() if _inside(polygon, mu, delta)}
        assert len(inside) == 1
        assert (inside == {"sgd"}) == exponents.may_learn(SQUARE, ell, mu, delta)
        assert (inside != {"not_learning"}) == exponents.may_learn(CORRELATION, ell, mu, delta)
        fast = delta < 0 and exponents.recovery_exponent(CORRELATION, ell, mu, delta) == 0
        assert (inside == {"polylog"}) == fast


@pytest.mark.parametrize("ell", [1, 2, 3, 4])
def test_regions_of_the_time_diagram(ell):
    rng = np.random.default_rng(2)
    regions = diagrams.time_diagram(ell, mu_max=ell + 2, theta_max=4).regions
    for mu, theta in zip(rng.uniform(0, ell + 2, 300), rng.uniform(0, 4, 300), strict=True):
        inside = {name for name, polygon in regions.items() if _inside(polygon, mu, theta)}
        assert len(inside) == 1
        assert (inside == {"sgd"}) == (theta > exponents.recovery_exponent(SQUARE, ell, mu))
        assert (inside != {"not_learning"}) == (theta > exponents.recovery_exponent(CORRELATION, ell, mu))


def test_regimes_of_the_odes():
    expected = {
        (0.5, 0.75): "population_flow",
        (2, 0.1): "population_flow",
        (0.5, 0.5): "saad_solla",
        (0, 1): "saad_solla",
        (0.25, 0.5): "noise_learning",
        (0.5, 0.25): "noise_learning",
        (1.5, 0): "large_batch",
        (1, 0): "coexistence",
        (0.2, 0.2): "no_limit",
        (1.5, -0.1): "no_limit",
        (0.5, 0): "no_limit",
    }
    for point, name in expected.items():
        assert exponents.regime(*point) == name
    rng = np.random.default_rng(3)
    mu, delta = rng.uniform(0, 2, 300), rng.uniform(-0.5, 1.5, 300)
    regions = diagrams.ode_diagram().regions
    for x, y, name in zip(mu, delta, exponents.regime(mu, delta), strict=True):
        assert [region for region, polygon in regions.items() if _inside(polygon, x, y)] == [name]
