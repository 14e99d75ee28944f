"""Formulas of targets and activations: written once as text, everything else derived.

The text is parsed, never evaluated: Python's own parser turns it into a syntax tree, and only the operators and
names listed here are turned into a SymPy expression. Derivatives, scalar source code for the compiler and array
functions all follow from that expression.
"""

from __future__ import annotations

import ast
import difflib
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NoReturn

LONGEST = 500  # characters
DEEPEST = 50  # nested operations
LARGEST_NUMBER = 1e6
LARGEST_POWER = 20
LARGEST_DEGREE = 40
LARGEST_INDEX = 99  # of a coordinate
HERMITE = {f"He{n}": n for n in range(LARGEST_POWER + 1)}
SMOOTH = ("sqrt", "exp", "log", "sin", "cos", "tanh", "erf")
KINKED = ("relu", "abs", "sign", "step")
POLYNOMIAL = (*HERMITE, "square", "cube", "sum", "mean")
FUNCTIONS = (*POLYNOMIAL, *SMOOTH, *KINKED)
CONSTANTS = {"pi": math.pi, "e": math.e}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


class FormulaError(ValueError):
    """A formula outside the language; the message names the piece, what is allowed and where to look."""


def sign(x):
    """-1, 0 or 1."""
    return 1.0 if x > 0 else (-1.0 if x < 0 else 0.0)


def heaviside(x):
    """Derivative of relu; 0 at 0."""
    return 1.0 if x > 0 else 0.0


@dataclass(frozen=True)
class Formula:
    """A function of Gaussian inputs. Make one with `Formula.target` or `Formula.activation`.

    Attributes
    ----------
    text : the formula in canonical spelling.
    arity : number of coordinates, the highest index used.
    coordinates : whether it is a target (reads x1 … xk) or an activation (reads x).
    """

    text: str
    arity: int
    coordinates: bool

    @classmethod
    def target(cls, text: str) -> Formula:
        """A formula in the coordinates ``x1, x2, …``; a bare ``x`` stands for ``x1``."""
        tree = _parse(text, target=True)
        indices = [int(node.id[1:]) for node in ast.walk(tree) if _is_coordinate(node)]
        if not indices:
            raise FormulaError(f"target {text!r} is constant: there is nothing to learn; use x1, x2, …")
        formula = cls(ast.unparse(tree), max(indices), True)
        formula._check_values()
        return formula

    @classmethod
    def activation(cls, text: str) -> Formula:
        """A formula in ``x``, or the bare name of a function: ``"relu"`` is ``"relu(x)"``."""
        if isinstance(text, str) and text.strip() in FUNCTIONS:
            text = f"{text.strip()}(x)"
        tree = _parse(text, target=False)
        if not _inputs(tree):
            raise FormulaError(f"activation {text!r} is constant: it cannot learn; use x")
        formula = cls(ast.unparse(tree), 1, False)
        formula._check_values()
        return formula

    @property
    def is_polynomial(self) -> bool:
        """Whether only sums, products and whole powers of the inputs occur."""
        return self.degree is not None

    @property
    def degree(self) -> int | None:
        """Degree of a polynomial; None for any other function."""
        return _degree(self._tree)

    @property
    def kinks(self) -> tuple[Formula, ...]:
        """The inner functions at whose zeros the formula is not smooth."""
        calls = [n for n in ast.walk(self._tree) if isinstance(n, ast.Call) and n.func.id in KINKED]
        return tuple(Formula(ast.unparse(n.args[0]), self.arity, self.coordinates) for n in calls)

    @cached_property
    def terms(self) -> tuple[Formula, ...]:
        """Targets that add up to this one, each in as few coordinates as its text shows."""
        return tuple(Formula(ast.unparse(node), self.arity, self.coordinates) for node in _addends(self._tree))

    @property
    def used(self) -> tuple[int, ...]:
        """Positions (from 0) of the coordinates that occur."""
        return tuple(sorted({int(n.id[1:]) - 1 for n in ast.walk(self._tree) if _is_coordinate(n)}))

    @cached_property
    def expression(self):
        """The formula as a SymPy expression in real symbols ``x1 … xk`` or ``x``."""
        return _symbolic(self._tree)

    @cached_property
    def derivative(self):
        """Derivative of an activation, a SymPy expression; 0 is taken for the slope at kinks and jumps."""
        import sympy

        if self.coordinates:
            raise FormulaError(f"target {self.text!r} is not differentiated; only activations are")
        return sympy.diff(self.expression, sympy.Symbol("x", real=True))

    def source(self, name: str, *, derivative: bool = False) -> str:
        """Python source of a scalar function, for a compiler.

        It uses names of `math`, `sign` and `heaviside`; its argument is a number (activation) or indexable
        (target).
        """
        return _source(self, name, derivative)

    def array(self, xp, *, derivative: bool = False) -> Callable:
        """The function over arrays of a namespace: any shape for an activation, (..., k) to (...) for a target."""
        if derivative:
            return _array_derivative(self, xp)
        tree, functions = self._tree, _array_functions(xp)

        def function(x):
            inputs = {f"x{i + 1}": x[..., i] for i in self.used} if self.coordinates else {"x": x}
            return _evaluate(tree, inputs, functions) + 0.0 * (x[..., 0] if self.coordinates else x)

        return function

    @property
    def _tree(self) -> ast.expr:
        return ast.parse(self.text, mode="eval").body

    def _check_values(self) -> None:
        if (self.degree or 0) > LARGEST_DEGREE:
            raise FormulaError(f"formula {self.text!r} has degree {self.degree}; allowed: {LARGEST_DEGREE}")
        points = (-2.5, -1.3, -0.4, 0.7, 1.9)
        for shift in range(len(points)):
            inputs = {f"x{i + 1}": points[(shift + 2 * i) % len(points)] for i in range(self.arity)}
            inputs["x"] = points[shift]
            try:
                finite = math.isfinite(_evaluate(self._tree, inputs, _scalar_functions()))
            except (ValueError, ZeroDivisionError, OverflowError):
                finite = False
            if not finite:
                where = ", ".join(f"{inputs[f'x{i + 1}']:g}" for i in range(min(self.arity, 3)))
                raise FormulaError(
                    f"formula {self.text!r} has no finite value at ({where}); Gaussian inputs take every real "
                    "value: keep logarithms, roots and divisions away from where they are not defined"
                )


