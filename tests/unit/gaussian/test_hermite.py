"""Hermite expansions against closed forms.

They follow from integration by parts, ``E[f He_n] = E[f⁽ʲ⁾ He_{n−j}]``.
"""

from itertools import pairwise
from math import erfc, exp, factorial, pi, prod, sqrt

import numpy as np
import pytest
from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import HermiteError
from onepass.gaussian.hermite import gaussian_norm, hermite_coefficients, hermite_tensor
from onepass.gaussian.information import leap_index
from onepass.gaussian.polynomials import hermite_polynomials
from scipy.integrate import quad
from scipy.special import eval_hermitenorm

ORDER = 12
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)  # exact up to degree 79
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def test_polynomials_are_normalised_hermite():
    x = np.linspace(-6, 6, 25).reshape(5, 5)
    values = hermite_polynomials(x, 30)
    assert values.shape == (31, 5, 5)
    for n in range(31):
        reference = eval_hermitenorm(n, x) / sqrt(factorial(n))
        np.testing.assert_allclose(values[n], reference, rtol=1e-10, atol=1e-10 * abs(reference).max())
    assert hermite_polynomials(x, 0).shape == (1, 5, 5)


def test_orthogonality():
    """E[He_j He_k] = δ_jk k!, by a quadrature that is exact."""
    values = np.array([Formula.activation(f"He{k}").array(np)(NODES) for k in range(21)])
    scale = np.sqrt([float(factorial(k)) for k in range(21)])
    products = np.einsum("jx,kx,x->jk", values, values, WEIGHTS) / np.outer(scale, scale)
    np.testing.assert_allclose(products, np.eye(21), atol=1e-11)


