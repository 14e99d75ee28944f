"""The generative exponent of a target: what the information exponent becomes when any function of its label may do.

A conditional mean ``E[He_α(x) | y]`` is 0 if and only if ``E[g(y) He_α(x)]`` is, for all functions g of the label.
Looked at are the label itself; all its powers where it takes few values, as no other function exists then; its square,
cube or absolute value, where these are exact; and Cauchy kernels ``1/(1 + ((y − c)/s)²)``, smooth and bounded: those of
all centres c span every function. All of them are formulas, so that `hermite` finds their coefficients with an error:
what is below the tolerance counts as zero, what is not found to it is not used.
"""

import ast
from collections.abc import Iterator
from functools import lru_cache
from math import factorial, prod, sqrt

import numpy as np

from onepass.formulas import structure
from onepass.formulas.formula import Formula
from onepass.formulas.language import LARGEST_DEGREE, FormulaError, is_coordinate
from onepass.gaussian.expansion import HermiteError
from onepass.gaussian.hermite import hermite_tensor, leading_tensor
from onepass.gaussian.information import leap_index
from onepass.gaussian.parts import Part
from onepass.gaussian.subspaces import TURNED, Tensors, subspace_leap
from onepass.gaussian.symmetry import symmetric_leap

LEVELS = (0.3, 0.5, 0.85, 0.15, 0.7)  # quantiles of the label at which kernels are centred
FEW = 4  # values that a label may take for its powers to be all of its functions
POINTS = 4096  # inputs that tell its quantiles and values
WIDEST = 2  # coordinates that a kernel may couple, unless it is one of their product
ORDER, WIDE_ORDER = 8, 4  # of Hermite coefficients of functions of the label; of more than 4 coordinates


class UndecidedError(HermiteError):
    """A generative exponent that is not decided; made of the target's text and of the reason, with the bounds known."""

    def __str__(self) -> str:
        return "the generative exponent of target {!r} is not decided: {}".format(*self.args)


def generative_exponent(target: str | Formula) -> int:
    """Generative exponent of a target of one coordinate, generative leap of one of several.

    The least k ≥ 1 with ``E[(E[He_k(x) | y])²] ≠ 0`` (Damian, Pillaud-Vivien, Lee & Bruna, arXiv:2403.05529). Of
    several coordinates: from ``S = {0}`` on, the least k at which ``E[He_k(x outside of S) | y, x inside]`` is not 0,
    whereupon S grows by the directions of these tensors; the largest of these k (Damian, Lee & Bruna,
    arXiv:2506.05500). Gaussian noise added to the label does not change it: what is convolved with a Gaussian vanishes
    only if it did before.

    Raises
    ------
    HermiteError
        For a constant.
    UndecidedError
        Where it lies between two bounds; a `HermiteError` too.
    """
    formula = target if isinstance(target, Formula) else Formula.target(target)
    return _decided(_along(formula), formula.text)


@lru_cache(maxsize=64)
def _decided(formula: Formula, name: str) -> int:
    leap_index(formula)  # refuses constants
    used, pool = formula.used, [leading_tensor(formula)]
    upper = subspace_leap(_tensors(pool, used))
    if upper is None:
        why = f"the subspaces that it unfolds are oblique to more than {TURNED} of its {len(used)} coordinates"
        raise UndecidedError(name, why)
    lower = min(symmetric_leap(formula, upper), upper)
    try:
        for text in _functions(formula) if lower < upper else ():
            order = min(upper - 1 + len(used), ORDER if len(used) <= TURNED else WIDE_ORDER)
            pool.append(hermite_tensor(Formula.target(text), order))
            upper = min(upper, subspace_leap(_tensors(pool, used)) or upper)
            if upper == lower:
                return upper
            if order < upper - 1:
                raise HermiteError(f"coefficients of {text!r} were looked at to order {order} alone")
    except (HermiteError, FormulaError) as error:
        known = (
            f"it is {lower} or more by its symmetries, {upper} or less by those functions of its label that were found"
        )
        raise UndecidedError(name, f"{known}; {error}") from error
    return upper


def _functions(formula: Formula) -> Iterator[str]:
    """Functions of the label beside itself, as formulas, what is cheap first."""
    text, part, rng = formula.text, Part.of(formula), np.random.default_rng(0)
    points = rng.normal(size=(POINTS, formula.arity))
    values = formula.array(np)(points)
    wide = formula.array(np)(3 * points)
    seen = np.unique(np.round(np.concatenate([values, wide]) / (np.ptp(wide) or 1.0), 9)).size
    if 1 < seen <= FEW:
        yield from (f"({text})**{power}" for power in range(2, seen))
        return
    if formula.degree is not None:
        yield from (f"({text})**{power}" for power in (2, 3) if power * formula.degree <= LARGEST_DEGREE)
    if len(formula.used) > 1 and (part.is_of_product or len(formula.factors) > 1):
        yield f"abs({text})"
    if len(formula.used) > WIDEST and not part.is_of_product:
        raise HermiteError(
            f"other functions of it couple {len(formula.used)} coordinates ({part.names}); allowed: {WIDEST}, and any "
            "number in a function of one linear combination or of one product"
        )
    low, high = np.quantile(values, [0.25, 0.75])
    scale = float(high - low) or float(values.std()) or 1.0
    for level in LEVELS:
        yield f"1/(1 + ({1 / scale!r}*({text}) - ({float(np.quantile(values, level)) / scale!r}))**2)"


def _tensors(pool: list[dict[tuple[int, ...], float]], used: tuple[int, ...]) -> Tensors:
    """Coefficients of several functions, of norm 1 each, by the powers of the coordinates that are used."""
    tensors: Tensors = {}
    for place, found in enumerate(pool):
        own = {alpha: value / sqrt(prod(map(factorial, alpha))) for alpha, value in found.items() if any(alpha)}
        norm = sqrt(sum(value**2 for value in own.values()))
        for alpha, value in own.items():
            tensors.setdefault(tuple(alpha[i] for i in used), np.zeros(len(pool)))[place] = value / norm
    return tensors


def _along(formula: Formula) -> Formula:
    """A function of one direction as one of x1, of the same law; any other as it is."""
    slopes = structure.direction([formula.tree])
    if formula.used == (0,) or slopes is None or {*slopes} != {*formula.used}:
        return formula
    length = sqrt(sum(slope**2 for slope in slopes.values()))

    class Turned(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            slope = slopes[int(node.id[1:]) - 1] / length if is_coordinate(node) else None
            return node if slope is None else ast.parse(f"({slope!r}*x1)", mode="eval").body

    return Formula.target(ast.unparse(Turned().visit(formula.tree)))
