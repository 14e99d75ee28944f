"""Formulas as arrays and as sources, against SciPy and differences; facts about them."""

import numpy as np
import pytest
from helpers.formulas import POINTS, close, scalar
from onepass.formulas.formula import Formula
from onepass.formulas.language import (
    FUNCTIONS,
    HERMITE,
    LARGEST_DEGREE,
    LARGEST_INDEX,
    LARGEST_POWER,
    FormulaError,
)
from scipy import special

NEEDS_POSITIVE = ("sqrt", "log", "log1p")  # tried at 1.5 + x² in place of x
REFERENCE = {
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "sum": lambda x: x,
    "mean": lambda x: x,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "erf": special.erf,
    "relu": lambda x: np.where(x > 0, x, 0),
    "abs": np.abs,
    "sign": np.sign,
    "step": lambda x: np.heaviside(x, 0),
    "heaviside": lambda x: np.heaviside(x, 0.5),
    "log1p": np.log1p,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "arctan": np.arctan,
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(0, x),
    "silu": lambda x: x * special.expit(x),
    "gelu": lambda x: x * special.ndtr(x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "max": lambda x: np.maximum(x, np.maximum(0.4, -x)),
    "min": lambda x: np.minimum(x, np.minimum(0.4, x**2)),
    **{name: lambda x, n=n: special.eval_hermitenorm(n, x) for name, n in HERMITE.items()},
}
COMPOSITIONS = {
    "relu(x - 0.4)*tanh(x)": lambda x: np.maximum(x - 0.4, 0) * np.tanh(x),
    "abs(sin(x) - 0.3)": lambda x: abs(np.sin(x) - 0.3),
    "abs(abs(x) - 1)": lambda x: abs(abs(x) - 1),
    "relu(relu(x) - 0.5)": lambda x: np.maximum(np.maximum(x, 0) - 0.5, 0),
    "relu(-2*x)**2": lambda x: np.maximum(-2 * x, 0) ** 2,
    "sign(x)*sqrt(abs(x) + 1)": lambda x: np.sign(x) * np.sqrt(abs(x) + 1),
    "step(x - 0.4)*x**2": lambda x: (x > 0.4) * x**2,
    "step(sin(x))*cos(x)": lambda x: (np.sin(x) > 0) * np.cos(x),
    "sum(relu(x), abs(x), x**2)": lambda x: np.maximum(x, 0) + abs(x) + x**2,
    "mean(relu(x), abs(x), x**2)": lambda x: (np.maximum(x, 0) + abs(x) + x**2) / 3,
    "log(1 + exp(x))": lambda x: np.logaddexp(0, x),
    "erf(x/sqrt(2))": lambda x: special.erf(x / np.sqrt(2)),
    "x*(1 + erf(x/sqrt(2)))/2": lambda x: x * special.ndtr(x),
    "x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*cube(x))))": lambda x: (
        x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    ),
    "1/(1 + exp(-x))": special.expit,
    "exp(-square(x)/2)": lambda x: np.exp(-(x**2) / 2),
    "exp(-x**2)/sqrt(1 + x**2)": lambda x: np.exp(-(x**2)) / np.sqrt(1 + x**2),
    "He3(tanh(x))": lambda x: np.tanh(x) ** 3 - 3 * np.tanh(x),
    "He2(He3(x))/7": lambda x: ((x**3 - 3 * x) ** 2 - 1) / 7,
    "-(-x - +1)**3": lambda x: (x + 1) ** 3,
    "(x - 1)**0 + 2*x**1 - 3.5e-1*x**20/1e6": lambda x: 1 + 2 * x - 0.35e-6 * x**20,
    "sin(pi*x) + e**2*x": lambda x: np.sin(np.pi * x) + np.e**2 * x,
    "max(x, x)*min(x, 1)": lambda x: x * np.minimum(x, 1),
    "softplus(100*x) - softplus(-100*x)": lambda x: 100 * x,
    "sigmoid(sin(x))*gelu(2*x - 0.3)": lambda x: special.expit(np.sin(x)) * (2 * x - 0.3) * special.ndtr(2 * x - 0.3),
    "tanh(relu(x)*(1 + step(x - 0.4)))": lambda x: np.tanh(np.maximum(x, 0) * (1 + (x > 0.4))),
}
ACTIVATIONS = {
    **{n: (f"{n}(1.5 + x**2)", lambda x, n=n: REFERENCE[n](1.5 + x**2)) for n in NEEDS_POSITIVE},
    **{n: (f"{n}(x)", REFERENCE[n]) for n in FUNCTIONS if n not in (*NEEDS_POSITIVE, "max", "min")},
    "max": ("max(x, 0.4, -x)", REFERENCE["max"]),
    "min": ("min(x, 0.4, x**2)", REFERENCE["min"]),
    **{text: (text, function) for text, function in COMPOSITIONS.items()},
}


def test_every_function_has_a_reference():
    assert set(REFERENCE) == set(FUNCTIONS)


@pytest.mark.parametrize("key", ACTIVATIONS)
def test_values(key):
    text, reference = ACTIVATIONS[key]
    formula = Formula.activation(text)
    close(formula.array(np)(POINTS), reference(POINTS), 1e-13)
    function = scalar(formula)
    # He_n up to 20 from its monomials loses digits against the recurrence: 1e-10 of its size
    close([function(x) for x in POINTS], reference(POINTS), 1e-10)


@pytest.mark.parametrize("key", ACTIVATIONS)
def test_derivatives(key):
    """Against central differences: their error is h² f'''/6 + 1e-16 |f|/h, below 1e-7 of the size for He20."""
    text, reference = ACTIVATIONS[key]
    formula, h = Formula.activation(text), 1e-5
    differences = (reference(POINTS + h) - reference(POINTS - h)) / (2 * h)
    derivative = formula.array(np, derivative=True)(POINTS)
    close(derivative, differences, 1e-7)
    function = scalar(formula, derivative=True)
    close([function(x) for x in POINTS], derivative, 1e-12)


@pytest.mark.parametrize("n", range(1, LARGEST_POWER + 1))
def test_derivative_of_hermite_is_the_one_before(n):
    derivative = Formula.activation(f"He{n}").array(np, derivative=True)(POINTS)
    close(derivative, n * special.eval_hermitenorm(n - 1, POINTS), 1e-10)


def test_at_the_kink():
    """In every form step and sign are 0 at 0, and of two equal arguments max and min take the slope of the last."""
    zero = np.zeros(3)
    values = {
        "relu": (0, 0), "abs": (0, 0), "sign": (0, 0), "step": (0, 0), "heaviside": (0.5, 0), "leaky_relu": (0, 0.01),
        "elu": (0, 1), "softplus": (np.log(2), 0.5), "max(x, 0)": (0, 0), "min(x, 0)": (0, 0), "max(-x, x)": (0, 1),
        "relu(-x)": (0, 0), "min(0, x)": (0, 1), "max(x, -x)": (0, -1),
    }  # fmt: skip
    for text, (value, slope) in values.items():
        formula = Formula.activation(text)
        assert (formula.array(np)(zero) == value).all()
        assert (formula.array(np, derivative=True)(zero) == slope).all()
        assert scalar(formula)(0.0) == value
        assert scalar(formula, derivative=True)(0.0) == slope


@pytest.mark.parametrize(
    "text",
    ["x", "He0", "He1", "step", "sign", "x - x", "sum(x, 2)", "relu", "erf(x)", "heaviside", "max(x, 2)", "gelu"],
)
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0,), (2, 1, 4)])
def test_arrays_keep_their_shape(text, shape):
    formula = Formula.activation(text)
    for derivative in (False, True):
        assert np.shape(formula.array(np, derivative=derivative)(np.full(shape, 0.7))) == shape


