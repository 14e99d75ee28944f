"""Formulas of targets and activations: written once as text, everything else derived.

The text is parsed, never evaluated (`language`); derivatives, scalar source code for the compiler and array
functions all follow from its tree (`printing`).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from onepass.formulas import domain, evaluation, printing, structure
from onepass.formulas.language import (
    COORDINATES,
    FUNCTIONS,
    KINKED,
    LARGEST_DEGREE,
    POINTS,
    FormulaError,
    addends,
    degree,
    has_inputs,
    is_coordinate,
    parse,
)


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
        tree = parse(text, COORDINATES)
        indices = [int(node.id[1:]) for node in ast.walk(tree) if is_coordinate(node)]
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
        tree = parse(text, ("x",))
        if not has_inputs(tree):
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
        return degree(self.tree)

    @property
    def is_flat(self) -> bool:
        """Whether an activation has no slope wherever it is smooth, as the sign has none."""
        functions = evaluation.scalar_functions()
        sides = [[evaluation.evaluate(self.tree, {"x": x + h}, functions) for h in (-1e-4, 1e-4)] for x in POINTS]
        if not all(math.isclose(left, right, rel_tol=1e-12) for left, right in sides):
            return False
        return self.derivative == 0  # one that is steep at 0 looks flat elsewhere

    @property
    def kinks(self) -> tuple[Formula, ...]:
        """The inner functions at whose zeros the formula is not smooth."""
        calls = [n for n in ast.walk(self.tree) if isinstance(n, ast.Call) and n.func.id in KINKED]
        inner = [part for call in calls for part in _differences(call.args)]
        return tuple(Formula(ast.unparse(part), self.arity, self.coordinates) for part in inner)

    @cached_property
    def terms(self) -> tuple[Formula, ...]:
        """Targets that add up to this one, each in as few coordinates as its text shows."""
        return tuple(Formula(ast.unparse(node), self.arity, self.coordinates) for node in addends(self.tree))

    @cached_property
    def factors(self) -> tuple[Formula, ...]:
        """Targets without common coordinates whose product this one is; itself if there are none."""
        return tuple(Formula(ast.unparse(node), self.arity, self.coordinates) for node in structure.factors(self.tree))

    @cached_property
    def inner_addends(self) -> tuple[Formula, ...]:
        """Parts of the sums inside of it that are no polynomials."""
        nodes = structure.inner_addends(self.tree)
        return tuple(Formula(ast.unparse(node), self.arity, self.coordinates) for node in nodes)

    def scaled(self, factor: float) -> Formula:
        """The target of its coordinates times a factor."""
        return Formula.target(ast.unparse(structure.scaled(self.tree, factor)))

    @property
    def used(self) -> tuple[int, ...]:
        """Positions (from 0) of the coordinates that occur."""
        return tuple(sorted({int(n.id[1:]) - 1 for n in ast.walk(self.tree) if is_coordinate(n)}))

    @cached_property
    def expression(self):
        """The formula as a SymPy expression in real symbols ``x1 … xk`` or ``x``."""
        return printing.symbolic(self.tree)

    @cached_property
    def derivative(self):
        """Derivative of an activation, a SymPy expression; 0 is taken for the slope at kinks and jumps."""
        import sympy

        if self.coordinates:
            raise FormulaError(f"target {self.text!r} is not differentiated; only activations are")
        return sympy.diff(self.expression, sympy.Symbol("x", real=True))

    def source(self, name: str, *, derivative: bool = False) -> str:
        """Python source of a scalar function, for a compiler.

        It uses names of `math`, `max`, `min` and the `evaluation.HELPERS`; its argument is a number (activation) or
        indexable (target).
        """
        return printing.source(self, name, derivative)

    def array(self, xp, *, derivative: bool = False) -> Callable:
        """The function over arrays of a namespace: any shape for an activation, (..., k) to (...) for a target."""
        if derivative:
            return printing.array_derivative(self, xp)
        tree, functions = self.tree, evaluation.array_functions(xp)

        def function(x):
            inputs = {f"x{i + 1}": x[..., i] for i in self.used} if self.coordinates else {"x": x}
            return evaluation.evaluate(tree, inputs, functions) + 0.0 * (x[..., 0] if self.coordinates else x)

        return function

    @property
    def tree(self) -> ast.expr:
        return ast.parse(self.text, mode="eval").body

    def _check_values(self) -> None:
        if (self.degree or 0) > LARGEST_DEGREE:
            raise FormulaError(f"formula {self.text!r} has degree {self.degree}; allowed: {LARGEST_DEGREE}")
        for shift in range(len(POINTS)):
            inputs = {f"x{i + 1}": POINTS[(shift + 2 * i) % len(POINTS)] for i in range(self.arity)}
            inputs["x"] = POINTS[shift]
            try:
                finite = math.isfinite(evaluation.evaluate(self.tree, inputs, evaluation.scalar_functions()))
            except (ValueError, ZeroDivisionError, OverflowError):
                finite = False
            if not finite:
                where = ", ".join(f"{inputs[f'x{i + 1}']:g}" for i in range(min(self.arity, 3)))
                raise FormulaError(f"formula {self.text!r} has no finite value at ({where}); {domain.EVERYWHERE}")
        names = tuple(f"x{i + 1}" for i in range(self.arity)) if self.coordinates else ("x",)
        domain.check(self.tree, self.text, names)


def _differences(arguments: list[ast.expr]) -> list[ast.expr]:
    """What is 0 at the kinks of a function: its argument, of several every difference of two."""
    pairs = [ast.BinOp(one, ast.Sub(), other) for one, other in combinations(arguments, 2)]
    return pairs or arguments
