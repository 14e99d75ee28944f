"""Rates of a plan, against those found by hand."""

import pytest
from onepass.model import Model
from onepass.protocol import Loss
from onepass.targets.planning import Plan, PlanError


def test_rates_are_those_that_were_found_by_hand():
    """The published grids were tuned before this plan was: γ0 of He3 is 0.006, or 0.0015 for large batches."""
    plan = Plan(Model("He3(x1)", "He3"))
    assert 0.002 <= plan.rate() <= 0.008
    assert 0.0005 <= plan.rate(steps=20) <= 0.002
    assert plan.edge(Loss.SQUARE) == pytest.approx(18 / 1728, rel=0.1)
    assert plan.edge(Loss.CORRELATION) == pytest.approx(18 / 54, rel=0.2)
    assert plan.interaction == pytest.approx(1 / 18)


@pytest.mark.parametrize(("target", "activation"), [("He3(x1)", "relu"), ("x1**2", "-x**2"), ("He3(x1)", "-He3(x)")])
def test_a_student_that_cannot_climb_is_refused(target, activation):
    with pytest.raises(PlanError, match=r"cannot learn|does not climb"):
        Plan(Model(target, activation))
