"""The value of a formula's tree, at one point or at arrays of points."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from functools import lru_cache

from onepass.formulas.language import CONSTANTS, HERMITE, OPERATORS, SMOOTH


def sign(x):
    """-1, 0 or 1."""
    return 1.0 if x > 0 else (-1.0 if x < 0 else 0.0)


def heaviside(x):
    """Derivative of relu; 0 at 0."""
    return 1.0 if x > 0 else 0.0


def evaluate(node: ast.expr, inputs: dict[str, object], functions: dict[str, Callable]):
    """The value at one point or at arrays of points, straight from the tree."""
    match node:
        case ast.Constant(value=value):
            return float(value)
        case ast.Name(id=name):
            return CONSTANTS[name] if name in CONSTANTS else inputs[name]
        case ast.UnaryOp(op=op, operand=operand):
            value = evaluate(operand, inputs, functions)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            a, b = evaluate(left, inputs, functions), evaluate(right, inputs, functions)
            if isinstance(op, ast.Pow):
                return math.prod([a] * int(b), start=1.0)  # products: exact signs, and fast
            return OPERATORS[type(op)](a, b)
    name, values = node.func.id, [evaluate(argument, inputs, functions) for argument in node.args]
    x = values[0]
    if name in HERMITE:
        last, value = 0.0 * x, 0.0 * x + 1.0
        for n in range(HERMITE[name]):
            last, value = value, x * value - n * last
        return value
    if name in ("sum", "mean"):
        return sum(values[1:], start=x) / (len(values) if name == "mean" else 1)
    if name in ("square", "cube"):
        return x * x if name == "square" else x * x * x
    return functions[name](x)


def scalar_functions() -> dict[str, Callable]:
    kinked = {"relu": lambda x: max(x, 0.0), "abs": abs, "sign": sign, "step": heaviside}
    return {name: getattr(math, name) for name in SMOOTH} | kinked


@lru_cache(maxsize=8)
def array_functions(xp) -> dict[str, Callable]:
    functions = {name: getattr(xp, name) for name in (*SMOOTH, "abs", "sign") if name != "erf"}
    functions["erf"] = lambda x: _special(xp).erf(x)  # loaded when a formula asks for it
    functions["step"] = functions["heaviside"] = lambda x: xp.where(x > 0, 1.0, 0.0)
    functions["relu"] = lambda x: xp.maximum(x, 0.0)
    return functions


def _special(xp):
    from importlib import import_module

    return import_module("cupyx.scipy.special" if xp.__name__ == "cupy" else "scipy.special")