def test_bare_name_is_the_function_of_x():
    for name in FUNCTIONS:
        if name not in (*NEEDS_POSITIVE, "max", "min"):
            assert Formula.activation(f" {name} ") == Formula.activation(f"{name}(x)")


TARGETS = {
    "x": lambda x: x[..., 0],
    "x2": lambda x: x[..., 1],
    "x1*x2*x3": lambda x: x[..., 0] * x[..., 1] * x[..., 2],
    "tanh(x1*x2*x3)": lambda x: np.tanh(x[..., 0] * x[..., 1] * x[..., 2]),
    "sum(x1, x2, x3)": lambda x: x.sum(-1),
    "mean(x1, x2, x3)": lambda x: x.mean(-1),
    "mean(He3(x1), He2(x2), abs(x3), 4)": lambda x: (
        (x[..., 0] ** 3 - 3 * x[..., 0] + x[..., 1] ** 2 - 1 + abs(x[..., 2]) + 4) / 4
    ),
    "He3(0.8*x1 + 0.6*x2)": lambda x: special.eval_hermitenorm(3, 0.8 * x[..., 0] + 0.6 * x[..., 1]),
    "(erf(x1/sqrt(2)) + erf(x3/sqrt(2)))/2": lambda x: special.ndtr(x[..., 0]) + special.ndtr(x[..., 2]) - 1,
    "relu(sum(x1, -x2))/(1 + square(x3))": lambda x: np.maximum(x[..., 0] - x[..., 1], 0) / (1 + x[..., 2] ** 2),
    "x1 + x1*x2 + x1*x2*x3": lambda x: x[..., 0] * (1 + x[..., 1] * (1 + x[..., 2])),
}


