"""Formulas in inputs of other names than a target's: of the label y and the output f, for instance."""

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from onepass.formulas import domain, evaluation, printing
from onepass.formulas.language import POINTS, FormulaError, has_inputs, parse


@dataclass(frozen=True)
class NamedFormula:
    """A function of inputs that have names. Make one with `NamedFormula.of`.

    Attributes
    ----------
    text : the formula in canonical spelling.
    names : of the inputs it may read.
    """

    text: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str, *names: str) -> "NamedFormula":
        """A formula in the inputs `names`, checked as targets are.

        Raises
        ------
        FormulaError
            If it holds anything outside the language, reads none of them, or is not defined everywhere.
        """
        tree = parse(text, names)
        if not has_inputs(tree):
            raise FormulaError(f"formula {text!r} is constant; use {', '.join(names)}")
        for shift in range(len(POINTS)):
            inputs = {name: POINTS[(shift + 2 * i) % len(POINTS)] for i, name in enumerate(names)}
            try:
                finite = math.isfinite(evaluation.evaluate(tree, inputs, evaluation.scalar_functions()))
            except (ValueError, ZeroDivisionError, OverflowError):
                finite = False
            if not finite:
                raise FormulaError(f"formula {text!r} has no finite value at {inputs}; {domain.EVERYWHERE}")
        domain.check(tree, text, names)
        return cls(ast.unparse(tree), names)

    @cached_property
    def tree(self) -> ast.expr:
        return ast.parse(self.text, mode="eval").body

    def array(self, xp) -> Callable:
        """The function over arrays of a namespace, one a name, in the order of the names."""
        functions = evaluation.array_functions(xp)
        return lambda *arrays: evaluation.evaluate(self.tree, dict(zip(self.names, arrays, strict=True)), functions)

    def source(self, name: str) -> str:
        """Python source of a function of numbers, for a compiler, as `Formula.source` has it."""
        return printing.named_source(self, name)

    def reads(self, name: str) -> bool:
        """Whether an input of this name occurs."""
        return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(self.tree))
