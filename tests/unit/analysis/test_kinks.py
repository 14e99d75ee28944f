"""Planted kinks lie in their intervals."""

import numpy as np
import pytest
from onepass.analysis.kinks import fit_kink

MU = np.arange(0, 2.6, 0.25)


def test_a_planted_kink_lies_in_its_interval():
    """Twelve planted kinks; of 80 refits each, the interval holds 94 %: four misses or more come once in 200 seeds.

    One that held 70 % would be noticed every other time.
    """
    missed = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        kink = rng.uniform(0.8, 2.0)
        theta = 0.5 - np.minimum(MU - kink, 0) + rng.normal(0, 0.01, MU.size)
        found = fit_kink(MU, theta, theta - 0.0196, theta + 0.0196, resamples=80, rng=rng)
        missed += not found.mu_low <= kink <= found.mu_high
        assert abs(found.mu - kink) < 0.1
        assert found.left == pytest.approx(-1, abs=0.1)
        assert found.right == pytest.approx(0, abs=0.1)
    assert missed < 4


def test_five_points_have_no_kink():
    values = np.zeros(5)
    assert np.isnan(fit_kink(MU[:5], values, values - 1, values + 1, rng=np.random.default_rng(0)).mu)
