"""The formula language: its three forms agree with each other and with SciPy, and nothing outside of it gets in."""

import builtins
import math
import random

import numba
import numpy as np
import pytest
import sympy
from onepass.formulas.formula import Formula
from onepass.formulas.language import (
    DEEPEST,
    FUNCTIONS,
    HERMITE,
    LARGEST_DEGREE,
    LARGEST_INDEX,
    LARGEST_POWER,
    LONGEST,
    FormulaError,
)
from onepass.formulas.printing import heaviside, sign
from scipy import special

POINTS = np.array([-2.3, -1.45, -0.85, -0.35, 0.15, 0.65, 1.1, 1.75, 2.4])  # 0.15 away from any kink below
NEEDS_POSITIVE = ("sqrt", "log")  # tried at 1.5 + x² in place of x
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
    "tanh(relu(x)*(1 + step(x - 0.4)))": lambda x: np.tanh(np.maximum(x, 0) * (1 + (x > 0.4))),
}
ACTIVATIONS = {
    **{n: (f"{n}(1.5 + x**2)", lambda x, n=n: REFERENCE[n](1.5 + x**2)) for n in NEEDS_POSITIVE},
    **{n: (f"{n}(x)", REFERENCE[n]) for n in FUNCTIONS if n not in NEEDS_POSITIVE},
    **{text: (text, function) for text, function in COMPOSITIONS.items()},
}


def compiled_namespace():
    """What a source finds around it in the file that `onepass.simulation.chain.build` writes."""
    names = {}
    exec("from math import *", names)
    return names | {"sign": sign, "heaviside": heaviside}


def scalar(formula, **options):
    names = compiled_namespace()
    exec(formula.source("function", **options), names)
    return names["function"]


def close(values, reference, tolerance):
    """Relative to the value, and where it is small to the function's size."""
    np.testing.assert_allclose(values, reference, rtol=tolerance, atol=tolerance * np.max(np.abs(reference)))


# --- activations ----------------------------------------------------------------------------------


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
    """0 is taken for the slope of relu at 0 in every form; step and sign are 0 there."""
    zero = np.zeros(3)
    for name, value in {"relu": 0, "abs": 0, "sign": 0, "step": 0}.items():
        formula = Formula.activation(name)
        assert (formula.array(np)(zero) == value).all()
        assert (formula.array(np, derivative=True)(zero) == 0).all()
        assert scalar(formula)(0.0) == value
        assert scalar(formula, derivative=True)(0.0) == 0


@pytest.mark.parametrize("text", ["x", "He0", "He1", "step", "sign", "x - x", "sum(x, 2)", "relu", "erf(x)"])
@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0,), (2, 1, 4)])
def test_arrays_keep_their_shape(text, shape):
    formula = Formula.activation(text)
    for derivative in (False, True):
        assert np.shape(formula.array(np, derivative=derivative)(np.full(shape, 0.7))) == shape


def test_bare_name_is_the_function_of_x():
    for name in FUNCTIONS:
        if name not in NEEDS_POSITIVE:
            assert Formula.activation(f" {name} ") == Formula.activation(f"{name}(x)")


@pytest.mark.parametrize(
    "text", ["He3", "relu(x - 0.3)*tanh(x)", "sign(x)*erf(abs(x)/sqrt(2))", "x**2 + step(x)", "exp(-x**2)*cos(pi*x)"]
)
@pytest.mark.xdist_group("numba")  # which takes seconds to load
def test_compiled_activation_is_the_array_form(text):
    """Numba takes the very source; fused operations may change the last bits."""
    formula, names = Formula.activation(text), compiled_namespace()
    names |= {"sign": numba.njit(sign), "heaviside": numba.njit(heaviside)}
    for derivative in (False, True):
        exec(formula.source("function", derivative=derivative), names)
        function = numba.njit(names["function"])
        reference = formula.array(np, derivative=derivative)(POINTS)
        close([function(x) for x in POINTS], reference, 1e-12)


