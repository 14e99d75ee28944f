"""Expansions by every way of taking a function apart, what is refined, and what is refused."""

from itertools import pairwise
from math import factorial, prod, sqrt

import numpy as np
import pytest
from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import HermiteError
from onepass.gaussian.grids import of_polynomial
from onepass.gaussian.hermite import gaussian_norm, hermite_coefficients, hermite_tensor
from onepass.gaussian.parts import Part
from onepass.gaussian.polynomials import by_algebra, hermite_polynomials
from scipy.integrate import fixed_quad
from scipy.stats import norm

WIDE, HEAVY = np.polynomial.hermite_e.hermegauss(120)
HEAVY = HEAVY / HEAVY.sum()
SMOOTH = [  # of which this rule is right to 1e-12
    "sin(x1)*cos(x2)*x3", "sin(x1)*cos(x2) + x1*exp(-x3**2/4)", "sin(0.3*x1*x2)",
    "cos(0.1*x1*x2)*x3",
    "sin(x1 - x2 + 0.5*x3)", "He3(x1 + x2)*cos(x3)", "cos(x1)*cos(x2)*cos(x3) - x1*x2",
    "sin(x1 + x2) + cos(x1 - x2) + x3*sin(x1)",
    "exp(-(x1**2 + x2**2)/8)*x3", "sin(0.2*x1*x2 + x3)", "cos(x1 + 0.2*x2*x3)*x2", "x1/exp(x2/4) + sin(0.3*x1*x2) + 2",
    "square(sin(x1)*x2) - cos(0.3*x1*x2)*cos(0.3*x2*x1)", "x1*x2*x3 + sin(0.3*x1*x2) + cos(x1)",
]  # fmt: skip


@pytest.mark.parametrize("text", SMOOTH)
def test_expansions_equal_those_on_a_plain_grid(text):
    """Factors, directions, products, sums of them, and what needs a grid: coefficients to order 6, and mean squares."""
    formula = Formula.target(text)
    grid = np.stack(np.meshgrid(*[WIDE] * formula.arity, indexing="ij"), axis=-1)
    values = formula.array(np)(grid)
    weights, square = hermite_polynomials(WIDE, 6) * HEAVY, values**2
    for _ in range(formula.arity):
        values, square = np.tensordot(values, weights, axes=(0, 1)), np.tensordot(square, HEAVY, axes=(0, 0))
    assert gaussian_norm(formula) == pytest.approx(float(square), rel=1e-9)
    found = hermite_tensor(formula, 6)
    for alpha in np.argwhere(np.ones(values.shape)):
        if alpha.sum() <= 6:
            scale = sqrt(prod(map(factorial, alpha.tolist())))
            assert found.get(tuple(alpha.tolist()), 0.0) == pytest.approx(
                values[tuple(alpha)] * scale, abs=2e-9 * scale
            )


@pytest.mark.parametrize(
    "text",
    ["x1*x2*x3", "He5(x1)*(x2 - 0.3)**2 + pi*x1", "square(x1 + x2*x3) - He2(x2)/7",
    "mean(x1, cube(x2), 1)*He4(0.6*x1 + 0.8*x3)", "(1 - x1)**9"],
)  # fmt: skip
def test_algebra_equals_the_exact_grid(text):
    part = Part.of(Formula.target(text))
    algebra, grid = by_algebra(part), of_polynomial(part, part.degree)
    for alpha in {*algebra.coefficients, *grid.coefficients}:
        size = 1e-12 * sqrt(grid.mean_square)
        assert algebra.coefficients.get(alpha, 0.0) == pytest.approx(grid.coefficients.get(alpha, 0.0), abs=size)
    assert algebra.mean_square == pytest.approx(grid.mean_square, rel=1e-12)


NARROW = [-12, *(-(10.0 ** np.arange(0, -6, -1))), 0, *(10.0 ** np.arange(-5, 0)), 0.29, 0.3, 0.31, 1, 12]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("sqrt(x**2)", NARROW), ("exp(-1e6*x**2)", NARROW), ("abs(tanh(1e4*x))", NARROW), ("tanh(1e4*x)", NARROW),
        ("x + exp(-1e6*(x - 0.3)**2)", NARROW), ("x + exp(-1e6*square(x))", NARROW), ("tanh(x)*abs(x - 0.3)", NARROW),
        ("cos(300*x)", np.linspace(-12, 12, 600)), ("sign(sin(30*x))", np.pi / 30 * np.arange(-115, 116)),
    ],
)  # fmt: skip
def test_what_is_fast_or_narrow_is_refined(text, ends):
    """The mean, the first coefficient and the mean square, against panels that know where to be narrow."""
    formula = Formula.activation(text)
    function = formula.array(np)
    moments = function, lambda x: x * function(x), lambda x: function(x) ** 2
    wanted = [
        sum(fixed_quad(lambda x, g=g: g(x) * norm.pdf(x), a, b, n=60)[0] for a, b in pairwise(ends)) for g in moments
    ]
    found = [*hermite_coefficients(formula, 1), gaussian_norm(formula)]
    assert found == pytest.approx(wanted, abs=1e-9 * max(1, wanted[2]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cos(1e6*x1)", "changes too fast.*not found with 6,000,000 points; allowed: 1e-09"),
        ("cos(50*(x1 - x2**2))", "changes too fast"),
        ("sin(3*x1*x2 + x3)*x1", r"couples 3 coordinates \(x1, x2, x3\) and changes too fast.*allowed: 1e-09"),
        ("relu(x1 + x2*x3)", r"couples 3 coordinates \(x1, x2, x3\) and has kinks that depend on several"),
        ("sin(x1*x2*x3*x4 + x5)", r"couples 5 coordinates \(x1, x2, x3, x4, x5\); allowed: 3 at most, and any number"),
        ("tanh(x1*x2*x3*x4) + sign(x1)*x2", "couples 4 coordinates"),
        ("relu(" + " + ".join(f"x{i}" for i in range(1, 11)) + ")",
        "30,045,015 Hermite coefficients.*allowed: 200,000"),
        ("*".join(f"(x{i} + 1)" for i in range(1, 31)), "couples 30 coordinates.*monomials; allowed: 200,000"),
        ("x1 + exp(-1e6*(1e3*x1 - 300)**2)", r"holds 'exp.*', which is 0 wherever it was looked at"),
        ("x1*x2*(1 + exp(-1e6*(1e3*x1 - 300*x2 - 3)**2 - x3**2)) + x3*x2", "which is 0 wherever it was looked at"),
        ("exp(0.4*x1*x2)", "grows too fast"), ("exp(x1*x2*x3*x4)", "grows too fast"), ("exp(x1*x2)", "grows too fast"),
    ],
)  # fmt: skip
def test_refusals_say_why_and_what_is_allowed(text, message):
    with pytest.raises(HermiteError, match=message):
        gaussian_norm(Formula.target(text))
