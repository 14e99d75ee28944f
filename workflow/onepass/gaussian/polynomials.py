"""Hermite polynomials, and the expansion of a polynomial of any number of coordinates by algebra alone."""

import ast
from fractions import Fraction
from math import comb, factorial, prod, sqrt

import numpy as np

from onepass.formulas.evaluation import evaluate, scalar_functions
from onepass.formulas.language import HERMITE, has_inputs
from onepass.gaussian.expansion import LARGEST_TERMS, Expansion, HermiteError
from onepass.gaussian.parts import Part


def hermite_polynomials(x: np.ndarray, order: int) -> np.ndarray:
    """Orthonormal ``He_n(x)/√n!`` for n = 0 … order, shape (order + 1, *x.shape)."""
    values = np.empty((order + 1, *np.shape(x)))
    values[0] = 1
    if order > 0:
        values[1] = x
    for n in range(1, order):
        values[n + 1] = (x * values[n] - np.sqrt(n) * values[n - 1]) / np.sqrt(n + 1)
    return values


def by_algebra(part: Part) -> Expansion:
    """The expansion of a polynomial by rational arithmetic, exact but for the rounding of constants such as pi.

    Raises
    ------
    HermiteError
        If it has too many monomials.
    """
    size = sum(_monomials(term.tree) for term in part.terms)
    if size > LARGEST_TERMS:
        raise HermiteError(
            f"polynomial {part.text!r} couples {len(part.used)} coordinates ({part.names}) in up to {size:,} "
            f"monomials; allowed: {LARGEST_TERMS:,}"
        )
    whole: dict[tuple[int, ...], Fraction] = {}
    magnitude = 0.0
    for term in part.terms:
        found = _hermite(_polynomial(part, term.tree))
        magnitude += sqrt(sum(value**2 * prod(map(factorial, alpha)) for alpha, value in found.items()))
        for alpha, value in found.items():
            whole[alpha] = whole.get(alpha, 0) + value
    constant = (0,) * len(part.used)
    coefficients = {constant: 0.0} | {
        alpha: float(value) * sqrt(prod(map(factorial, alpha))) for alpha, value in whole.items()
    }
    variance = sum(value**2 for alpha, value in coefficients.items() if any(alpha))
    return Expansion(coefficients, coefficients[constant], variance, magnitude**2, 0.0)


def _monomials(node: ast.expr) -> int:
    """A bound on the number of monomials of a polynomial."""
    if not has_inputs(node):
        return 1
    match node:
        case ast.Name():
            return 1
        case ast.UnaryOp():
            return _monomials(node.operand)
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return _monomials(node.left) + _monomials(node.right)
        case ast.BinOp(op=ast.Pow()):
            return _powers(_monomials(node.left), node.right.value)
        case ast.BinOp():
            return _monomials(node.left) * _monomials(node.right)
    inner = sum(map(_monomials, node.args))
    return _powers(inner, {"square": 2, "cube": 3, "sum": 1, "mean": 1, **HERMITE}[node.func.id])


def _powers(monomials: int, power: int) -> int:
    return comb(monomials + power, power)  # with all lower powers


def _polynomial(part: Part, tree: ast.expr) -> dict[tuple[int, ...], Fraction]:
    """Coefficients of the monomials by their powers."""
    from sympy import QQ, ring

    names = [f"x{i + 1}" for i in part.used]
    polynomials, *generators = ring(names, QQ)
    value = evaluate(tree, dict(zip(names, generators, strict=True)), scalar_functions())
    return {powers: Fraction(int(c.numerator), int(c.denominator)) for powers, c in polynomials(value).terms()}


def _hermite(monomials: dict[tuple[int, ...], Fraction]) -> dict[tuple[int, ...], Fraction]:
    """Coefficients of Hermite polynomials, coordinate by coordinate: ``x^n = Σ_m n!/(2^m m! (n−2m)!) He_{n−2m}``."""
    for place in range(len(next(iter(monomials), ()))):
        turned: dict[tuple[int, ...], Fraction] = {}
        for powers, value in monomials.items():
            n = powers[place]
            for m in range(n // 2 + 1):
                alpha = (*powers[:place], n - 2 * m, *powers[place + 1 :])
                share = Fraction(factorial(n), 2**m * factorial(m) * factorial(n - 2 * m))
                turned[alpha] = turned.get(alpha, 0) + value * share
        monomials = turned
    return {alpha: value for alpha, value in monomials.items() if value}
