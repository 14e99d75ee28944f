"""Gaussian means of one step of SGD: what the low-dimensional equations are made of.

Three methods, chosen by the model. Students ``erf(x/√2)`` of a target that is a weighted sum of erf(⟨t, x⟩/√2) have
closed forms. Polynomials have Gauss–Hermite rules with enough nodes to be exact. Other functions have the same rules,
refined until they settle, with their error stated. A rule runs over all p + k fields or, where
the target is a sum of functions of one coordinate each, over pairs of students.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from onepass.choices import Loss, basic_loss
from onepass.errors import OnepassError
from onepass.gaussian.quadrature import COUNTS, exact_count, gauss_hermite, refined
from onepass.model import Model
from onepass.theory import moment_quadrature
from onepass.theory.mean_kernel import write_moments
from onepass.theory.rule import Moments, Rule

FEWEST = 18  # nodes a dimension that the finest rule must have, or its error says nothing
LARGEST_GRID = 2_000_000  # points of a grid
SMALL_GRID = 20_000  # points up to which a whole grid is the faster one
LARGEST_PAIRS = 5_000_000_000  # multiplications of a rule over pairs
ROUNDING = 1e-12  # of the scale of the means; differences below say nothing
WORST = 0.05  # error, relative to that scale, that is refused


class ExpectationError(OnepassError, ValueError):
    """A model whose means are out of reach, or a state that does not fit the model."""


class Expectations(NamedTuple):
    """The means of a step at one state, and how they were found."""

    moments: Moments
    risk: float  # excess population risk ½ E[(h* − f)²], whatever the loss
    error: float  # largest absolute change from the rule before the finest; 0 where exact up to rounding
    method: str  # "closed", "grid" or "pairs"
    nodes: int  # of the rule, a dimension; 0 for closed forms


def expectations(
    model: Model, loss: Loss | str, overlap, gram, *, layer=None, tolerance: float = 1e-10, nodes: int | None = None
) -> Expectations:
    """Means of a step at a state of the students.

    Parameters
    ----------
    loss : a `onepass.protocol.Loss` or its name.
    overlap, gram : M (p, k) and Q (p, p); any norms, and students may align with the teacher or with each other.
    layer : a/p (p,) of a second layer that is not the model's, because it learns.
    tolerance : where no exact rule exists, rules are refined until they change by less than
        this fraction of the largest ``E[σ'(λ_j)² y² |u|²]``, or become too large; see ``error`` of the result.
    nodes : where no exact rule exists, use the rule with so many nodes as it is; ``error`` is then not a number.

    Returns
    -------
    `Expectations`. Where exact, the relative error is below 1e-10, unless the terms of a mean cancel.

    Raises
    ------
    ExpectationError
        If the model has neither a closed form nor a quadrature that can be afforded, or for arrays of another shape.

    Notes
    -----
    Closed forms after Saad & Solla, Phys. Rev. E 52, 4225 (1995); the means are those of Arnaboldi et al.,
    arXiv:2406.02157, with ``length`` and ``radial`` for exactness at finite dimension and batch size.
    """
    loss = basic_loss(loss)
    p, k = model.students, model.teachers
    overlap, gram = np.array(overlap, dtype=float), np.array(gram, dtype=float)
    if overlap.shape != (p, k) or gram.shape != (p, p) or not np.isfinite(np.hstack([overlap, gram])).all():
        raise ExpectationError(
            f"overlaps of shapes {overlap.shape}, {gram.shape}; allowed: finite M of {(p, k)} and Q of {(p, p)}"
        )
    layer = model.output_weights if layer is None else np.array(layer, dtype=float)
    if layer.shape != (p,) or not np.isfinite(layer).all():
        raise ExpectationError(f"layer of shape {layer.shape}; allowed: {p} finite numbers a/p")
    rule = compiled_rule(model)
    if rule is not None:
        rule = rule._replace(layer=layer)
        moments = empty_moments(model)
        risk = write_moments(rule, overlap, gram, int(loss), moments)
        method = "closed" if rule.closed else "grid"
        return Expectations(moments, risk, error=0.0, method=method, nodes=rule.nodes.size)

    method, counts = _plan(model)
    evaluate = moment_quadrature.pair_moments if method == "pairs" else moment_quadrature.grid_moments
    if nodes is not None and len(counts) > 1:
        moments, risk = evaluate(model, loss, overlap, gram, nodes, layer)
        return Expectations(moments, risk, error=np.nan, method=method, nodes=nodes)
    # All means vanish where the students are right; those of y² do not, and say what is small.
    scale = abs(evaluate(model, Loss.CORRELATION, overlap, gram, counts[0])[0].length).max()
    found = refined(
        lambda count: evaluate(model, loss, overlap, gram, count, layer),
        counts,
        max(tolerance, ROUNDING) * scale,
        lambda coarse, fine: abs(_flat(*fine) - _flat(*coarse)).max(),
    )
    if found.error > WORST * scale:
        raise ExpectationError(
            f"{_name(model)}: quadrature with {found.fine} nodes a dimension leaves an error of {found.error:.1g}; "
            f"{_INSTEAD}"
        )
    moments, risk = found.value
    return Expectations(moments, risk, error=found.error, method=method, nodes=found.fine)


def _flat(moments: Moments, risk: float) -> np.ndarray:
    """What has to settle; E[σ E] does where the risk does, of which it is a derivative."""
    return np.concatenate([*map(np.ravel, moments[:-1]), [risk]])


def empty_moments(model: Model) -> Moments:
    """Arrays for the compiled means to write into."""
    p, k = model.students, model.teachers
    return Moments(np.zeros((p, k)), *np.zeros((5, p, p)), np.zeros(p))


@lru_cache(maxsize=64)
def compiled_rule(model: Model) -> Rule | None:
    """The rule that compiled code reads, for erf committees and for polynomials of few fields; else None."""
    committee = erf_committee(model)
    if committee is not None:
        return Rule(True, model.output_weights, model.noise, *committee)
    count = exact_count(model)
    if count is None or count ** (model.students + model.teachers) > SMALL_GRID:
        return None
    import sympy

    nodes, weights = gauss_hermite(count)
    x = sympy.Symbol("x", real=True)
    activation = np.array(sympy.Poly(model.activation_formula.expression, x).all_coeffs()[::-1], dtype=float)
    target = moment_quadrature.target_values(model, count)
    arrays = {"nodes": nodes, "weights": weights, "target": target, "activation": activation}
    return Rule(False, model.output_weights, model.noise, **arrays)


@lru_cache(maxsize=64)
def erf_committee(model: Model) -> tuple[np.ndarray, np.ndarray] | None:
    """Directions t (terms, k) and weights (terms,) of a target ``Σ b erf(⟨t, x⟩/√2)`` of students erf(x/√2).

    None for any other model.
    """
    import sympy

    x = sympy.Symbol("x", real=True)
    if model.activation_formula.expression != sympy.erf(x / sympy.sqrt(2)):
        return None
    symbols = [sympy.Symbol(f"x{r + 1}", real=True) for r in range(model.teachers)]
    directions, coefficients = [], []
    for term in sympy.Add.make_args(sympy.expand(model.target_formula.expression)):
        coefficient, rest = term.as_independent(*symbols)
        if not isinstance(rest, sympy.erf):
            return None
        inner = sympy.expand(sympy.sqrt(2) * rest.args[0])
        slopes = [inner.coeff(symbol) for symbol in symbols]
        if sympy.expand(inner - sum(s * v for s, v in zip(slopes, symbols, strict=True))) != 0:
            return None
        if any(slope.free_symbols for slope in slopes):
            return None
        directions.append([float(slope) for slope in slopes])
        coefficients.append(float(coefficient))
    return np.array(directions), np.array(coefficients)


_INSTEAD = "the equations need another model; simulate it with engine 'chain'"


@lru_cache(maxsize=64)
def _plan(model: Model) -> tuple[str, tuple[int, ...]]:
    """Method and numbers of nodes that can be afforded."""
    p, k = model.students, model.teachers
    exact = exact_count(model)
    counts, fewest = (COUNTS, FEWEST) if exact is None else ((exact,), exact)
    separable = moment_quadrature.coordinate_functions(model) is not None
    if separable and (p + k >= 4 or exact is not None):
        pairs, terms = p * (p + 1) / 2, p + k
        method, cost = "pairs", lambda n: pairs * (n**4 * terms + n**3 * terms**2)
        limit = LARGEST_PAIRS
    else:
        method, cost, limit = "grid", lambda n: float(n) ** (p + k), LARGEST_GRID
    counts = tuple(n for n in counts if cost(n) <= limit)
    if not counts or counts[-1] < fewest:
        what = "the target is a sum over single coordinates" if separable else "the target couples its coordinates"
        raise ExpectationError(
            f"{_name(model)}: no closed form, and quadrature over {p} students and {k} teachers cannot be afforded "
            f"({what}; grids are of p + k = {p + k} dimensions); {_INSTEAD}"
        )
    return method, counts


def _name(model: Model) -> str:
    return f"target {model.target!r} with activation {model.activation!r}"
