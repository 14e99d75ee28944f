"""The climb out of the flat start: recursions counted, closed forms, flows of several coordinates."""

import numpy as np
import pytest
from onepass.model import Model
from onepass.theory import saddle
from onepass.theory.climb import ClimbError, climb_factor, flow_factor, start_norm
from onepass.theory.exponents import half


@pytest.mark.parametrize(("ell", "scaled"), [(1, 1.0), (2, 1.0), (3, 0.7), (4, 1.0)])
def test_climb(ell, scaled):
    """Steps of the noiseless recursion, counted; an Euler step errs by the order of γ."""
    rate, dimension = 2e-3, np.array([100, 1000])
    steps = []
    for d in dimension:
        m, count = scaled / np.sqrt(d), 0
        while m < 0.5:
            m, count = m + rate * m ** (ell - 1) * (1 - m**2), count + 1
        steps.append(count * rate * d ** (1 - half(ell)))
    np.testing.assert_allclose(climb_factor(ell, dimension, start=scaled / np.sqrt(dimension)), steps, rtol=0.01)


def test_climb_limits():
    d = np.array([1e2, 1e4, 1e8])
    two, three = (climb_factor(ell, d, start=1 / np.sqrt(d)) for ell in (2, 3))
    np.testing.assert_allclose(two - np.log(0.5 * np.sqrt(d)), -0.5 * np.log(0.75), atol=0.006)
    np.testing.assert_allclose(three[-1], 1, atol=0.001)
    for start, threshold in [(0.6, 0.5), ([0.6, 0.006], 0.5), (0.1, 1.2)]:
        with pytest.raises(ClimbError, match="start < threshold < 1"):
            climb_factor(3, [100, 10**6], start=start, threshold=threshold)


@pytest.mark.parametrize("name", ["He2", "He3", "He4"])
def test_the_climb_of_one_direction_is_the_closed_form(name):
    """The flow of He_ℓ from its own activation is m' = β m^(ℓ−1) (1 − m²)."""
    model, ell = Model(f"{name}(x1)", name), int(name[2])
    beta = float(saddle.drift(model, [1.0]))
    for d in (256, 4096):
        start = 2.0 / np.sqrt(d)
        (factor,) = climb_factor(ell, [d], start=start, threshold=0.5)
        assert flow_factor(model, d, start, 0.5) == pytest.approx(factor / beta, rel=0.01)


def test_the_climb_of_a_product_is_exponential():
    """x1 x2 and He2 from equal overlaps: U = m1 m2 · 2, the norm grows as 2 r (1 − r²)."""
    model = Model("x1*x2", "He2")
    for d in (256, 4096):
        exact = (np.log(0.5 * np.sqrt(d)) - 0.5 * np.log((1 - 0.25) / (1 - 1 / d))) / 2
        assert flow_factor(model, d, d**-0.5, 0.5) == pytest.approx(exact, rel=0.01)


def test_a_flow_without_a_drift_does_not_climb():
    assert flow_factor(Model("x1*x2*x3", "relu"), 256.0, 1 / 16, 0.5) == np.inf


def test_the_second_layer_has_its_part_in_the_flow():
    """a = −1 turns the sign of the activation, a = 2 halves the time."""

    def climb(activation, layer):
        return flow_factor(Model("x1*x2", activation, second_layer=(layer,)), 256.0, 1 / 16, 0.5)

    up = climb("He2(x)/2", 1.0)
    assert climb("-He2(x)/2", -1.0) == pytest.approx(up, rel=1e-6)
    assert climb("He2(x)/2", 2.0) == pytest.approx(up / 2, rel=0.01)


def test_the_start_of_a_run_is_a_norm():
    """Of equal overlaps, and on the sphere the median: that of as many normals' norms, over √d."""
    assert start_norm(0.03, 4, 10**6) == pytest.approx(0.06)
    norms = np.linalg.norm(np.random.default_rng(0).normal(size=(100_000, 3)), axis=1)
    # 3.4 standard errors of the sample's median: one seed in 1500 would fail
    assert 100 * start_norm("sphere", 3, 10**4) == pytest.approx(np.median(norms), rel=0.006)