@pytest.mark.parametrize("m", [-1, -0.7, 0, 0.3, 0.6, 1])
def test_orthogonality_under_correlation(m):
    """E[He_j(x) He_k(y)] = δ_jk k! m^k for unit Gaussians of correlation m."""
    x, z = np.meshgrid(NODES, NODES, indexing="ij")
    y = m * x + sqrt(1 - m**2) * z
    weights = np.outer(WEIGHTS, WEIGHTS)
    of_x, of_y = hermite_polynomials(x, 10), hermite_polynomials(y, 10)
    products = np.einsum("jxz,kxz,xz->jk", of_x, of_y, weights)
    np.testing.assert_allclose(products, np.diag(float(m) ** np.arange(11)), atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("m", [0.28, 0.6])
def test_correlation_is_an_entry_of_the_tensor(k, m):
    tensor = hermite_tensor(Formula.target(f"He{k}({m}*x1 + {sqrt(1 - m**2)!r}*x2)"), k)
    assert tensor[k, 0] == pytest.approx(factorial(k) * m**k, rel=1e-12)


def gauss(x):
    return np.exp(-(x**2) / 2) / sqrt(2 * pi)


def he(n, x=0.0):
    return float(eval_hermitenorm(n, x))


def narrow(n):
    """E[He_n(x)] for variance 1/2: (n − 1)!! (−1/2)^(n/2), 0 for odd n."""
    return prod(range(n - 1, 0, -2)) * (-0.5) ** (n // 2) if n % 2 == 0 else 0.0


def shifted_relu(n, b):
    """The second derivative of relu(x − b) is a point mass at b."""
    tail = erfc(b / sqrt(2)) / 2
    return [gauss(b) - b * tail, tail][n] if n < 2 else gauss(b) * he(n - 2, b)


MEANS = {  # formula: E[f He_n]
    "x": lambda n: float(n == 1),
    "x**2": lambda n: {0: 1.0, 2: 2.0}.get(n, 0.0),
    "x**3": lambda n: {1: 3.0, 3: 6.0}.get(n, 0.0),
    "2 - 3*x + x**4": lambda n: {0: 5.0, 1: -3.0, 2: 12.0, 4: 24.0}.get(n, 0.0),
    "relu(x)": lambda n: shifted_relu(n, 0.0),
    "relu(x - 0.37)": lambda n: shifted_relu(n, 0.37),
    "relu(-x)": lambda n: (-1) ** n * shifted_relu(n, 0.0),
    "abs(x)": lambda n: 2 * shifted_relu(n, 0.0) - (n == 1),
    "sign(x)": lambda n: 2 * gauss(0) * he(n - 1) if n else 0.0,
    "step(x - 0.7)": lambda n: gauss(0.7) * he(n - 1, 0.7) if n else erfc(0.7 / sqrt(2)) / 2,
    "relu(x)**2": lambda n: (0.5, 2 * gauss(0), 1.0)[n] if n < 3 else 2 * gauss(0) * he(n - 3),
    "exp(x)": lambda n: exp(0.5),
    "exp(-0.8*x)": lambda n: exp(0.32) * (-0.8) ** n,
    "sin(x)": lambda n: exp(-0.5) * (0, 1, 0, -1)[n % 4],
    "cos(2*x)": lambda n: exp(-2) * 2**n * (1, 0, -1, 0)[n % 4],
    "exp(-x**2/2)": lambda n: narrow(n) / sqrt(2),
    "erf(x/sqrt(2))": lambda n: narrow(n - 1) / sqrt(pi) if n else 0.0,  # its slope is 2 gauss(x)
}


@pytest.mark.parametrize("text", MEANS)
def test_coefficients(text):
    """Relative to √(E[f²] / n!): 1e-11, a hundred times finer than what counts as zero."""
    formula = Formula.activation(text)
    coefficients = hermite_coefficients(formula, ORDER)
    assert coefficients.shape == (ORDER + 1,)
    for n, value in enumerate(coefficients):
        tolerance = 1e-11 * sqrt(gaussian_norm(formula) / factorial(n))
        assert value == pytest.approx(MEANS[text](n) / factorial(n), rel=0, abs=tolerance)
    target = hermite_coefficients(Formula.target(text), ORDER)
    np.testing.assert_allclose(target, coefficients, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        "sigmoid", "softplus", "gelu", "silu", "elu", "leaky_relu", "arctan", "sinh", "cosh", "heaviside",
        "log1p(x**2)",
        "max(x, 0.3)", "min(x, 0.3, -x)", "tanh", "step", "sqrt(1 + x**2)", "log(2 + cos(x))",
    ],
)  # fmt: skip
def test_coefficients_of_every_function(text):
    """Against SciPy's adaptive rule, on either side of kinks."""
    formula = Formula.activation(text)
    function = formula.array(np)
    for n, value in enumerate(hermite_coefficients(formula, 6)):
        product = lambda x, n=n: function(np.array(x)) * gauss(x) * he(n, x)  # noqa: E731
        ends = [-12, -0.3, 0, 0.3, 12]
        wanted = sum(quad(product, a, b, epsabs=1e-12, epsrel=1e-12)[0] for a, b in pairwise(ends))
        assert value * factorial(n) == pytest.approx(wanted, abs=1e-10 * sqrt(factorial(n) * gaussian_norm(formula)))


@pytest.mark.parametrize("k", range(21))
def test_hermite_has_one_coefficient(k):
    coefficients = hermite_coefficients(Formula.activation(f"He{k}"), 22)
    scaled = coefficients * np.sqrt([factorial(n) / factorial(k) for n in range(23)])
    np.testing.assert_allclose(scaled, np.arange(23) == k, atol=1e-11)


def test_coefficients_need_one_coordinate():
    with pytest.raises(HermiteError, match=r"'x1 \* x2' has 2 coordinates; use hermite_tensor"):
        hermite_coefficients(Formula.target("x1*x2"), 3)


@pytest.mark.parametrize(
    ("text", "tensor"),
    [
        ("x2", {(0, 1): 1}),
        ("x1*x2", {(1, 1): 1}),
        ("x1*x2*x3*x4", {(1, 1, 1, 1): 1}),
        ("He2(x1)*He3(x2)", {(2, 3): 12}),
        ("x1**2*x3", {(0, 0, 1): 1, (2, 0, 1): 2}),
        ("He3(x1) + 2*x2 - 5", {(0, 0): -5, (3, 0): 6, (0, 1): 2}),
        ("mean(He2(x1), x2, x2, 4)", {(0, 0): 1, (2, 0): 0.5, (0, 1): 0.5}),
        ("x1*x2 - x2*x1 + He2(x1)", {(2, 0): 2}),
        ("(x1 + x2)**2", {(0, 0): 2, (2, 0): 2, (1, 1): 2, (0, 2): 2}),
        ("sign(x1)*x2", {(1, 1): sqrt(2 / pi), (3, 1): -sqrt(2 / pi)}),
        ("sin(x1)*cos(x2)",
         {(1, 0): exp(-1), (3, 0): -exp(-1), (5, 0): exp(-1), (1, 2): -exp(-1), (3, 2): exp(-1), (1, 4): exp(-1)}),
        ("sum(sin(x1), cos(x2), abs(x7))",
         {(0, 0, 0, 0, 0, 0, 0): exp(-0.5) + sqrt(2 / pi), (1, 0, 0, 0, 0, 0, 0): exp(-0.5),
          (3, 0, 0, 0, 0, 0, 0): -exp(-0.5), (5, 0, 0, 0, 0, 0, 0): exp(-0.5), (0, 2, 0, 0, 0, 0, 0): -exp(-0.5),
          (0, 4, 0, 0, 0, 0, 0): exp(-0.5), (0, 0, 0, 0, 0, 0, 2): sqrt(2 / pi),
          (0, 0, 0, 0, 0, 0, 4): -sqrt(2 / pi)}),
    ],
)  # fmt: skip
def test_tensor(text, tensor):
    """E[f He_α]; the entries left out are zero."""
    order = 5
    values = hermite_tensor(Formula.target(text), order)
    expected = {alpha: value for alpha, value in tensor.items() if sum(alpha) <= order}
    assert set(values) == set(expected)
    assert values == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("n", "u"), [(2, (0.6, 0.8)), (3, (0.8, 0.6)), (4, (0.8, -0.6)), (3, (2 / 3, -1 / 3, 2 / 3))])
