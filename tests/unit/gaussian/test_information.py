"""Information exponent, leap index and leap complexity of known targets, and by their definitions."""

import random
from itertools import permutations

import pytest
from onepass.formulas.formula import Formula
from onepass.formulas.language import FormulaError
from onepass.gaussian.expansion import HermiteError
from onepass.gaussian.information import information_exponent, leap_complexity, leap_index

ONE_COORDINATE = {
    "relu(x)": 1, "erf(x)": 1, "erf(x/sqrt(2))": 1, "tanh(x)": 1, "sin(x)": 1, "sign(x)": 1, "x**3": 1, "x": 1,
    "step(x)": 1, "exp(x)": 1, "relu(x - 1)": 1,
    "x**2": 2, "abs(x)": 2, "cos(x)": 2, "exp(-x**2)": 2, "sin(x)**2": 2,
    "x**3 - 3*x": 3, "x**4 - 6*x**2": 4, "sin(x) - exp(-1/2)*x": 3, "cos(x) + exp(-1/2)*He2(x)/2": 4,
    "abs(x) - sqrt(2/pi)/2*He2(x)": 4, "sign(x) - sqrt(2/pi)*x": 3, "1e-3*He2(x) + He5(x)": 2, "7 + He6(x)": 6,
    **{f"He{k}(x)": k for k in range(1, 21)},
}  # fmt: skip


@pytest.mark.parametrize("text", ONE_COORDINATE)
def test_information_exponent(text):
    """Of one coordinate all three exponents are the same."""
    for exponent in (information_exponent, leap_index, leap_complexity):
        assert exponent(text) == ONE_COORDINATE[text]
    assert information_exponent(Formula.target(text)) == ONE_COORDINATE[text]


@pytest.mark.parametrize(
    ("text", "index", "complexity"),
    [
        ("x1*x2", 2, 2), ("x1*x2*x3", 3, 3), ("tanh(x1*x2*x3)", 3, 3),
        ("x1 + x1*x2 + x1*x2*x3", 1, 1), ("x1 + x1*x2*x3*x4", 1, 3),
        # beyond the table, by hand
        ("x1*x2*x3 + x1*x2 + x1", 1, 1), ("x1*x2 + x1*x2*x3", 2, 2), ("x3 + x2*x3*x1", 1, 2),
        ("He3(x1) + x1*x2", 2, 2), ("He2(x1) + x1*He3(x2)", 2, 3), ("He4(x1) + x1*x2*x3", 3, 3),
        ("He3(0.8*x1 + 0.6*x2)", 3, 3), ("He2(x1) + He3(x2)", 2, 3), ("He2(x1) + He5(x1)*x2", 2, 2),
        ("x2", 1, 1), ("x1*x2 + x3*x4*x5", 2, 3), ("x1*x2 + x2*x3*x4 + x3", 1, 2), ("sign(x1)*sign(x2)", 2, 2),
        ("cos(x1)*x2", 1, 2), ("sum(x1, x1*He2(x2), x2*He4(x3))", 1, 4), ("relu(x1 + x2)", 1, 1),
    ],
)  # fmt: skip
def test_exponents_of_several_coordinates(text, index, complexity):
    assert leap_index(text) == index
    assert leap_complexity(text) == complexity


def by_definition(terms):
    """The least over all orders of the largest leap."""

    def largest(order):
        seen, leap = set(), 0
        for alpha in order:
            leap = max(leap, sum(power for i, power in enumerate(alpha) if i not in seen))
            seen |= {i for i, power in enumerate(alpha) if power}
        return leap

    return min(map(largest, permutations(terms)))


@pytest.mark.parametrize("seed", range(25))
def test_leap_complexity_is_its_definition(seed):
    """Random sums of Hermite products against every order of learning them."""
    rng = random.Random(seed)
    terms = {tuple(rng.choice([0, 0, 0, 1, 1, 2, 3]) for _ in range(4)) for _ in range(5)}
    terms = [alpha for alpha in terms if any(alpha)]
    text = " + ".join("*".join(f"He{power}(x{i + 1})" for i, power in enumerate(alpha) if power) for alpha in terms)
    assert leap_complexity(text) == by_definition(terms)
    assert leap_index(text) == min(map(sum, terms))