@pytest.mark.parametrize("text", TARGETS)
def test_target_values(text):
    x = np.random.default_rng(0).normal(size=(4, 5, 3))
    formula, reference = Formula.target(text), TARGETS[text](x)
    close(formula.array(np)(x), reference, 1e-14)
    function = scalar(formula)
    close([function(point) for point in x.reshape(-1, 3)], reference.ravel(), 1e-13)
    terms = sum(term.array(np)(x) for term in formula.terms)
    close(terms, reference, 1e-14)


@pytest.mark.parametrize("count", [1, 2, 7, LARGEST_INDEX])
def test_sums_and_means_over_many_coordinates(count):
    x = np.random.default_rng(2).normal(size=(6, count))
    listed = ", ".join(f"x{i + 1}" for i in range(count))
    for name, reference in {"sum": x.sum(1), "mean": x.mean(1)}.items():
        formula = Formula.target(f"{name}({listed})")
        close(formula.array(np)(x), reference, 1e-13)
        assert formula.arity == count
        assert formula.used == tuple(range(count))
        assert len(formula.terms) == count


@pytest.mark.parametrize(
    ("text", "arity", "used", "degree"),
    [
        ("x", 1, (0,), 1), ("x1", 1, (0,), 1), ("x3", 3, (2,), 1), ("x1*x4", 4, (0, 3), 2), ("He0(x2)", 2, (1,), 0),
        ("He7(x1)", 1, (0,), 7), ("He3(x1*x2)", 2, (0, 1), 6), ("square(cube(x2))", 2, (1,), 6), ("x2**0", 2, (1,), 0),
        ("(x1 + x2**2)**3 - x3", 3, (0, 1, 2), 6), ("x1/2 + pi*x2**2/e", 2, (0, 1), 2), ("-x1*+x2", 2, (0, 1), 2),
        ("sum(x1, x2**4, 3)", 2, (0, 1), 4), ("mean(x1, x2*x1)", 2, (0, 1), 2), ("exp(2)*x1", 1, (0,), 1),
        ("relu(-1) + x1", 1, (0,), 1), ("x1/exp(x2)", 2, (0, 1), None), ("1/(1 + x1**2)", 1, (0,), None),
        ("relu(x1)", 1, (0,), None), ("sin(x1)**2", 1, (0,), None), ("He2(tanh(x5))", 5, (4,), None),
        ("x1 + 0*abs(x2)", 2, (0, 1), None), ("He20(x1)*He20(x2)", 2, (0, 1), LARGEST_DEGREE),
    ],
)  # fmt: skip
def test_facts(text, arity, used, degree):
    formula = Formula.target(text)
    assert (formula.arity, formula.used, formula.degree) == (arity, used, degree)
    assert formula.is_polynomial == (degree is not None)
    assert formula.coordinates
    assert Formula.target(formula.text) == formula  # the canonical spelling is in the language