# --- targets --------------------------------------------------------------------------------------

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


@pytest.mark.parametrize("text", ["x1*x2*x3", "mean(He3(x1), He2(x2), abs(x3), 4)", "tanh(x1)*sign(x2) + step(x3)"])
@pytest.mark.xdist_group("numba")  # which takes seconds to load
def test_compiled_target_is_the_array_form(text):
    formula, names = Formula.target(text), compiled_namespace()
    names |= {"sign": numba.njit(sign), "heaviside": numba.njit(heaviside)}
    exec(formula.source("function"), names)
    function, x = numba.njit(names["function"]), np.random.default_rng(1).normal(size=(9, 3))
    close([function(point) for point in x], formula.array(np)(x), 1e-13)


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


# --- random formulas ------------------------------------------------------------------------------


def random_formula(rng, depth):
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(["x1", "x2", "x3", "x1", "x2", "x3", "0.3", "2", "1.75", "pi", "e", "1e-2"])

    def inner():
        return random_formula(rng, depth - 1)

    match rng.choice(["operator", "operator", "quotient", "power", "minus", "smooth", "polynomial", "kinked", "sum"]):
        case "operator":
            return f"({inner()} {rng.choice('+-*')} {inner()})"
        case "quotient":
            return f"{inner()}/(1.5 + square({inner()}))"
        case "power":
            return f"({inner()})**{rng.randrange(4)}"
        case "minus":
            return f"{rng.choice('+-')}({inner()})"
        case "smooth":
            bounded = f"{rng.choice(['sin', 'cos', 'tanh', 'erf'])}({inner()})"
            return rng.choice([bounded, f"exp({bounded})", f"log(2.5 + {bounded})", f"sqrt(1.5 + {bounded})"])
        case "polynomial":
            return f"{rng.choice(['square', 'cube', *(f'He{n}' for n in range(6))])}({inner()})"
        case "kinked":
            return f"{rng.choice(['relu', 'abs', 'sign', 'step'])}({inner()} + 0.123)"
    return f"{rng.choice(['sum', 'mean'])}({', '.join(inner() for _ in range(rng.randint(1, 4)))})"


def random_targets(count):
    rng = random.Random(20240607)
    found = []
    while len(found) < count:
        try:
            found.append(Formula.target(random_formula(rng, 4)))
        except FormulaError:  # constant, of too high a degree, or overflowing
            continue
    return found


@pytest.mark.parametrize("formula", random_targets(80), ids=lambda formula: formula.text[:40])
def test_array_form_is_the_expression(formula):
    """Within 1e-10 of the expression, evaluated in 30 digits at rational points."""
    rng = np.random.default_rng(len(formula.text))
    points = rng.integers(-2000, 2000, size=(3, 3)) / 1024 + 1 / 8192  # exact in binary
    symbols = [sympy.Symbol(f"x{i + 1}", real=True) for i in range(3)]
    values = formula.array(np)(points)
    function = scalar(formula) if formula.expression.free_symbols else None
    for point, value in zip(points, values, strict=True):
        exact = formula.expression.subs(dict(zip(symbols, map(sympy.Rational, point), strict=True)))
        exact = float(sympy.N(exact, 30))
        assert value == pytest.approx(exact, rel=1e-10, abs=1e-13)
        if function:
            assert function(point) == pytest.approx(exact, rel=1e-10, abs=1e-10)


# --- refusals -------------------------------------------------------------------------------------

