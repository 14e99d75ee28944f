"""Where a formula is defined: everywhere, or it is refused."""

import ast

import numpy as np

from onepass.formulas.evaluation import array_functions, evaluate
from onepass.formulas.language import FormulaError, has_inputs

EVERYWHERE = (
    "Gaussian inputs take every real value: keep logarithms, roots and divisions away from where they are not defined"
)
WANTED = {
    "positive": lambda low, high: low > 0,
    "not negative": lambda low, high: low >= 0,
    "above -1": lambda low, high: low > -1,
    "of one sign, never 0": lambda low, high: low > 0 or high < 0,
}


def check(tree: ast.expr, text: str, names: tuple[str, ...]) -> None:
    """Refuse what is not defined everywhere, integrable or not; told at points, so a pole between them passes.

    `names` are those of the inputs.

    Raises
    ------
    FormulaError
        With the operation, the part of it that decides and the values that this takes.
    """
    operations = guarded(tree)
    if not operations:
        return
    # Rounded, so that the zeros that people write, 0 and 0.5, are among them.
    points = np.round(np.random.default_rng(0).normal(0, 2, (4000, len(names))), 1)
    points[0] = 0.0
    inputs = dict(zip(names, points.T, strict=True))
    for operation, part, wanted in operations:
        with np.errstate(all="ignore"):
            values = evaluate(part, inputs, array_functions(np))
        low, high = np.min(values), np.max(values)
        if not WANTED[wanted](low, high):  # nor nan
            raise FormulaError(
                f"formula {text!r}: in {ast.unparse(operation)!r} the part {ast.unparse(part)!r} takes values from "
                f"{low:.3g} to {high:.3g}; allowed: {wanted}. {EVERYWHERE}"
            )


def guarded(node: ast.expr) -> list[tuple[ast.expr, ast.expr, str]]:
    """Operations that are not defined everywhere, innermost first: each, the part that decides, what that must be."""
    found = []
    for inner in reversed([*ast.walk(node)]):
        match inner:
            case ast.BinOp(op=ast.Div(), right=part):
                found += [(inner, factor, "of one sign, never 0") for factor in _factors(part) if has_inputs(factor)]
            case ast.Call(func=ast.Name(id="log"), args=[part]) if has_inputs(part):
                found.append((inner, part, "positive"))
            case ast.Call(func=ast.Name(id="log1p"), args=[part]) if has_inputs(part):
                found.append((inner, part, "above -1"))
            case ast.Call(func=ast.Name(id="sqrt"), args=[part]) if has_inputs(part):
                found.append((inner, part, "not negative"))
    return found


def _factors(node: ast.expr) -> list[ast.expr]:
    """What a denominator is 0 with: powers and absolute values, which hide a change of sign, taken off."""
    match node:
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return _factors(left) + _factors(right)
        case ast.BinOp(op=ast.Pow(), left=inner) | ast.UnaryOp(operand=inner):
            return _factors(inner)
        case ast.Call(func=ast.Name(id="square" | "cube" | "abs"), args=[inner]):
            return _factors(inner)
    return [node]