@pytest.mark.parametrize("text", ["He0(x)", "x**0", "x - x", "exp(x)/exp(x)", "sin(x)**2 + cos(x)**2", "abs(x)**0 + 3"])
def test_constants_have_no_exponent(text):
    for exponent in (information_exponent, leap_index, leap_complexity):
        with pytest.raises(HermiteError, match="nothing to learn") as refusal:
            exponent(text)
        assert Formula.target(text).text in str(refusal.value)


def test_constant_text_is_no_target():
    with pytest.raises(FormulaError, match="constant"):
        information_exponent("3")


@pytest.mark.parametrize("text", ["x1*x2", "x2", "He3(0.8*x1 + 0.6*x2)"])
def test_information_exponent_is_of_one_coordinate(text):
    with pytest.raises(HermiteError, match=r"2 coordinates.*leap_index or leap_complexity"):
        information_exponent(text)


@pytest.mark.parametrize(
    ("text", "index", "complexity"),
    [
        ("*".join(f"x{i}" for i in range(1, 31)), 30, 30),  # parities, and what the sign makes of one
        ("x1*x2*x3*x4*x5*x6*x7*x8", 8, 8), ("sign(x1*x2*x3*x4*x5*x6*x7*x8*x9*x10*x11)", 11, 11),
        ("-sign(x1*x2*x3)", 3, 3),
        ("sign(x1)*sign(x2)*sign(x3)*sign(x4) + x1", 1, 3), ("x1 + x1*x2 + x1*x2*x3*x4*x5*x6*x7", 1, 5),
        ("tanh(x1*x2*x3*x4*x5)", 5, 5), ("abs(x1*x2*x3*x4)", 2, 2), ("relu(x1*x2*x3*x4)", 2, 2),
        ("x5*tanh(x1*x2)", 3, 3),
        ("sin(x1)*cos(x2)*tanh(x3)*x4", 3, 3), ("sin(20*x1*x2)", 2, 2),
        ("(x1*x2 + x3*x4 + x5*x6 + x7*x8 + x9*x10)**2", 2, 2),
        ("He3(x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11 + x12)", 1, 1),
        ("exp(-x1**2 - x2**2 - x3**2 - x4**2)", 2, 2),
        ("cos(30*x1)*He3(x2) + x3*x4*x5", 3, 3), ("relu(x1 - x2)*x3*x4*x5", 3, 3),
        ("abs(x1 - x2) - abs(x1 + x2)", 2, 2),
    ],
)  # fmt: skip
def test_exponents_of_products_and_of_many_coordinates(text, index, complexity):
    assert leap_index(text) == index
    assert leap_complexity(text) == complexity


@pytest.mark.parametrize(
    "text", ["cos(30*x1)*He3(x2)", "cos(100*x1)", "sign(sin(20*x1))", "*".join(f"sign(x{i})" for i in range(1, 23))]
)
def test_what_begins_beyond_the_orders_looked_at_is_not_given_one(text):
    """Coefficients below 1e-9 are none, whatever rounding makes of them."""
    for exponent in (leap_index, leap_complexity):
        with pytest.raises(HermiteError, match=r"no Hermite coefficient of order 1 … 20 above 1e-09.*below order 21"):
            exponent(text)


@pytest.mark.parametrize("text", ["(x + 1)**2 - x**2 - 2*x - 1", "0.1*x + 0.2*x - 0.3*x"])
def test_hidden_zeros_leave_nothing_to_learn(text):
    with pytest.raises(HermiteError, match="nothing to learn"):
        information_exponent(text)


def test_an_oblique_kink_is_resolved():
    """Of |u| in u = 0.8 x1 + 0.6 x2, less its second Hermite term, the fourth is the first that is left."""
    u = "0.8*x1 + 0.6*x2"
    assert leap_index(f"abs({u}) - sqrt(2/pi)/2*He2({u})") == 4
