"""The language of formulas: what may stand in one, and what its syntax tree tells without evaluating anything.

Formulas come from configuration files, so nothing of them is ever run: a text is parsed by Python's own parser and
every node of the tree is held against a whitelist.
"""

import ast
import difflib
import math
import operator
import re
from collections.abc import Callable
from itertools import accumulate
from typing import NoReturn

from onepass.errors import OnepassError

LONGEST = 2000  # characters, spaces aside
DEEPEST = 50  # nested operations; a sum or product of many parts is one
MOST_PARTS = 200  # of a sum or product, with those of the sums and products that it stands in
LARGEST_NUMBER = 1e6
LARGEST_POWER = 20
LARGEST_DEGREE = 40
LARGEST_INDEX = 99  # of a coordinate
COORDINATES = tuple(f"x{i}" for i in range(1, LARGEST_INDEX + 1))
POINTS = (-2.5, -1.3, -0.4, 0.7, 1.9)  # where a formula must have values
HERMITE = {f"He{n}": n for n in range(LARGEST_POWER + 1)}
SMOOTH = (
    *("sqrt", "exp", "log", "log1p", "sin", "cos", "sinh", "cosh", "tanh", "arctan", "erf"),
    *("sigmoid", "softplus", "silu", "gelu"),
)
KINKED = ("relu", "leaky_relu", "elu", "abs", "sign", "step", "heaviside", "max", "min")
POLYNOMIAL = (*HERMITE, "square", "cube", "sum", "mean")
SEVERAL = {"sum": 1, "mean": 1, "max": 2, "min": 2}  # functions of several arguments, and the fewest of them
FUNCTIONS = (*POLYNOMIAL, *SMOOTH, *KINKED)
OTHER_NAMES = {  # that people know functions by
    "sigmoid": ("logistic", "expit"),
    "silu": ("swish",),
    "softplus": ("softrelu",),
    "leaky_relu": ("lrelu",),
    "arctan": ("atan",),
    "log": ("ln",),
    "sign": ("sgn",),
    "abs": ("fabs", "absolute"),
    "max": ("maximum", "fmax"),
    "min": ("minimum", "fmin"),
    "mean": ("average", "avg"),
}
SYNTAX = "numbers, + - * / **, x1 … and functions"
CONSTANTS = {"pi": math.pi, "e": math.e}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


class FormulaError(OnepassError, ValueError):
    """A formula outside the language; the message names the piece, what is allowed and where to look."""


def parse(text: str, names: tuple[str, ...]) -> ast.expr:
    """The checked syntax tree of a formula in inputs of these names; `COORDINATES` are those of a target."""
    if not isinstance(text, str) or not text.strip():
        raise FormulaError(f"formula {text!r} is not a text such as 'He3(x1)'")
    if len(text.replace(" ", "")) > LONGEST or len(text) > 2 * LONGEST:  # the canonical spelling has more spaces
        raise FormulaError(f"formula of {len(text)} characters ({text[:30]!r}…); allowed: at most {LONGEST}")
    if not (text.isascii() and text.isprintable()):
        raise FormulaError(f"formula {text!r} has characters other than plain ASCII ones")
    text = text.strip()
    if _parentheses(text) > DEEPEST:
        raise FormulaError(f"formula {text[:40]!r}… is nested too deeply; allowed: {DEEPEST} levels")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        raise FormulaError(f"formula {text!r} is not well formed: {reason}{_notation(text, names)}") from None
    return _checked(tree, text, names, 0, 1)


def _parentheses(text: str) -> int:
    """How deep they are nested."""
    return max(accumulate({"(": 1, ")": -1}.get(character, 0) for character in text))


def _checked(node: ast.expr, text: str, names: tuple[str, ...], depth: int, parts: int) -> ast.expr:
    def refuse(what: str, allowed: str) -> NoReturn:
        raise FormulaError(f"{what} in formula {text!r}; allowed: {allowed}")

    if depth > DEEPEST:
        refuse("too many nested operations", f"{DEEPEST} levels")

    def inner(child, more=0):
        return _checked(child, text, names, depth + 1, parts + more)

    match node:
        case ast.Constant(value=bool()):
            refuse(f"value {node.value}", "numbers")
        case ast.Constant(value=int() | float() as value):
            if not abs(value) <= LARGEST_NUMBER:  # nor nan
                refuse("a number that is too large", f"up to {LARGEST_NUMBER:g}")
            return node
        case ast.Name(id=name):
            return _checked_name(name, names, refuse)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            return ast.UnaryOp(node.op, inner(node.operand))
        case ast.BinOp(op=ast.Pow()):
            left, right = inner(node.left), inner(node.right)
            whole = isinstance(right, ast.Constant) and isinstance(right.value, int)
            if not (whole and 0 <= right.value <= LARGEST_POWER):
                refuse(
                    f"power {_spelled(right)!r}",
                    f"whole numbers from 0 to {LARGEST_POWER} (for a root use sqrt, for a function exp)",
                )
            return ast.BinOp(left, node.op, right)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
            first, rest = _chain(node)
            if parts + len(rest) > MOST_PARTS:
                refuse(f"{parts + len(rest)} parts of a sum or product", f"{MOST_PARTS}")
            whole = inner(first, len(rest))
            for op, part in rest:
                whole = ast.BinOp(whole, op, inner(part, len(rest)))
            return whole
        case ast.BinOp(op=ast.BitXor() | ast.BitOr()):
            refuse(f"{'^' if isinstance(node.op, ast.BitXor) else '|'!r}{_notation(text, names)}", SYNTAX)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            if name not in FUNCTIONS:
                refuse(f"unknown function {name!r}{_hint(name)}", _listed(FUNCTIONS))
            if len(arguments) < SEVERAL.get(name, 1) or (len(arguments) > 1 and name not in SEVERAL):
                allowed = f"{SEVERAL[name]} or more" if name in SEVERAL else f"one (several for {', '.join(SEVERAL)})"
                refuse(f"{len(arguments)} arguments of {name}", allowed)
            return ast.Call(node.func, [inner(argument) for argument in arguments], [])
    refuse(f"{_spelled(node)!r}", SYNTAX)