# --- the language ---------------------------------------------------------------------------------


def _parse(text: str, *, target: bool) -> ast.expr:
    """The checked syntax tree of a formula."""
    if not isinstance(text, str) or not text.strip():
        raise FormulaError(f"formula {text!r} is not a text such as 'He3(x1)'")
    if len(text) > LONGEST:
        raise FormulaError(f"formula of {len(text)} characters ({text[:30]!r}…); allowed: at most {LONGEST}")
    if not (text.isascii() and text.isprintable()):
        raise FormulaError(f"formula {text!r} has characters other than plain ASCII ones")
    if text.count("(") > DEEPEST or text.count("-") > 2 * DEEPEST or text.count("**") > DEEPEST:
        raise FormulaError(f"formula {text[:40]!r}… is nested too deeply; allowed: {DEEPEST} levels")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or type(error).__name__
        raise FormulaError(f"formula {text!r} is not well formed: {reason}") from None
    return _checked(tree, text, target, 0)


def _checked(node: ast.expr, text: str, target: bool, depth: int) -> ast.expr:
    def refuse(what: str, allowed: str) -> NoReturn:
        raise FormulaError(f"{what} in formula {text!r}; allowed: {allowed}")

    if depth > DEEPEST:
        refuse("too many nested operations", f"{DEEPEST} levels")

    def inner(child):
        return _checked(child, text, target, depth + 1)

    match node:
        case ast.Constant(value=bool()):
            refuse(f"value {node.value}", "numbers")
        case ast.Constant(value=int() | float() as value):
            if not abs(value) <= LARGEST_NUMBER:  # nor nan
                refuse("a number that is too large", f"up to {LARGEST_NUMBER:g}")
            return node
        case ast.Name(id=name):
            return _checked_name(name, target, refuse)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            return ast.UnaryOp(node.op, inner(node.operand))
        case ast.BinOp() if type(node.op) in OPERATORS:
            left, right = inner(node.left), inner(node.right)
            if isinstance(node.op, ast.Pow):
                whole = isinstance(right, ast.Constant) and isinstance(right.value, int)
                if not (whole and 0 <= right.value <= LARGEST_POWER):
                    refuse(
                        f"power {_spelled(right)!r}",
                        f"whole numbers from 0 to {LARGEST_POWER} (for a root use sqrt, for a function exp)",
                    )
            return ast.BinOp(left, node.op, right)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            if name not in FUNCTIONS:
                refuse(f"unknown function {name!r}{_hint(name, FUNCTIONS)}", _listed(FUNCTIONS))
            if not arguments or (len(arguments) > 1 and name not in ("sum", "mean")):
                refuse(f"{len(arguments)} arguments of {name}", "one (several for sum and mean)")
            return ast.Call(node.func, [inner(argument) for argument in arguments], [])
    refuse(f"{_spelled(node)!r}", "numbers, + - * / **, x1 … and functions")


