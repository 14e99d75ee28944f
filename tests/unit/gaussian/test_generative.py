"""Generative exponents: of known targets, by level sets, with label noise, under changes of the label and turns."""

import random

import numpy as np
import pytest
from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import HermiteError
from onepass.gaussian.generative import UndecidedError, generative_exponent
from onepass.gaussian.hermite import hermite_tensor
from onepass.gaussian.information import information_exponent, leap_complexity
from onepass.gaussian.polynomials import hermite_polynomials
from onepass.gaussian.symmetry import symmetric_leap

# ±1 where φ(b) = φ(0)/2 makes the first coefficient 0, and where a φ(a) = b φ(b) makes the second one 0.
THREE = "sign(x1**3 - 2*log(2)*x1)"
FOUR = "sign((x1**2 - 2*log(2)/3)*(x1**2 - 8*log(2)/3))"
SMOOTH_FOUR = "x1**2*exp(-x1**2)"  # arXiv:2403.05529
ONE_COORDINATE = {
    "x1": 1, "relu(x1)": 1, "tanh(x1)": 1, "erf(x1)": 1, "sign(x1)": 1, "He3(x1)": 1, "He5(x1)": 1, "He19(x1)": 1,
    "sin(x1) - exp(-1/2)*x1": 1, "sign(x1) - sqrt(2/pi)*x1": 1, "He3(x1) + He4(x1)": 1, "relu(x1 - 3)": 1, "He3(x2)": 1,
    "x1**2": 2, "abs(x1)": 2, "cos(x1)": 2, "He2(x1)": 2, "He4(x1)": 2, "He20(x1)": 2, "x1**6 - x1**2": 2,
    "sign(x1**2 - 1)": 2, "cos(x1) + exp(-1/2)*He2(x1)/2": 2, "He4(0.8*x1 + 0.6*x3)": 2,
    THREE: 3, FOUR: 4, SMOOTH_FOUR: 4, f"{THREE} + 1e-3*He5(x1)": 1,
}  # fmt: skip
SEVERAL = {
    "x1*x2*x3": 2, "sign(x1*x2*x3)": 3, "tanh(x1*x2*x3)": 2, "x1*x2": 2, "sign(x1)*sign(x2)": 2, "x1**2 + x2**2": 2,
    "x1 + x1*x2 + x1*x2*x3": 1, "x1 + x1*x2*x3": 2, "x1 + x1*x2*x3*x4": 2,
    "He2(x1) + x1*He3(x2)": 2, "x5*tanh(x1*x2)": 2, "x1*x2 + x3*x4": 2,
    "x1**2 + sign(x1*x2*x3)": 2, "x1 + sign(x1*x2*x3)": 2, "tanh(x1 + He3(x2))": 1, "x1 + abs(x2)": 2,
    "sign(x1*x2*x3*x4*x5*x6*x7*x8)": 8, "*".join(f"x{i}" for i in range(1, 9)): 2, "cos(x1)*x2": 2,
    # oblique subspaces: x1 + x2, … at order 1, what is left at order 2
    "relu(x1) + relu(x2)": 2, "He3(x1) + He3(x2)": 2, "tanh(x1) + tanh(x2) + tanh(x3)": 2, "x1 + x2 + He7(x3)": 2,
    "step(x1)*step(x2)*step(x3)": 2, "tanh(x1 + 0.5*x2) + tanh(x2)": 1,
}  # fmt: skip


@pytest.mark.parametrize("text", [*ONE_COORDINATE, *SEVERAL])
def test_generative_exponents(text):
    formula, known = Formula.target(text), {**ONE_COORDINATE, **SEVERAL}[text]
    assert generative_exponent(text) == generative_exponent(formula) == known
    if formula.arity == 1:
        assert known <= information_exponent(text)
        assert symmetric_leap(formula, known) <= known


def level_sets(text, k, count=30):
    """``E[He_k(x) 1(f(x) ≤ u)]/√k!`` at levels u: ``∫ He_k φ = He_{k−1}(a) φ(a) − He_{k−1}(b) φ(b)`` from a to b."""
    z = np.linspace(-9, 9, 40_001)
    values = Formula.target(text).array(np)(z[:, None])
    inside = np.quantile(values, np.linspace(0.01, 0.99, count))[:, None] >= values
    up, down = inside[:, 1:] & ~inside[:, :-1], ~inside[:, 1:] & inside[:, :-1]
    middle = (z[1:] + z[:-1]) / 2
    primitive = hermite_polynomials(middle, k)[k - 1] * np.exp(-(middle**2) / 2) / np.sqrt(2 * np.pi * k)
    return (up @ primitive) - (down @ primitive)


