"""Censored quantiles of recovery times."""

import numpy as np
import pytest
from onepass.analysis.recovery import (
    RecoveryError,
    bootstrap_quantile,
    interval,
    median_recovery,
    recovery_quantile,
    samples_seen,
    singly_censored,
)


def test_uncensored_median_is_the_plain_one():
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 64):
        times = rng.integers(1, 20, n)
        assert median_recovery(times, np.ones(n, bool)) == (np.median(times), 1.0)


def test_censored_replicas_count():
    """Dropping the runs that did not recover would give 4 and 3."""
    assert median_recovery([2, 4, 6, 9, 9], np.array([1, 1, 1, 0, 0], bool)) == (6, 0.6)
    assert median_recovery([2, 4, 9, 9, 9], np.array([1, 1, 0, 0, 0], bool)) == (np.inf, 0.4)


def test_median_beyond_the_budget():
    assert median_recovery([2, 4, 9, 9], np.array([1, 1, 0, 0], bool)) == (np.inf, 0.5)
    assert median_recovery([9, 9], np.zeros(2, bool)) == (np.inf, 0.0)


def test_kaplan_meier_by_hand():
    """Times 1, 2+, 3, 4+, 5 (+ censored): survival 4/5 after 1, 8/15 after 3, 0 after 5."""
    times, recovered = [1, 2, 3, 4, 5], np.array([1, 0, 1, 0, 1], bool)
    assert not singly_censored(times, recovered)
    assert recovery_quantile(times, recovered, 0.1) == 1
    assert recovery_quantile(times, recovered, 7 / 15 - 0.01) == 3
    assert recovery_quantile(times, recovered, 7 / 15) == 4  # the middle of [3, 5)
    assert recovery_quantile(times, recovered, 0.5) == 5


@pytest.mark.parametrize("probability", [0.1, 0.25, 0.5, 0.9])
def test_bootstrap_under_one_budget_is_kaplan_meier(probability):
    """The shortcut gives, resample by resample, the Kaplan-Meier quantile of the same draw."""
    data = np.random.default_rng(1)
    for n in (1, 8, 25, 64):
        times = data.geometric(0.05, n)
        recovered = times <= 25
        times = np.minimum(times, 25)
        assert singly_censored(times, recovered)
        fast = bootstrap_quantile(times, recovered, 50, np.random.default_rng(n), probability)
        drawn = np.random.default_rng(n).integers(n, size=(50, n))
        slow = [recovery_quantile(times[i], recovered[i], probability) for i in drawn]
        np.testing.assert_array_equal(fast, slow)


def test_bootstrap_with_general_censoring():
    times, recovered = np.array([1, 2, 3, 4, 5, 6]), np.array([1, 0, 1, 1, 0, 1], bool)
    medians = bootstrap_quantile(times, recovered, 100, np.random.default_rng(2))
    assert medians.shape == (100,)
    assert medians.min() < recovery_quantile(times, recovered) < medians.max()


def test_bootstrap_spread_of_the_median():
    """Exponential times: the standard deviation of the median is 1/√n of the scale.

    A bootstrap's own scatter at n = 1001 is about 10 %; the bounds are more than four of it away.
    """
    rng = np.random.default_rng(3)
    times = rng.exponential(1.0, 1001)
    spread = bootstrap_quantile(times, np.ones(1001, bool), 400, rng).std() * np.sqrt(1001)
    assert 0.5 < spread < 1.6


def test_samples_are_those_of_the_batches_begun():
    steps = np.array([0, 1, 3, 4, np.inf])
    np.testing.assert_array_equal(samples_seen("projected_square_passes3", 8, steps), [0, 8, 8, 16, np.inf])
    assert samples_seen("projected_square", 8, 2.5) == 20


def test_interval_with_infinite_samples():
    samples = np.r_[np.arange(90.0), np.full(10, np.inf)]
    assert interval(samples) == (2, np.inf)
    assert interval(np.arange(1, 101.0), level=0.9) == (5, 95)
    assert np.isnan(interval([1.0, np.nan])).all()


@pytest.mark.parametrize(
    ("times", "recovered", "message"),
    [
        ([], [], "one replica or more"),
        ([1, 2], [True], "shape"),
        ([1, 2], [1, 0], "must be bool"),
        ([1, -2], [True, True], "from -2 to 1"),
        ([1, np.nan], [True, True], "finite"),
        ([1, np.inf], [True, False], "finite"),
    ],
)
def test_bad_times(times, recovered, message):
    with pytest.raises(RecoveryError, match=message):
        median_recovery(times, recovered)


@pytest.mark.parametrize("probability", [0, 1, -0.5, np.nan])
def test_bad_probability(probability):
    with pytest.raises(RecoveryError, match="between 0 and 1"):
        recovery_quantile([1, 2], [True, True], probability)
