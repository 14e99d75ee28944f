"""A formula as a SymPy expression and, printed from it, as source code: Python for Numba, C for GPU and host."""

import ast
import math
from collections.abc import Callable
from functools import lru_cache, reduce

from onepass.formulas.evaluation import array_functions, composed
from onepass.formulas.language import HERMITE, LARGEST_POWER, OPERATORS, SEVERAL


def symbolic(node: ast.expr):
    import sympy

    match node:
        case ast.Constant():
            return sympy.nsimplify(str(node.value), rational=True)
        case ast.Name(id=name):
            return {"pi": sympy.pi, "e": sympy.E}.get(name) or sympy.Symbol(name, real=True)
        case ast.UnaryOp():
            return -symbolic(node.operand) if isinstance(node.op, ast.USub) else symbolic(node.operand)
        case ast.BinOp():
            return OPERATORS[type(node.op)](symbolic(node.left), symbolic(node.right))
    name, arguments = node.func.id, [symbolic(argument) for argument in node.args]
    x = arguments[0]
    if name in HERMITE:
        symbol = sympy.Dummy(real=True)
        return sympy.Poly(sympy.hermite_prob(HERMITE[name], symbol), symbol).as_expr().subs(symbol, x)
    if name in ("sum", "mean"):
        return sympy.Add(*arguments) / (len(arguments) if name == "mean" else 1)
    if name in ("square", "cube"):
        return x ** (2 if name == "square" else 3)
    return reduce(_functions()[name], arguments) if name in SEVERAL else _functions()[name](x)


@lru_cache(maxsize=1)
def _functions() -> dict[str, Callable]:
    """The functions of formulas as expressions; those with kinks are SymPy functions that are only themselves.

    SymPy's own take their arguments apart, and lose the way where they cannot prove that one is real. These are real,
    of no slope even where they jump, and have the slopes that the language promises at kinks.
    """
    import sympy
    from sympy.codegen.cfunctions import log1p

    def opaque(name: str, value: Callable, *slopes: Callable):
        def evaluated(cls, *x):
            return value(*x) if all(part.is_number and part.is_comparable for part in x) else None

        def slope(self, index=1):
            return slopes[index - 1](*self.args)

        return type(name, (sympy.Function,), {"is_real": True, "eval": classmethod(evaluated), "fdiff": slope})

    def flat(*_):
        return sympy.S.Zero

    sign = opaque("sign", lambda x: sympy.Integer(bool(x > 0) - bool(x < 0)), flat)
    step = opaque("step", lambda x: sympy.Integer(bool(x > 0)), flat)
    names = ("sqrt", "exp", "log", "sin", "cos", "tanh", "sinh", "cosh", "erf")
    functions = {name: getattr(sympy, name) for name in names} | {"arctan": sympy.atan, "log1p": log1p}
    functions |= {
        "relu": lambda x: x * step(x),
        "abs": lambda x: x * sign(x),
        "sign": sign,
        "step": step,
        "max": opaque("max", sympy.Max, lambda x, y: step(x - y), lambda x, y: 1 - step(x - y)),
        "min": opaque("min", sympy.Min, lambda x, y: step(y - x), lambda x, y: 1 - step(y - x)),
    }
    functions |= composed(functions)
    # Opaque: written out, derivatives of nested ones grow without end.
    values = {name: functions[name] for name in ("sigmoid", "silu", "gelu", "elu")}
    values["softplus"] = lambda x: sympy.log(1 + sympy.exp(x))
    slopes = {
        "sigmoid": lambda x: functions["sigmoid"](x) * functions["sigmoid"](-x),
        "silu": lambda x: functions["sigmoid"](x) * (1 + x * functions["sigmoid"](-x)),
        "gelu": lambda x: (
            (1 + sympy.erf(x / sympy.sqrt(2))) / 2 + x * sympy.exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi)
        ),
        "elu": lambda x: sympy.exp(x * (1 - step(x))),
        "softplus": lambda x: functions["sigmoid"](x),
    }
    functions |= {name: opaque(name, value, slopes[name]) for name, value in values.items()}
    return functions