def _checked_name(name: str, target: bool, refuse: Callable[[str, str], NoReturn]) -> ast.Name:
    if name in CONSTANTS:
        return ast.Name(name)
    if name == "x":
        return ast.Name("x1" if target else "x")
    digits = name[1:]
    if target and name[0] == "x" and digits.isdigit() and digits[0] != "0" and int(digits) <= LARGEST_INDEX:
        return ast.Name(name)
    allowed = f"x1 … x{LARGEST_INDEX}" if target else "x"
    hint = " (a function needs its argument: write it as a call)" if name in FUNCTIONS else ""
    refuse(f"unknown name {name!r}{hint}", f"{allowed}, {', '.join(CONSTANTS)}")


def _spelled(node: ast.expr) -> str:
    try:
        return ast.unparse(node)[:60]
    except RecursionError:
        return type(node).__name__


def _hint(name: str, known) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _listed(names) -> str:
    return ", ".join(n for n in names if n not in HERMITE) + f", He0 … He{LARGEST_POWER}"


def _is_coordinate(node) -> bool:
    return isinstance(node, ast.Name) and node.id[0] == "x" and node.id[1:].isdigit()


def _inputs(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Name) and n.id not in (*CONSTANTS, *FUNCTIONS) for n in ast.walk(node))


def _degree(node: ast.expr) -> int | None:
    match node:
        case ast.Constant():
            return 0
        case ast.Name():
            return int(_inputs(node))
        case ast.UnaryOp():
            return _degree(node.operand)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _degree(left), _degree(right)
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
    degrees = [_degree(argument) for argument in node.args]
    if not _inputs(node):
        return 0
    if None in degrees or node.func.id not in POLYNOMIAL:
        return None
    power = {"square": 2, "cube": 3} | HERMITE
    return max(degrees) * power.get(node.func.id, 1)


def _addends(node: ast.expr) -> list[ast.expr]:
    """Split sums, differences, means and quotients by constants into terms."""
    match node:
        case ast.BinOp(op=ast.Add()):
            return _addends(node.left) + _addends(node.right)
        case ast.BinOp(op=ast.Sub()):
            return _addends(node.left) + [ast.UnaryOp(ast.USub(), term) for term in _addends(node.right)]
        case ast.UnaryOp(op=ast.USub()):
            return [ast.UnaryOp(ast.USub(), term) for term in _addends(node.operand)]
        case ast.BinOp(op=ast.Div()) if not _inputs(node.right):
            return [ast.BinOp(term, ast.Div(), node.right) for term in _addends(node.left)]
        case ast.BinOp(op=ast.Mult()) if not _inputs(node.left):
            return [ast.BinOp(node.left, ast.Mult(), term) for term in _addends(node.right)]
        case ast.Call(func=ast.Name(id="sum")):
            return [term for argument in node.args for term in _addends(argument)]
        case ast.Call(func=ast.Name(id="mean")):
            count = ast.Constant(len(node.args))
            return [ast.BinOp(t, ast.Div(), count) for argument in node.args for t in _addends(argument)]
    return [node]


# --- its three meanings ---------------------------------------------------------------------------


def _symbolic(node: ast.expr):
    import sympy

    match node:
        case ast.Constant():
            return sympy.nsimplify(str(node.value), rational=True)
        case ast.Name(id=name):
            return {"pi": sympy.pi, "e": sympy.E}.get(name) or sympy.Symbol(name, real=True)
        case ast.UnaryOp():
            return -_symbolic(node.operand) if isinstance(node.op, ast.USub) else _symbolic(node.operand)
        case ast.BinOp():
            return OPERATORS[type(node.op)](_symbolic(node.left), _symbolic(node.right))
    name, arguments = node.func.id, [_symbolic(argument) for argument in node.args]
    x = arguments[0]
    if name in HERMITE:
        symbol = sympy.Dummy(real=True)
        return sympy.Poly(sympy.hermite_prob(HERMITE[name], symbol), symbol).as_expr().subs(symbol, x)
    special = {
        "sum": lambda: sympy.Add(*arguments),
        "mean": lambda: sympy.Add(*arguments) / len(arguments),
        "square": lambda: x**2,
        "cube": lambda: x**3,
        "relu": lambda: x * _opaque("heaviside")(x),
        "step": lambda: _opaque("heaviside")(x),
        "abs": lambda: x * _opaque("sign")(x),
        "sign": lambda: _opaque("sign")(x),
    }
    return special[name]() if name in special else getattr(sympy, name)(x)