REFUSED = {  # formula: what the message has to say
    # other syntax
    "x1.real": "allowed: numbers", "x1.__class__": "allowed: numbers", "().__class__.__mro__": "allowed: numbers",
    "x1[0]": "allowed: numbers", "[x1]": "allowed: numbers", "{x1}": "allowed: numbers", "{1: x1}": "allowed: numbers",
    "x1, x2": "allowed: numbers", "[x1 for x1 in x2]": "allowed: numbers", "sum(x1 for x1 in x2)": "allowed: numbers",
    "lambda: x1": "allowed: numbers", "(lambda x: x)(x1)": "allowed: numbers", "He3(x1)(x2)": "allowed: numbers",
    "x1 if x2 else x3": "allowed: numbers", "x1 and x2": "allowed: numbers", "not x1": "allowed: numbers",
    "x1 < x2": "allowed: numbers", "x1 == x2": "allowed: numbers", "x1 in x2": "allowed: numbers",
    "x1 // x2": "allowed: numbers", "x1 % x2": "allowed: numbers", "x1 @ x2": "allowed: numbers",
    "x1 ^ 2": "allowed: numbers", "x1 | x2": "allowed: numbers", "x1 << 2": "allowed: numbers",
    "~x1": "allowed: numbers", "(x1 := 2)": "allowed: numbers", "...": "allowed: numbers",
    "await x1": "allowed: numbers", "yield x1": "not well formed",
    "'x1'": "allowed: numbers", "b'x1'": "allowed: numbers", "f'{x1}'": "allowed: numbers", "1j*x1": "allowed: numbers",
    "None*x1": "allowed: numbers", "sum(*x1)": "allowed: numbers", "relu(x=x1)": "allowed: numbers",
    "relu(**x1)": "allowed: numbers", "sum(x1, start=2)": "allowed: numbers",
    "True": "allowed: numbers", "x1 + False": "allowed: numbers", "x1**True": "allowed: numbers",
    # not a formula at all
    "": "He3", "   ": "He3", "x1 +": "not well formed", "(x1": "not well formed", "x1)": "not well formed",
    "x1 x2": "not well formed", "x1; x2": "not well formed", "x1 = 2": "not well formed", "2x1": "not well formed",
    "import os": "not well formed", "'x1": "not well formed", "x1\n+ x2": "ASCII", "x1\t": "ASCII", "x1\0": "ASCII",
    "x₁": "ASCII", "γ*x1": "ASCII", "x\uff11": "ASCII",
    # unknown names and functions
    "__import__('os')": "unknown function.*allowed: .*relu", "eval(x1)": "unknown function.*allowed: .*relu",
    "open(x1)": "unknown function.*allowed: .*relu", "max(x1, x2)": "unknown function.*allowed: .*relu",
    "pow(x1, 2)": "unknown function.*allowed: .*relu", "He21(x1)": "unknown function.*He0 … He20",
    "He03(x1)": "unknown function.*He0 … He20", "H3(x1)": "unknown function.*He0 … He20",
    "Relu(x1)": "did you mean 'relu'", "pi(x1)": "unknown function", "x1(x2)": "unknown function",
    "y": "unknown name 'y'.*x1 … x99", "z1": "unknown name.*x1 … x99", "x0": "unknown name.*x1 … x99",
    "x01": "unknown name.*x1 … x99", "x100": "unknown name.*x1 … x99", "x_1": "unknown name.*x1 … x99",
    "X1": "unknown name.*x1 … x99", "x1_0": "unknown name.*x1 … x99", "__builtins__": "unknown name",
    "relu": "unknown name 'relu'.*write it as a call", "relu + x1": "write it as a call",
    # numbers of arguments
    "relu()": "0 arguments of relu.*allowed: one", "sum()": "0 arguments of sum", "relu(x1, x2)": "2 arguments of relu",
    "log(x1**2 + 2, 10)": "2 arguments of log.*allowed: one",
    # powers and numbers
    "x1**21": "power '21'.*from 0 to 20", "x1**-1": "power '-1'.*from 0 to 20", "x1**0.5": "power '0.5'.*use sqrt",
    "x1**2.0": "power '2.0'.*from 0 to 20", "x1**x2": "power 'x2'.*exp", "2**x1": "power 'x1'.*exp",
    "x1**(1 + 1)": "power.*from 0 to 20", "x1**2**2": "power.*from 0 to 20", "9**9**9**9*x1": "power.*from 0 to 20",
    "x1**999999": "power.*from 0 to 20", "x1**pi": "power 'pi'.*from 0 to 20",
    "1e7*x1": "too large.*1e[+]06", "1e400*x1": "too large.*1e[+]06", "10000000*x1": "too large.*1e[+]06",
    "He20(x1)*He20(x1)*x1": "degree 41; allowed: 40", "(x1**20)**20": "degree 400; allowed: 40",
    # no value somewhere
    "log(x1)": "no finite value at", "sqrt(x1)": "no finite value at", "1/0*x1": "no finite value at",
    "x1/(x2 - x2)": "no finite value at", "exp(exp(x1**4))": "no finite value at",
    "1 / x1": "the part 'x1' takes values.*allowed: of one sign, never 0", "1 / x1 ** 2": "part 'x1'.*never 0",
    "1 / cos(x1) ** 2": "part 'cos.x1.'.*never 0", "1 / (3 * abs(x1 - 0.25))": "part 'x1 - 0.25'.*never 0",
    "1 / (x1 ** 2 + x2 ** 2 + x3 ** 2)": "takes values from 0 to", "log(sqrt(x1 + 3))": "part 'x1 [+] 3'",
    "x1 / (x2 - 0.5) ** 2": "never 0", "tanh(x1) / cos(x2)": "'cos.x2.'.*never 0",
    "log(x1 ** 2)": "takes values from 0.*allowed: positive", "sqrt(x1 + 3)": "takes values.*allowed: not negative",
    # nothing to learn
    "3": "constant.*x1, x2", "pi*e": "constant.*x1, x2", "He3(0.5)": "constant.*x1, x2",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_refused_targets(text):
    """The message names the formula and what is allowed."""
    with pytest.raises(FormulaError, match=REFUSED[text]) as refusal:
        Formula.target(text)
    assert repr(text) in str(refusal.value) or "no finite value" in str(refusal.value) or "degree" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x1", "unknown name 'x1'.*allowed: x, pi, e"), ("x + y", "unknown name 'y'.*allowed: x, pi, e"),
        ("gelu", "unknown name 'gelu'"), ("gelu(x)", "unknown function 'gelu'.*allowed: .*relu"),
        ("Tanh(x)", "did you mean 'tanh'"), ("x**21", "from 0 to 20"), ("2", "constant.*use x"),
        ("relu(1)", "constant.*use x"), ("log", "no finite value"), ("sqrt(x)", "no finite value"), ("1/x", "never 0"),
        ("", "not a text"), ("x.real", "allowed: numbers"), ("x if x > 0 else 0", "allowed: numbers"),
    ],
)  # fmt: skip
def test_refused_activations(text, message):
    with pytest.raises(FormulaError, match=message):
        Formula.activation(text)


