"""The one rule by which quadratures are refined."""

import pytest
from onepass.gaussian.quadrature import refined


def difference(coarse, fine):
    return abs(fine - coarse)


def test_ends_with_the_first_two_rules_that_agree():
    asked = []

    def evaluate(count):
        asked.append(count)
        return 1 + 1 / count**2

    found = refined(evaluate, (1, 2, 4, 8, 16), 0.05, difference)
    assert asked == [1, 2, 4, 8]
    assert (found.coarse, found.fine, found.value) == (4, 8, 1 + 1 / 64)
    assert found.error == pytest.approx(1 / 16 - 1 / 64)


def test_says_how_far_the_last_two_are_apart_where_none_agree():
    found = refined(float, (1, 2, 4), 0.5, difference)
    assert (found.coarse, found.fine, found.value, found.error) == (2, 4, 4.0, 2.0)


def test_a_single_rule_is_exact():
    assert refined(float, (7,), 0.0, difference) == (7, 7, 7.0, 0.0)