@lru_cache
def _opaque(name: str):
    """`sign` or `heaviside` as a SymPy function that is only itself: real, and of no slope even where it jumps.

    SymPy's own take their arguments apart, and lose the way where they cannot prove that one is real.
    """
    import sympy

    scalar = {"sign": sign, "heaviside": heaviside}[name]

    def value(cls, x):
        return sympy.Integer(int(scalar(x))) if x.is_number and x.is_comparable else None

    return type(
        name, (sympy.Function,), {"is_real": True, "eval": classmethod(value), "fdiff": lambda *_: sympy.S.Zero}
    )


def _evaluate(node: ast.expr, inputs: dict[str, object], functions: dict[str, Callable]):
    """The value at one point or at arrays of points, straight from the tree."""
    match node:
        case ast.Constant(value=value):
            return float(value)
        case ast.Name(id=name):
            return CONSTANTS[name] if name in CONSTANTS else inputs[name]
        case ast.UnaryOp(op=op, operand=operand):
            value = _evaluate(operand, inputs, functions)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _evaluate(left, inputs, functions), _evaluate(right, inputs, functions)
            if isinstance(op, ast.Pow):
                return math.prod([a] * int(b), start=1.0)  # products: exact signs, and fast
            return OPERATORS[type(op)](a, b)
    name, values = node.func.id, [_evaluate(argument, inputs, functions) for argument in node.args]
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


def _scalar_functions() -> dict[str, Callable]:
    kinked = {"relu": lambda x: max(x, 0.0), "abs": abs, "sign": sign, "step": heaviside}
    return {name: getattr(math, name) for name in SMOOTH} | kinked


@lru_cache(maxsize=8)
def _array_functions(xp) -> dict[str, Callable]:
    functions = {name: getattr(xp, name) for name in (*SMOOTH, "abs", "sign") if name != "erf"}
    functions["erf"] = lambda x: _special(xp).erf(x)  # loaded when a formula asks for it
    functions["step"] = functions["heaviside"] = lambda x: xp.where(x > 0, 1.0, 0.0)
    functions["relu"] = lambda x: xp.maximum(x, 0.0)
    return functions


def _special(xp):
    from importlib import import_module

    return import_module("cupyx.scipy.special" if xp.__name__ == "cupy" else "scipy.special")


@lru_cache(maxsize=256)
def _source(formula: Formula, name: str, derivative: bool) -> str:
    import sympy
    from sympy.printing.pycode import PythonCodePrinter

    class Printer(PythonCodePrinter):
        """Names without a module, and whole powers as products."""

        def _module_format(self, full_name, register=True):
            return full_name.split(".")[-1]

        def _print_Function(self, expression):
            return f"{expression.func.__name__}({self._print(expression.args[0])})"

        _print_sign = _print_Function

        def _print_Rational(self, expression):
            return f"({float(expression)!r})" if expression.q != 1 else f"{float(expression)!r}"

        _print_Half = _print_Rational

        def _print_Integer(self, expression):
            return f"{float(expression)!r}"

        _print_One = _print_NegativeOne = _print_Zero = _print_Integer

        def _print_Pow(self, expression, **_):
            base, power = expression.as_base_exp()
            if power.is_Integer and 2 <= power <= LARGEST_POWER:
                return "(" + "*".join([f"({self._print(base)})"] * int(power)) + ")"
            return super()._print_Pow(expression, rational=False)

    expression = formula.derivative if derivative else formula.expression
    symbols = sorted(expression.free_symbols, key=str)
    if len(symbols) == 1 and formula.degree is not None:
        expression = sympy.horner(expression)  # of several symbols it may have very many terms
    shared, (result,) = sympy.cse([expression])
    printer = Printer()
    lines = [f"def {name}(x):"]
    if formula.coordinates:
        lines += [f"    {symbol} = x[{int(str(symbol)[1:]) - 1}]" for symbol in symbols]
        shared, result = _renamed(shared, result)
    lines += [f"    {symbol} = {printer.doprint(value)}" for symbol, value in shared]
    constant = ""
    if not symbols:  # arrays keep their shape
        constant = " + 0.0 * x[0]" if formula.coordinates else " + 0.0 * x"
    lines.append(f"    return {printer.doprint(result)}{constant}")
    return "\n".join(lines) + "\n"


def _renamed(shared, result):
    """Names of shared parts that no coordinate has."""
    import sympy

    names = {symbol: sympy.Symbol(f"part{i}", real=True) for i, (symbol, _) in enumerate(shared)}
    return [(names[s], value.xreplace(names)) for s, value in shared], result.xreplace(names)


@lru_cache(maxsize=256)
def _array_derivative(formula: Formula, xp) -> Callable:
    names = {**_array_functions(xp), "pi": math.pi, "e": math.e}
    exec(_source(formula, "derivative", True), names)  # printed by SymPy: no text of the user's is in it
    return names["derivative"]