def test_tensor_of_a_rotated_hermite(n, u):
    """He_n(u·x) = Σ n!/α! u^α He_α(x) for a unit vector u, so every entry is n! u^α."""
    inner = " + ".join(f"({value!r})*x{i + 1}" for i, value in enumerate(u))
    tensor = hermite_tensor(Formula.target(f"He{n}({inner})"), n)
    assert all(sum(alpha) == n for alpha in tensor)
    assert len(tensor) == (n + 1 if len(u) == 2 else (n + 1) * (n + 2) // 2)
    for alpha, value in tensor.items():
        power = prod(x**a for x, a in zip(u, alpha, strict=True))
        assert value == pytest.approx(factorial(n) * power, rel=1e-11)


@pytest.mark.parametrize(
    ("text", "norm"),
    [
        *((f"He{k}(x1)", factorial(k)) for k in (0, 1, 2, 3, 7, 20)),
        ("relu(x1)", 0.5), ("abs(x1)", 1), ("sign(x1)", 1), ("step(x1)", 0.5), ("relu(x1 - 0.5)**0", 1),
        ("exp(x1)", exp(2)), ("sin(x1)", (1 - exp(-2)) / 2), ("cos(x1)", (1 + exp(-2)) / 2),
        ("erf(x1/sqrt(2))", 1 / 3),  # (2/π) arcsin(1/2)
        ("x1*x2*x3", 1), ("He2(x1)*He3(x2)", 12), ("He3(x1) + 2", 10), ("He3(0.8*x1 + 0.6*x2)", 6),
        ("mean(erf(x1/sqrt(2)), erf(x2/sqrt(2)))", 1 / 6),
        ("sum(" + ", ".join(f"tanh(x{i})**0*He2(x{i})" for i in range(1, 21)) + ")", 40),
        ("1 + sum(" + ", ".join(f"abs(x{i})" for i in range(1, 41)) + ")",
         40 * (1 - 2 / pi) + (1 + 40 * sqrt(2 / pi)) ** 2),
        ("sign(x1)*abs(x2)", 1),
    ],
)  # fmt: skip
def test_norm(text, norm):
    assert gaussian_norm(Formula.target(text)) == pytest.approx(norm, rel=1e-11)


@pytest.mark.parametrize(
    "text", ["x**3 - x", "He7", "exp(0.5*x)", "sin(x)", "cos(x)", "exp(-x**2/4)", "erf(x/sqrt(2))"]
)
def test_parseval_of_smooth_functions(text):
    """Σ n! c_n² reaches E[f²]; by order 60 the terms of these are below 1e-12."""
    formula = Formula.activation(text)
    assert parseval(formula, 60)[-1] == pytest.approx(gaussian_norm(formula), rel=1e-11)


@pytest.mark.parametrize("text", ["relu", "relu(x - 0.3)", "abs", "sign", "tanh", "step(x + 1)"])
def test_parseval_of_other_functions(text):
    """The sum grows towards E[f²] and never beyond (Bessel)."""
    formula = Formula.activation(text)
    sums, norm = parseval(formula, 120), gaussian_norm(formula)
    assert (np.diff(sums) >= 0).all()
    assert sums[-1] <= norm * (1 + 1e-12)
    assert norm - sums[-1] < 0.7 * (norm - sums[30])  # a jump leaves n^(-1/2) of it: half from 30 to 120


def test_parseval_remainder_of_relu():
    """n! c_n² = (2π)⁻¹ (n−3)!!²/n! ~ (2π)⁻¹ √(2/π) n^(−5/2), even n: past N, √(2/π)/(6π) N^(−3/2) is left."""
    formula, order = Formula.activation("relu"), 120
    remainder = gaussian_norm(formula) - parseval(formula, order)[-1]
    assert remainder == pytest.approx(sqrt(2 / pi) / (6 * pi) * (order + 1) ** -1.5, rel=0.02)


def parseval(formula, order):
    coefficients = hermite_coefficients(formula, order)
    return np.cumsum([float(factorial(n)) * c**2 for n, c in enumerate(coefficients)])


@pytest.mark.parametrize("text", ["exp(x**2)", "cos(x)*exp(x**2)", "exp(x**2/3)", "exp(x1**2/4)*x2"])
def test_targets_without_a_mean_square_are_refused(text):
    with pytest.raises(HermiteError, match="grows too fast"):
        leap_index(text)
