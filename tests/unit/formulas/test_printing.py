"""Sources printed from a formula: compiled, of random formulas, and what may stand in them."""

import math
import random

import numba
import numpy as np
import pytest
import sympy
from helpers.formulas import POINTS, close, compiled_namespace, scalar
from onepass.formulas.evaluation import HELPERS
from onepass.formulas.formula import Formula
from onepass.formulas.language import (
    FUNCTIONS,
    FormulaError,
)


@pytest.mark.parametrize(
    "text",
    [
        "He3", "relu(x - 0.3)*tanh(x)", "sign(x)*erf(abs(x)/sqrt(2))", "x**2 + step(x)", "exp(-x**2)*cos(pi*x)",
        "softplus(3*x) + silu(x)", "gelu(x)*sigmoid(x)", "max(x, 0.3, -x) + heaviside(x)",
        "elu(x - 0.2) + leaky_relu(x)",
        "min(arctan(x), log1p(x**2))", "sinh(x)/cosh(x)",
    ],
)  # fmt: skip
def test_compiled_activation_is_the_array_form(text):
    """Numba takes the very source; fused operations may change the last bits."""
    formula, names = Formula.activation(text), compiled_namespace()
    names |= {helper.__name__: numba.njit(helper) for helper in HELPERS}
    for derivative in (False, True):
        exec(formula.source("function", derivative=derivative), names)
        function = numba.njit(names["function"])
        reference = formula.array(np, derivative=derivative)(POINTS)
        close([function(x) for x in POINTS], reference, 1e-12)


@pytest.mark.parametrize(
    "text",
    ["x1*x2*x3", "mean(He3(x1), He2(x2), abs(x3), 4)", "tanh(x1)*sign(x2) + step(x3)", "max(x1, softplus(x2), x3)"],
)
def test_compiled_target_is_the_array_form(text):
    formula, names = Formula.target(text), compiled_namespace()
    names |= {helper.__name__: numba.njit(helper) for helper in HELPERS}
    exec(formula.source("function"), names)
    function, x = numba.njit(names["function"]), np.random.default_rng(1).normal(size=(9, 3))
    close([function(point) for point in x], formula.array(np)(x), 1e-13)


def random_formula(rng, depth):
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(["x1", "x2", "x3", "x1", "x2", "x3", "0.3", "2", "1.75", "pi", "e", "1e-2"])

    def inner():
        return random_formula(rng, depth - 1)

    kinds = [
        "operator",
        "operator",
        "quotient",
        "power",
        "minus",
        "smooth",
        "polynomial",
        "kinked",
        "activation",
        "extreme",
    ]
    match rng.choice([*kinds, "sum"]):
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
            return f"{rng.choice(['relu', 'abs', 'sign', 'step', 'elu', 'leaky_relu', 'heaviside'])}({inner()} + 0.123)"
        case "activation":
            return f"{rng.choice(['sigmoid', 'softplus', 'gelu', 'silu', 'arctan'])}({inner()})"
        case "extreme":
            return f"{rng.choice(['max', 'min'])}({inner()} + 0.123, {inner()}, 0.3)"
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


def test_sources_hold_no_text_of_the_user():
    """Names in a printed source: its own, the coordinates and those of the language."""
    for text in (
        "relu(x - 0.3)*erf(x/sqrt(2)) + sign(x)*He5(x)",
        "log(2 + cos(pi*x)) + exp(-x**2) + step(x)*e",
        "arctan(gelu(x))",
    ):
        for derivative in (False, True):
            code = compile(Formula.activation(text).source("function", derivative=derivative), "source", "exec")
            (function,) = (constant for constant in code.co_consts if hasattr(constant, "co_names"))
            assert set(function.co_names) <= {*FUNCTIONS, "atan", "pi", "e"}


@pytest.mark.parametrize("text", ["He0(x1)", "x1**0", "x1 - x1", "exp(x1)/exp(x1)"])
def test_sources_of_constant_targets_are_numbers(text):
    value = scalar(Formula.target(text))(np.array([0.3]))
    assert np.shape(value) == ()
    assert math.isfinite(value)
