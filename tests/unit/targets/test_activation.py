"""The activation that a target gets: orders that reach every coordinate, signs that climb."""

import pytest
from onepass.choices import BASIC_LOSSES
from onepass.formulas.formula import Formula
from onepass.model import Model
from onepass.targets import warnings
from onepass.targets.activation import default_activation, needed_orders
from onepass.theory import saddle

TARGETS = ("tanh(x1*x2*x3)", "x1**3 - x1*x2**2", "relu(x1)", "x1*x2", "He4(x1)", "x1*x2 + He3(x1)")


@pytest.mark.parametrize(
    ("target", "orders"),
    [
        ("x1*x2 + He3(x1)", [2]),
        ("x1 + x1*x2 + x1*x2*x3", [1, 2, 3]),
        ("x1 + x1*x2*x3*x4", [1, 4]),
        ("x1**3 - x1*x2**2", [1, 3]),
        ("He3(x1) + He5(x2)", [3, 5]),
    ],
)
def test_orders_that_reach_every_coordinate(target, orders):
    assert needed_orders(Formula.target(target)) == orders


@pytest.mark.parametrize("target", [*TARGETS[1:], "sign(x1)", "-x1*x2", "x1 - x2", "He3(x2)"])
def test_the_activation_can_learn_the_target(target):
    activation, why = default_activation(target)
    model = Model(target, activation)
    assert warnings.missing_component(model) is None
    assert warnings.wrong_signs(model, 0.1) == ()
    assert why
    if model.teachers == 1 and target != "sign(x1)":
        assert why == "the target itself"
        assert saddle.drift(model, [1.0]) > 0
    square, correlation = (saddle.means_at_start(model, loss)[1] for loss in BASIC_LOSSES)
    if model.teachers > 1:
        assert square <= 5 * correlation, "its own noise is at most (1/0.5)^2 times that of the labels"
