"""The comparison of laws itself: as many false alarms as it states, and differences noticed by name."""

import numpy as np
import pytest
from helpers.laws import assert_other_law, assert_same_law, smallest
from scipy.stats import norm


def drawn(rng, count=300, shift=0.0):
    """Two numbers that depend on each other, the second shifted."""
    x = rng.standard_normal(count)
    return {"x": x, "x + y": x + rng.standard_normal(count) + shift}


@pytest.mark.parametrize("known", [False, True], ids=["two samples", "one sample"])
def test_false_alarms_are_as_rare_as_stated(known):
    """In 400 comparisons at a rate of 0.1; within 4 standard errors, and not far below: the tests are not blunt."""
    rng = np.random.default_rng(1)
    law = {"x": norm.cdf, "x + y": norm(scale=2**0.5).cdf}
    alarms = 0
    for _ in range(400):
        _, p_value, allowed = smallest(drawn(rng), law if known else drawn(rng), cases=1, alarm=0.1)
        alarms += p_value <= allowed
    assert 0.03 < alarms / 400 < 0.1 + 4 * (0.09 / 400) ** 0.5


def test_a_difference_is_noticed_and_named():
    rng = np.random.default_rng(2)
    one, other = drawn(rng), drawn(rng, shift=1.0)
    assert_same_law(one, drawn(rng))
    assert_other_law(one, other)
    with pytest.raises(AssertionError, match=r"(law|mean) of x \+ y: p = .*e-.*, allowed from 1\.\de-04 .* 2 cases"):
        assert_same_law(one, other, cases=2)
    with pytest.raises(AssertionError, match="such a difference can be missed"):
        assert_other_law(one, drawn(rng))
    with pytest.raises(AssertionError, match="x is not finite"):
        assert_same_law(one | {"x": np.full(300, np.nan)}, one)