@pytest.mark.parametrize("make", [Formula.target, Formula.activation])
@pytest.mark.parametrize("value", [None, 3, 0.5, True, b"x", ("x",)])
def test_other_types_are_refused(make, value):
    with pytest.raises(FormulaError, match="not a text"):
        make(value)


@pytest.mark.parametrize(
    "text",
    [
        "relu(" * (DEEPEST + 1) + "x1" + ")" * (DEEPEST + 1),
        "(" * 200 + "x1" + ")" * 200,
        "-" * (DEEPEST + 1) + "x1",
        "-" * 300 + "x1",
        "+" * (LONGEST - 2) + "x1",
        "*".join(["x1"] * (DEEPEST + 2)),
        "**".join(["x1"] * (DEEPEST + 2)),
        "[" * 90 + "]" * 90,
        "x1" + "[0]" * 90,
        "x1" + ".a" * 90,
        "lambda:" * 60 + "x1",
        "x1" + " " * LONGEST,
        "+".join(["x1"] * 10_000),
        "(" * 1_000_000,
    ],
    ids=lambda text: f"{text[:12]} ({len(text)})",
)
def test_long_and_deep_formulas_are_refused(text):
    """Before the parser or the recursion can run out of stack."""
    with pytest.raises(FormulaError, match=r"allowed|not well formed"):
        Formula.target(text)


