"""The lag of momentum against a climb with a velocity, step by step."""

import numpy as np
import pytest
from onepass.theory.momentum import momentum_lag


def climbed(ell, beta, gain, start, threshold):
    """Steps until a climb with gain `gain` m^(ℓ−1) over 1 − β reaches the threshold."""
    m, velocity, steps = start, 0.0, 0
    while m < threshold:
        velocity = beta * velocity + (1 - beta) * gain * m ** (ell - 1)
        m, steps = m + velocity, steps + 1
    return steps


@pytest.mark.parametrize("ell", [2, 3, 4])
@pytest.mark.parametrize("beta", [0.8, 0.95])
def test_a_velocity_costs_the_steps_of_its_lag(ell, beta):
    start, threshold = 0.1, 0.5
    gain = start ** (2 - ell) / 20_000  # many times the lag
    plain, heavy = (climbed(ell, b, gain, start, threshold) for b in (0.0, beta))
    assert heavy - plain == pytest.approx(momentum_lag(ell, beta, start, threshold), rel=0.05, abs=1)


def test_without_momentum_nothing_lags():
    np.testing.assert_array_equal(momentum_lag(3, 0.0, np.array([0.1, 0.2]), 0.5), 0)