def test_activation_facts():
    formula = Formula.activation("He3")
    assert (formula.arity, formula.coordinates, formula.degree, formula.used) == (1, False, 3, ())
    assert Formula.activation("relu").degree is None
    assert formula == Formula.activation("He3( x )")
    assert hash(formula) == hash(Formula.activation("He3( x )"))


def test_only_activations_have_a_derivative():
    formula = Formula.target("He3(x1)")
    for use in (lambda: formula.derivative, lambda: formula.array(np, derivative=True)):
        with pytest.raises(FormulaError, match=r"He3\(x1\).*only activations"):
            use()


@pytest.mark.parametrize(
    "text", ["abs(sqrt(1.5 + sin(x)))", "sign(log(2 + cos(x)))*x", "abs(sqrt(2 + sin(x))*log(1.5 + cos(x)))"]
)
def test_derivatives_where_sympy_cannot_tell_what_is_real(text):
    formula, h = Formula.activation(text), 1e-5
    function = formula.array(np)
    differences = (function(POINTS + h) - function(POINTS - h)) / (2 * h)
    close(formula.array(np, derivative=True)(POINTS), differences, 1e-7)


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("sign", True),
        ("step(x) + 3", True),
        ("x - x", True),
        ("relu", False),
        ("x/1000", False),
        ("tanh(100*x)", False),
    ],
)
def test_flat_activations_are_known(text, flat):
    assert Formula.activation(text).is_flat is flat


def test_large_arguments():
    """No overflow where the value is a number."""
    x = np.array([-2000.0, -40.0, 40.0, 2000.0])
    for text, values in {
        "softplus": [0, np.exp(-40), 40, 2000],
        "sigmoid": [0, np.exp(-40), 1, 1],
        "elu": [-1, -1, 40, 2000],
    }.items():
        formula = Formula.activation(text)
        for function in (formula.array(np), np.vectorize(scalar(formula))):
            np.testing.assert_allclose(function(x), values, rtol=1e-12, atol=1e-15)
        assert np.isfinite(formula.array(np, derivative=True)(x)).all()


@pytest.mark.parametrize(
    ("text", "kinks"),
    [
        ("relu(x1 - 2)", ["x1 - 2"]), ("max(x1, x2, 3)", ["x1 - x2", "x1 - 3", "x2 - 3"]), ("tanh(x1)*elu(x2)", ["x2"]),
        ("heaviside(leaky_relu(x1))", ["leaky_relu(x1)", "x1"]), ("gelu(x1) + softplus(x2)", []),
        ("min(x1, abs(x2))", ["x1 - abs(x2)", "x2"]),
    ],
)  # fmt: skip
def test_kinks(text, kinks):
    """The functions at whose zeros a formula is not smooth."""
    assert [kink.text for kink in Formula.target(text).kinks] == kinks


@pytest.mark.parametrize("name", ["silu", "gelu", "elu", "sigmoid", "softplus", "tanh", "relu", "leaky_relu", "arctan"])
def test_nested_functions_have_short_derivatives(name):
    formula, h = Formula.activation(f"{name}(" * 10 + "x" + ")" * 10), 1e-5
    function = formula.array(np)
    differences = (function(POINTS + h) - function(POINTS - h)) / (2 * h)
    # Differences of values near 1: 1e-16/h is what rounding leaves of them.
    np.testing.assert_allclose(formula.array(np, derivative=True)(POINTS), differences, rtol=1e-7, atol=1e-10)
    assert len(formula.source("function", derivative=True)) < 3000