def test_the_deepest_formula_is_taken():
    formula = Formula.target("tanh(" * DEEPEST + "x1" + ")" * DEEPEST)
    assert scalar(formula)([0.5]) == pytest.approx(float(formula.array(np)(np.array([0.5]))), rel=1e-12)


@pytest.mark.parametrize(
    "attack",
    [
        "open('{path}', 'w')",
        "__import__('os').system('touch {path}')",
        "[c for c in ().__class__.__base__.__subclasses__()][0].open('{path}')",
        "relu(open('{path}', 'w'))",
        "x1 + (lambda: open('{path}', 'w'))()",
        'exec(\'open("{path}", "w")\')',
        'f\'{{open("{path}", "w")}}\'',
        "x1**open('{path}', 'w')",
        "sum(open('{path}', 'w'), x1)",
    ],
)
def test_nothing_is_evaluated(attack, tmp_path, monkeypatch):
    """A refused formula has run nothing: no file, and neither eval, exec nor an import of its choice."""
    path, calls = tmp_path / "made", []
    text = attack.format(path=path)
    with pytest.raises(FormulaError):
        Formula.target(text)  # once before: whatever the package itself imports is loaded
    for name in ("eval", "exec"):
        monkeypatch.setattr(builtins, name, lambda *_, name=name: calls.append(name))
    for make in (Formula.target, Formula.activation):
        with pytest.raises(FormulaError, match="allowed"):
            make(text)
    monkeypatch.undo()
    assert not calls
    assert not path.exists()


def test_sources_hold_no_text_of_the_user():
    """Names in a printed source: its own, the coordinates and those of the language."""
    for text in ("relu(x - 0.3)*erf(x/sqrt(2)) + sign(x)*He5(x)", "log(2 + cos(pi*x)) + exp(-x**2) + step(x)*e"):
        for derivative in (False, True):
            code = compile(Formula.activation(text).source("function", derivative=derivative), "source", "exec")
            (function,) = (constant for constant in code.co_consts if hasattr(constant, "co_names"))
            assert set(function.co_names) <= {*FUNCTIONS, "heaviside", "pi", "e"}


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda: Formula.target("1" * 400 + "*x1"), id="integer beyond float: OverflowError"),
        pytest.param(lambda: Formula.target("~" * 490 + "x1"), id="deep other syntax: RecursionError"),
        pytest.param(lambda: Formula.target(["x1"]), id="list: TypeError"),
        pytest.param(lambda: Formula.activation({"x": 1}), id="mapping: TypeError"),
    ],
)
def test_refused_refusals(use):
    with pytest.raises(FormulaError):
        use()


@pytest.mark.parametrize(
    "text", ["abs(sqrt(1.5 + sin(x)))", "sign(log(2 + cos(x)))*x", "abs(sqrt(2 + sin(x))*log(1.5 + cos(x)))"]
)
def test_derivatives_where_sympy_cannot_tell_what_is_real(text):
    formula, h = Formula.activation(text), 1e-5
    function = formula.array(np)
    differences = (function(POINTS + h) - function(POINTS - h)) / (2 * h)
    close(formula.array(np, derivative=True)(POINTS), differences, 1e-7)


@pytest.mark.parametrize("text", ["He0(x1)", "x1**0", "x1 - x1", "exp(x1)/exp(x1)"])
def test_sources_of_constant_targets_are_numbers(text):
    value = scalar(Formula.target(text))(np.array([0.3]))
    assert np.shape(value) == ()
    assert math.isfinite(value)


@pytest.mark.parametrize(
    ("text", "flat"), [("sign", True), ("step(x) + 3", True), ("x - x", True), ("relu", False), ("x/1000", False)]
)
def test_flat_activations_are_known(text, flat):
    assert Formula.activation(text).is_flat is flat