@pytest.mark.parametrize("text", [t for t in ONE_COORDINATE if Formula.target(t).used == (0,) and "He19" not in t])
def test_level_sets_say_the_same(text):
    """Indicators of the label, their coefficients exact but for the ends of level sets, found to 1e-3 of x."""
    largest = [abs(level_sets(text, k)).max() for k in range(1, 5)]
    assert next(k for k, size in enumerate(largest, 1) if size > 2e-3) == ONE_COORDINATE[text]


@pytest.mark.parametrize("noise", [0.01, 1.0])
@pytest.mark.parametrize("text", ["He3(x1)", "He4(x1)", THREE, FOUR, SMOOTH_FOUR])
def test_label_noise_changes_nothing(text, noise):
    """``E[(E[He_k | y])²]/k!`` of ``y = f(x) + √noise ξ``: 0 below the exponent, and not at it."""
    z = np.linspace(-9, 9, 20_000)  # no place on a jump
    weights = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    values = Formula.target(text).array(np)(z[:, None])
    y = np.linspace(-3, 3, 301)[:, None]
    likelihood = np.exp(-((y - values) ** 2) / (2 * noise)) * weights / np.sqrt(2 * np.pi * noise)
    known = ONE_COORDINATE[text]
    means = likelihood @ hermite_polynomials(z, known).T
    sizes = (means[:, 1:] ** 2 / means[:, :1]).sum(axis=0) * (y[1, 0] - y[0, 0])
    assert (sizes[:-1] < 1e-6 * sizes[-1]).all()
    assert sizes[-1] > 1e-6


@pytest.mark.parametrize("seed", range(12))
def test_polynomials_have_two_if_even_and_one_otherwise(seed):
    """At high labels one root is left, or two that are opposite for even polynomials alone."""
    rng = random.Random(seed)
    powers = range(0, 2 * rng.randint(1, 3) + 1, 2) if seed % 2 else range(rng.randint(3, 6) + 1)
    text = " + ".join(f"{rng.gauss(0, 1):.6f}*He{power}(x1)" for power in powers)
    text = text if seed % 2 else f"{text} - ({float(hermite_tensor(Formula.target(text), 1)[(1,)])!r})*x1"
    assert generative_exponent(text) == (2 if seed % 2 else 1)
    assert information_exponent(text) >= 2


@pytest.mark.parametrize("text", ["He3(x1)", "He4(x1)", THREE, SMOOTH_FOUR, "x1*x2", "sign(x1*x2*x3)"])
@pytest.mark.parametrize("change", ["tanh({})", "{} + sign({})", "exp(-sigmoid({}))"])
def test_an_increasing_function_of_the_label_has_the_same(text, change):
    assert generative_exponent(change.format(text, text)) == generative_exponent(text)


def test_a_function_of_the_label_may_only_lose():
    assert generative_exponent("abs(He3(x1))") == 2
    assert generative_exponent("sign(x1*x2*x3)") == 3 > generative_exponent("x1*x2*x3")


@pytest.mark.parametrize("text", ["relu({0}) + relu({1})", "{0}*{1}", "{0} + {0}*{1}", "{0} + {1}**2"])
def test_a_turn_changes_nothing(text):
    """The subspaces are found wherever they lie, whose symmetries no longer show."""
    turned = text.format("(0.6*x1 + 0.8*x2)", "(0.8*x1 - 0.6*x2)")
    assert generative_exponent(turned) == generative_exponent(text.format("x1", "x2"))
    assert generative_exponent(text.format("x4", "x2")) == generative_exponent(text.format("x1", "x2"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "x1 + sign(x1*x2*x3*x4)",
            r"2 or more by its symmetries, 3 or less by those.*couple 4 coordinates.*allowed: 2",
        ),
        ("+".join(f"relu(x{i})" for i in range(1, 6)), r"oblique to more than 4 of its 5 coordinates"),
    ],
)
def test_what_cannot_be_decided_says_why(text, words):
    with pytest.raises(UndecidedError, match=words) as refusal:
        generative_exponent(text)
    assert Formula.target(text).text in str(refusal.value)


@pytest.mark.parametrize("text", ["x1 - x1", "He0(x1)", "sin(x1)**2 + cos(x1)**2"])
def test_constants_have_none(text):
    with pytest.raises(HermiteError, match="nothing to learn"):
        generative_exponent(text)


@pytest.mark.parametrize("seed", range(8))
def test_never_above_the_leap_of_the_label_itself(seed):
    """Random sums of Hermite products: no leap over coordinates is shorter than the least by functions of the label."""
    rng = random.Random(seed)
    terms = {tuple(rng.choice([0, 0, 1, 1, 2, 3]) for _ in range(2)) for _ in range(3)} - {(0, 0)}
    text = " + ".join(
        f"{rng.uniform(0.5, 2):.4f}*" + "*".join(f"He{power}(x{i + 1})" for i, power in enumerate(alpha) if power)
        for alpha in terms
    )
    assert generative_exponent(text) <= max(leap_complexity(text), 2)
