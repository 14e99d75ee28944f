"""The value of a formula's tree, at one point or at arrays of points."""

import ast
import math
from collections.abc import Callable
from functools import lru_cache, reduce
from math import erf, exp, log1p, sqrt, tanh

from onepass.formulas.language import CONSTANTS, HERMITE, OPERATORS

Functions = dict[str, Callable]


# What sources call beside the functions of `math`; the compiler gets their own text.


def sign(x):
    """-1, 0 or 1."""
    return 1.0 if x > 0 else (-1.0 if x < 0 else 0.0)


def step(x):
    """Derivative of relu; 0 at 0."""
    return 1.0 if x > 0 else 0.0


def softplus(x):
    """log(1 + e^x) where the exponential is too large for a number, too."""
    return max(x, 0.0) + log1p(exp(-abs(x)))


def sigmoid(x):
    """1/(1 + e^-x), of any argument."""
    return (1.0 + tanh(x / 2.0)) / 2.0


def silu(x):
    """x sigmoid(x)."""
    return x * (1.0 + tanh(x / 2.0)) / 2.0


def gelu(x):
    """x times the normal distribution function."""
    return x * (1.0 + erf(x / sqrt(2.0))) / 2.0


def elu(x):
    """x, or e^x - 1 below 0."""
    return max(x, 0.0) + (exp(min(x, 0.0)) - 1.0)


HELPERS = (sign, step, softplus, sigmoid, silu, gelu, elu)


def evaluate(node: ast.expr, inputs: dict[str, object], functions: Functions):
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
    if name in ("max", "min"):
        return reduce(functions[name], values)
    if name in ("square", "cube"):
        return x * x if name == "square" else x * x * x
    return functions[name](x)


def composed(of: Functions) -> Functions:
    """Functions that are made of others: of numbers, of arrays, and as expressions of SymPy."""
    return {
        "heaviside": lambda x: (1 + of["sign"](x)) / 2,
        "sigmoid": lambda x: (1 + of["tanh"](x / 2)) / 2,
        "silu": lambda x: x * (1 + of["tanh"](x / 2)) / 2,
        "gelu": lambda x: x * (1 + of["erf"](x / of["sqrt"](2))) / 2,
        "elu": lambda x: of["relu"](x) + (of["exp"](x * (1 - of["step"](x))) - 1),
        "leaky_relu": lambda x: (x + 99 * of["relu"](x)) / 100,
    }


@lru_cache(maxsize=1)
def scalar_functions() -> Functions:
    names = ("sqrt", "exp", "log", "log1p", "sin", "cos", "tanh", "sinh", "cosh", "erf")
    kinked = {"relu": lambda x: max(x, 0.0), "abs": abs, "sign": sign, "step": step, "max": max, "min": min}
    functions = {name: getattr(math, name) for name in names} | {"arctan": math.atan, "softplus": softplus} | kinked
    return functions | composed(functions)


@lru_cache(maxsize=8)
def array_functions(xp) -> Functions:
    names = ("sqrt", "exp", "log", "log1p", "sin", "cos", "tanh", "sinh", "cosh", "arctan", "abs", "sign")
    functions = {name: getattr(xp, name) for name in names}
    functions["atan"] = functions["arctan"]  # as sources have it
    functions["erf"] = lambda x: _special(xp).erf(x)  # loaded when a formula asks for it
    functions["step"] = lambda x: xp.where(x > 0, 1.0, 0.0)
    functions["relu"] = lambda x: xp.maximum(x, 0.0)
    functions["softplus"] = lambda x: xp.maximum(x, 0.0) + xp.log1p(xp.exp(-abs(x)))
    functions |= {"max": lambda x, y: xp.maximum(x, y), "min": lambda x, y: xp.minimum(x, y)}
    return functions | composed(functions)


def _special(xp):
    from importlib import import_module

    return import_module("cupyx.scipy.special" if xp.__name__ == "cupy" else "scipy.special")
