"""What formulas are taken apart into: factors, functions of one direction, functions of one product."""

import numpy as np
import pytest
from onepass.formulas import structure
from onepass.formulas.formula import Formula


@pytest.mark.parametrize(
    ("text", "factors"),
    [
        ("x1*x2*x3", ["x1", "x2", "x3"]), ("x1*sin(x2)*x1", ["sin(x2)", "x1 * x1"]), ("x1 + x2", ["x1 + x2"]),
        ("-sign(x1*x2)", ["sign(x1) * -1.0", "sign(x2)"]),
        ("abs(x1*(x2 + x3))/2", ["abs(x1) * (1.0 / 2)", "abs(x2 + x3)"]),
        ("x1/exp(x2)", ["x1", "1.0 / exp(x2)"]), ("(x1*x2)**3", ["x1 ** 3", "x2 ** 3"]),
        ("square(x1*cos(x2))", ["square(x1)", "square(cos(x2))"]),
        ("exp(x1 - x2*x3 + 1)", None), ("exp(x1 + x2)", ["exp(x1)", "exp(x2)"]), ("relu(x1*x2)", ["relu(x1 * x2)"]),
        ("tanh(x1*x2)*x3", ["tanh(x1 * x2)", "x3"]), ("x1*tanh(x1*x2)", ["x1 * tanh(x1 * x2)"]), ("3*x4", ["3 * x4"]),
    ],
)  # fmt: skip
def test_factors(text, factors):
    """They share no coordinates, and their product is the function."""
    formula = Formula.target(text)
    if factors is not None:
        assert [factor.text for factor in formula.factors] == factors
    x = np.random.default_rng(0).normal(size=(50, 4))
    product = np.prod([factor.array(np)(x) for factor in formula.factors], axis=0)
    np.testing.assert_allclose(product, formula.array(np)(x), rtol=1e-13)
    used = [i for factor in formula.factors for i in factor.used]
    assert len(used) == len({*used})


@pytest.mark.parametrize(
    ("text", "slopes"),
    [
        ("tanh(x1)", {0: 1}), ("relu(x1 - 2*x2 + 3)*exp(4*x2 - 2*x1)", {0: 1, 1: -2}),
        ("He3(mean(x1, x3))", {0: 0.5, 2: 0.5}),
        ("sum(x1, -x2)/sqrt(2)", {0: 2**-0.5, 1: -(2**-0.5)}), ("sin(pi*(x2 - (x1 + x2)))", {0: -np.pi}),
        ("tanh(x1*x2)", None),
        ("relu(x1) + relu(x2)", None), ("relu(x1 + x2) + x1", None),
        ("abs(x1 + x2)**2 - sin(1)*(x1 + x2)", {0: 1, 1: 1}),
    ],
)  # fmt: skip
def test_direction(text, slopes):
    found = structure.direction([Formula.target(text).tree])
    assert found == (None if slopes is None else pytest.approx(slopes, rel=1e-14))


@pytest.mark.parametrize(
    ("text", "coordinates"),
    [
        ("tanh(x1*x2*x3)", (0, 1, 2)), ("sin(2*x1*x4)*abs(x4*x1/3) + exp(-x1**2*x4**2)", (0, 3)),
        ("He2(x1*x2) + 1", (0, 1)),
        ("sqrt(square(x1)*x2**2)", (0, 1)), ("tanh(x1**2*x2)", None), ("x1*tanh(x1*x2)", None), ("x1*x2 + x3", None),
        ("sin(-(x1*x2))", (0, 1)),
    ],
)  # fmt: skip
def test_product(text, coordinates):
    assert structure.product([Formula.target(text).tree]) == coordinates


def test_connected_groups():
    groups = structure.connected(["ab", "c", "bd", "e", "ce"], set)
    assert [(sorted(used), parts) for used, parts in groups] == [
        (["a", "b", "d"], ["ab", "bd"]),
        (["c", "e"], ["e", "c", "ce"]),
    ]