def _chain(node: ast.BinOp) -> tuple[ast.expr, list[tuple[ast.operator, ast.expr]]]:
    """The first part of a sum (or product) and the others, with the operators before them."""
    alike = (ast.Add, ast.Sub) if isinstance(node.op, (ast.Add, ast.Sub)) else (ast.Mult, ast.Div)
    first, rest = node, []
    while isinstance(first, ast.BinOp) and isinstance(first.op, alike):
        rest.insert(0, (first.op, first.right))
        first = first.left
    return first, rest


def _checked_name(name: str, names: tuple[str, ...], refuse: Callable[[str, str], NoReturn]) -> ast.Name:
    if name in CONSTANTS or name in names:
        return ast.Name(name)
    if name == "x" and names is COORDINATES:
        return ast.Name("x1")
    allowed = f"x1 … x{LARGEST_INDEX}" if names is COORDINATES else ", ".join(names)
    hint = " (a function needs its argument: write it as a call)" if name in FUNCTIONS else _hint(name)
    refuse(f"unknown name {name!r}{hint}", f"{allowed}, {', '.join(CONSTANTS)}")


def _spelled(node: ast.expr) -> str:
    try:
        return ast.unparse(node)[:60]
    except RecursionError:
        return type(node).__name__


def _hint(name: str) -> str:
    """The function that is meant, by another of its names or by one that is misspelled."""
    others = {other: own for own in FUNCTIONS for other in (own.lower(), *OTHER_NAMES.get(own, ()))}
    close = difflib.get_close_matches(name.lower(), others, n=1)
    return f" (did you mean {others[close[0]]!r}?)" if close else ""


def _notation(text: str, names: tuple[str, ...]) -> str:
    """The formula that is meant where powers and absolute values are written as on paper."""
    meant = re.sub(r"\|([^|]*)\|", r"abs(\1)", text.replace("^", "**"))
    if meant == text:
        return ""
    try:
        parse(meant, names)
    except FormulaError:  # bars in bars, or a piece that is refused in turn
        return " (powers are written with **, absolute values with abs)"
    return f" (did you mean {meant!r}?)"


def _listed(names) -> str:
    return ", ".join(n for n in names if n not in HERMITE) + f", He0 … He{LARGEST_POWER}"


def is_coordinate(node) -> bool:
    return isinstance(node, ast.Name) and node.id[0] == "x" and node.id[1:].isdigit()


def has_inputs(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Name) and n.id not in (*CONSTANTS, *FUNCTIONS) for n in ast.walk(node))


def degree(node: ast.expr) -> int | None:
    match node:
        case ast.Constant():
            return 0
        case ast.Name():
            return int(has_inputs(node))
        case ast.UnaryOp():
            return degree(node.operand)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = degree(left), degree(right)
            if a is None or b is None or (isinstance(op, ast.Div) and b > 0):
                return None
            match op:
                case ast.Mult():
                    return a + b
                case ast.Div():
                    return a
                case ast.Pow():
                    return a * right.value
            return max(a, b)
    degrees = [degree(argument) for argument in node.args]
    if not has_inputs(node):
        return 0
    if None in degrees or node.func.id not in POLYNOMIAL:
        return None
    power = {"square": 2, "cube": 3} | HERMITE
    return max(degrees) * power.get(node.func.id, 1)


def addends(node: ast.expr) -> list[ast.expr]:
    """Split sums, differences, means and quotients by constants into terms."""
    match node:
        case ast.BinOp(op=ast.Add()):
            return addends(node.left) + addends(node.right)
        case ast.BinOp(op=ast.Sub()):
            return addends(node.left) + [ast.UnaryOp(ast.USub(), term) for term in addends(node.right)]
        case ast.UnaryOp(op=ast.USub()):
            return [ast.UnaryOp(ast.USub(), term) for term in addends(node.operand)]
        case ast.BinOp(op=ast.Div()) if not has_inputs(node.right):
            return [ast.BinOp(term, ast.Div(), node.right) for term in addends(node.left)]
        case ast.BinOp(op=ast.Mult()) if not has_inputs(node.left):
            return [ast.BinOp(node.left, ast.Mult(), term) for term in addends(node.right)]
        case ast.Call(func=ast.Name(id="sum")):
            return [term for argument in node.args for term in addends(argument)]
        case ast.Call(func=ast.Name(id="mean")):
            count = ast.Constant(len(node.args))
            return [ast.BinOp(t, ast.Div(), count) for argument in node.args for t in addends(argument)]
    return [node]
