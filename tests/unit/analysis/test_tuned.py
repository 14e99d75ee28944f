"""Best rates and their exponents from planted times, whose best rate is known."""

import numpy as np
import pytest
from helpers.searches import RATES, planted, searches
from onepass.analysis import tuned
from onepass.analysis.scaling import ScalingError, plain_slope


def test_intervals_hold_the_known_optimum():
    """95 % intervals of a planted best rate and of its median, 200 times: 178 or more, which fails once in 10³."""
    rng, rates, times = np.random.default_rng(1), 0, 0
    for _ in range(200):
        best = np.exp(rng.uniform(-0.5, 0.5))
        found = tuned.best_of(RATES, *planted(rng, best=best), 400, rng)
        low, high = np.quantile(found.rates, [0.025, 0.975])
        rates += low <= best <= high
        low, high = np.quantile(found.times, [0.025, 0.975])
        times += low <= 1e6 <= high
    assert rates >= 178
    assert times >= 178


def test_no_recovery_has_no_best_rate():
    steps, budget, none = np.full((12, 8), 10.0), np.full(12, 10.0), np.zeros((12, 8), dtype=bool)
    found = tuned.best_of(RATES, steps, none, budget, (steps[0], none[0]), 50, np.random.default_rng(0))
    assert np.isnan(found.rate)
    assert found.time == np.inf


def test_rates_that_are_all_as_good_have_a_time_and_no_best_one():
    steps, budget, all_of = np.full((12, 16), 3.0), np.full(12, 30.0), np.ones((12, 16), dtype=bool)
    steps[:4] = 7.0
    found = tuned.best_of(RATES, steps, all_of, budget, (steps[5], all_of[5]), 50, np.random.default_rng(0))
    assert np.isnan(found.rate)
    assert found.time == 3.0


def test_a_best_rate_at_the_edge_is_known_to_the_spacing_of_rates():
    """Where the lowest point is cut off in every resample, the interval still has a width on both sides."""
    rng = np.random.default_rng(5)
    found = tuned.best_of(RATES, *planted(rng, best=100.0, curve=0.05), 400, rng)
    low, high = np.quantile(found.rates, [0.025, 0.975])
    assert low < found.rate < high


def test_exponents_are_the_planted_ones():
    fit = tuned.fit_experiment(searches(), resamples=200).squeeze()
    for name, value in (("theta", 2.0), ("delta", 1.5), ("sample_exponent", 2.5)):
        assert fit[f"{name}_low"] <= value <= fit[f"{name}_high"]
        assert float(fit[name]) == pytest.approx(value, abs=0.05)
    assert fit.local_theta.values == pytest.approx([2.0, 2.0], abs=0.05)
    assert fit.best_samples.values == pytest.approx(fit.best_time.values * searches().batch_size.values[0])
    assert (float(fit.theta_theory), float(fit.delta_theory)) == (1.5, 1.0)
    assert str(fit.reason.values) == ""


def test_why_there_is_no_exponent():
    fit = tuned.fit_experiment(searches(empty=(2**20, 2**30)), resamples=200).squeeze()
    assert np.isnan(fit.theta)
    assert str(fit.reason.values) == "recovery at 1 dimension(s): a slope needs two"
    assert np.isinf(fit.best_time.values[1:]).all()


def test_a_data_set_without_rates_is_refused():
    with pytest.raises(ScalingError, match="not one of tuned rates"):
        tuned.fit_experiment(searches().assign(learning_rate=lambda dataset: 0 * dataset.budget), resamples=200)


def test_values_between_rates():
    assert tuned.median_at(np.array([1.0, 4.0, 8.0]), np.array([8.0, 2.0, np.inf]), 2.0) == pytest.approx(4.0)
    assert np.isnan(tuned.median_at(np.array([1.0, 4.0, 8.0]), np.array([8.0, 2.0, np.inf]), 5.0))
    assert plain_slope(np.array([2.0, 4.0, 8.0]), np.array([4.0, 16.0, 64.0])) == pytest.approx(2.0)
    assert np.isnan(plain_slope(np.array([2.0, 4.0]), np.array([1.0, np.inf])))