@lru_cache(maxsize=256)
def source(formula, name: str, derivative: bool) -> str:
    symbols, shared, result = parts(formula, derivative)
    lines = []
    if formula.coordinates:
        lines += [f"{symbol} = x[{int(str(symbol)[1:]) - 1}]" for symbol in symbols]
    constant = ""
    if not symbols:  # arrays keep their shape
        constant = " + 0.0 * x[0]" if formula.coordinates else " + 0.0 * x"
    return _function(name, "x", lines, shared, result, constant)


@lru_cache(maxsize=256)
def named_source(formula, name: str) -> str:
    import sympy

    shared, (result,) = sympy.cse([symbolic(formula.tree)])
    return _function(name, ", ".join(formula.names), [], shared, result)


def _function(name: str, arguments: str, lines: list[str], shared, result, constant: str = "") -> str:
    """Python source: lines that come first, shared parts by their symbols, and what is returned."""
    from sympy.printing.pycode import PythonCodePrinter

    class Printer(printer_like(PythonCodePrinter)):
        """Names without a module."""

        def _module_format(self, full_name, register=True):
            return full_name.split(".")[-1]

    printer = Printer()
    lines = [*lines, *(f"{symbol} = {printer.doprint(value)}" for symbol, value in shared)]
    body = "".join(f"    {line}\n" for line in [*lines, f"return {printer.doprint(result)}{constant}"])
    return f"def {name}({arguments}):\n{body}"


def printer_like(language, **names: str):
    """A SymPy printer of a language with every number a double and whole powers as products.

    Parameters
    ----------
    names : of functions that the language calls by another name.
    """

    class Printer(language):
        def _print_Function(self, expression):
            name = expression.func.__name__
            return f"{names.get(name, name)}({', '.join(map(self._print, expression.args))})"

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
            return super()._print_Pow(expression, **({"rational": False} if language.language == "Python" else {}))

    return Printer


def parts(formula, derivative: bool):
    """What source code prints: symbols read, shared parts as (symbol, expression), and the result in their terms."""
    import sympy

    expression = formula.derivative if derivative else formula.expression
    symbols = sorted(expression.free_symbols, key=str)
    if len(symbols) == 1 and formula.degree is not None:
        expression = sympy.horner(expression)  # of several symbols it may have very many terms
    shared, (result,) = sympy.cse([expression])
    return symbols, *(_renamed(shared, result) if formula.coordinates else (shared, result))


def _renamed(shared, result):
    """Names of shared parts that no coordinate has."""
    import sympy

    names = {symbol: sympy.Symbol(f"part{i}", real=True) for i, (symbol, _) in enumerate(shared)}
    return [(names[s], value.xreplace(names)) for s, value in shared], result.xreplace(names)


@lru_cache(maxsize=256)
def array_derivative(formula, xp) -> Callable:
    names = {**array_functions(xp), "pi": math.pi, "e": math.e}
    exec(source(formula, "derivative", True), names)  # printed by SymPy: no text of the user's is in it
    return names["derivative"]


def c_source(formula, name: str, *, derivative: bool = False) -> str:
    """C++ source of a scalar function of doubles.

    It uses functions of ``math.h`` and `evaluation.HELPERS`; its argument is a number (activation) or a pointer to the
    coordinates (target). ``DEVICE`` stands for what a function is declared with.
    """
    from sympy.printing.c import C99CodePrinter

    class Printer(printer_like(C99CodePrinter, max="fmax", min="fmin")):
        """Constants as numbers: the compilers do not share names for them."""

        def _print_NumberSymbol(self, expression):
            return repr(float(expression))

    symbols, shared, result = parts(formula, derivative)
    printer = Printer({"math_macros": {}})
    lines = [f"DEVICE double {name}(const double{' *' if formula.coordinates else ' '}x) {{"]
    if formula.coordinates:
        lines += [f"    const double {symbol} = x[{int(str(symbol)[1:]) - 1}];" for symbol in symbols]
    lines += [f"    const double {symbol} = {printer.doprint(value)};" for symbol, value in shared]
    lines += [f"    return {printer.doprint(result)};", "}"]
    return "\n".join(lines) + "\n"
