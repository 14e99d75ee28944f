"""Every engine against d-dimensional SGD: the same law, tested on overlaps and Gram matrices."""

import onepass
import pytest
from helpers.cases import HE3, RATES, TWO, WIDE, named
from helpers.laws import assert_other_law, assert_same_law, last_numbers

ENGINES = ["chain"]
CASES = [
    (model, batch_size, protocol)
    for model in (HE3, TWO, WIDE)
    for batch_size in (1, 2, 40)
    for protocol in ("projected_square", "projected_correlation", "spherical_square", "spherical_correlation")
]


def final(engine, model, batch_size, protocol, **changes):
    """Of the last states of 500 runs; streams of their own for the reference."""
    usual = {"dimension": 24, "learning_rate": RATES[model] * min(1, batch_size / 8), "steps": 12}
    usual |= {"replicas": 500, "threshold": None, "initial": ("overlap", 0.3), "records": 0}
    own = usual | changes | {"batch_size": batch_size, "engine": engine, "seed": 12 if engine == "sgd" else 11}
    return last_numbers(onepass.simulate(model, onepass.Protocol.named(protocol), **own))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{named(case[0])}-n{case[1]}-{case[2]}")
@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_has_the_law_of_sgd(engine, case):
    assert_same_law(final(engine, *case), final("sgd", *case), cases=len(CASES))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_dimension_is_noticed(engine):
    """By samples of the same size, one case of all."""
    case = (HE3, 8, "projected_correlation")
    wrong, right = final(engine, *case, learning_rate=0.06, dimension=12), final("sgd", *case, learning_rate=0.06)
    assert_other_law(wrong, right, cases=len(CASES))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_has_the_law_of_sgd_through_the_change_of_loss(engine):
    """Where most of the risk is gone; and runs that never change have another."""
    usual = {"learning_rate": 0.02, "steps": 80, "initial": ("overlap", 0.5)}
    adaptive, constant = (final(engine, HE3, 100, f"projected_{name}", **usual) for name in ("adaptive", "correlation"))
    reference = final("sgd", HE3, 100, "projected_adaptive", **usual)
    assert_same_law(adaptive, reference)
    assert_other_law(constant, reference)
