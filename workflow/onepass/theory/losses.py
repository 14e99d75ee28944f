"""The exponent of a loss and of a transform of labels: what takes the place of the information exponent.

A student at overlap m with the target gains, a step, ``γ (a/p) E[σ'(λ) ψ(φ(y), f) (λ* − mλ)]``. By Stein's lemma and
Mehler's formula this is ``γ (a/p) (1 − m²) Σ_i μ_i m^(i−1)/(i−1)!`` with means over independent λ and λ*,

    ``μ_i = E[σ'(λ) He_{i−1}(λ) ψ(φ(y), f) He_i(λ*)]``,  ``y = h*(λ*) + √Δ ξ`` .

The first i with μ_i ≠ 0 is the exponent ℓ; the drift near m = 0 is ``γ (a/p) μ_ℓ m^(ℓ−1)/(ℓ−1)!``. Where the output is
small, ``f = 0``, ``μ_i = E[ψ(φ(y), 0) He_i(λ*)] E[σ' He_{i−1}]``: the first factor is the Hermite coefficient of a
transformed label, as in Joshi, Misiakiewicz & Srebro, arXiv:2407.05622, for the absolute loss, and in Tsiolis,
Mousavi-Hosseini & Erdogdu, arXiv:2510.21020. One student has an output of order 1 of its own, ``f = a σ(λ)``, and its
exponent may be lower: of He₃ by He₃ and the absolute loss it is 3 at f = 0 and 1 at its own output. For the square and
the correlation loss both are the same.
"""

import ast
from copy import deepcopy
from math import sqrt
from typing import NamedTuple

import numpy as np

from onepass.errors import OnepassError
from onepass.formulas.formula import Formula
from onepass.formulas.named import NamedFormula
from onepass.gaussian.expansion import HIGHEST_ORDER, TOLERANCE
from onepass.gaussian.hermite import gaussian_norm, hermite_coefficients, leading_tensor, stated_error
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.theory.own_output import ORDERS, own_coefficients

OUTPUTS = ("zero", "own")


class LossExponentError(OnepassError, ValueError):
    """A loss of which nothing is known here, or with nothing to learn."""


class LossExponent(NamedTuple):
    """The exponent of a loss, and the coefficient that it stands on."""

    exponent: int
    coefficient: float  # μ_ℓ; of several coordinates nan, for it depends on the direction
    error: float  # how far μ_ℓ may be off; of all lower orders μ_i is below its own error


def transformed_label(target: str, protocol: Protocol, noise: float = 0.0) -> Formula:
    """``ψ(φ(h*(x1 … xk) + √Δ x_{k+1}), 0)``: what the gradient correlates with while the output is small."""
    return _composed(Formula.target(target), protocol, noise, ast.Constant(0.0))


def loss_information_exponent(model: Model, protocol: Protocol, output: str = "zero") -> LossExponent:
    """Exponent ℓ of a model's target for the loss and the label of a protocol; its other choices do not count.

    Parameters
    ----------
    output : ``"zero"``, the papers' case of an output that is small at the start, as of many students of both signs; or
        ``"own"``, of one student of one coordinate, with its output ``a σ(λ)``.

    Returns
    -------
    `LossExponent`. At f = 0 the quadratures are those of `onepass.gaussian.hermite`; at the student's own output two
    rules, whose panels end at the kinks in λ*, are held against each other.

    Raises
    ------
    LossExponentError
        For a smoothed landscape, several students or coordinates with ``"own"``, or if all coefficients vanish.
    HermiteError
        If a composition of loss, label and target is out of reach of the quadratures.
    """
    if output not in OUTPUTS:
        raise LossExponentError(f"output {output!r} is unknown; allowed: {', '.join(OUTPUTS)}")
    if protocol.smoothing:
        raise LossExponentError(
            f"smoothing {protocol.smoothing:g} has exponents of its own, onepass.theory.smoothing; allowed here: 0"
        )
    if protocol.repeats:
        raise LossExponentError(
            f"protocol {protocol.name!r} sees samples again, of which onepass.theory.repetition tells; allowed here: "
            "lookahead 'none' and passes 1"
        )
    if output == "own" or not model.inputs.normalised:
        model.require_isotropic(f"the exponent at output {output!r}")  # and where the label's field has variance 1
    if output == "own":
        return _at_own_output(model, protocol)
    return _at_zero_output(model, protocol)


def _at_zero_output(model: Model, protocol: Protocol) -> LossExponent:
    formula = transformed_label(model.target, protocol, model.noise)
    size = sqrt(gaussian_norm(model.activation_formula))
    slopes = hermite_coefficients(model.activation_formula, HIGHEST_ORDER)  # c_i, of i! c_i = E[σ' He_{i−1}]
    factorials = np.cumprod([1.0, *range(1, HIGHEST_ORDER + 1)])
    seen = abs(slopes) * np.sqrt(factorials) > TOLERANCE * size
    k = model.teachers
    found = [
        (sum(alpha), value * slopes[sum(alpha)] * factorials[sum(alpha)])
        for alpha, value in leading_tensor(formula).items()
        if not any(alpha[k:]) and 1 <= sum(alpha) <= HIGHEST_ORDER and seen[sum(alpha)]
    ]
    if not found:
        raise LossExponentError(_nothing(model, protocol, HIGHEST_ORDER, "an output of 0"))
    order, value = min(found)
    error = stated_error(formula) * sqrt(gaussian_norm(formula)) * factorials[order] ** 1.5 * abs(slopes[order])
    return LossExponent(order, float(value) if k == 1 else np.nan, float(error))


def _at_own_output(model: Model, protocol: Protocol) -> LossExponent:
    if model.students != 1 or model.teachers != 1:
        raise LossExponentError(
            f"output 'own' is of one student of one coordinate, not of p = {model.students}, k = {model.teachers}; "
            "allowed: output 'zero'"
        )
    place = f"x{2 + (model.noise > 0)}"
    output = ast.BinOp(
        ast.Constant(model.second_layer[0]), ast.Mult(), _replaced(model.activation_formula.tree, "x", ast.Name(place))
    )
    formula = _composed(model.target_formula, protocol, model.noise, output)
    values, errors = own_coefficients(formula, model.activation_formula, model.noise > 0)
    (orders,) = np.nonzero(abs(values) > errors)
    if not orders.size:
        raise LossExponentError(_nothing(model, protocol, ORDERS, "the student's own output"))
    first = orders[0]
    return LossExponent(int(first) + 1, float(values[first]), float(errors[first]))


def _composed(target: Formula, protocol: Protocol, noise: float, output: ast.expr) -> Formula:
    label = target.tree
    if noise:
        label = ast.BinOp(label, ast.Add(), ast.parse(f"{sqrt(noise)!r} * x{target.arity + 1}", mode="eval").body)
    if protocol.label is not None:
        label = _replaced(NamedFormula.of(protocol.label, "y").tree, "y", label)
    tree = _replaced(_replaced(protocol.psi.tree, "f", output), "y", label)
    return Formula.target(ast.unparse(ast.fix_missing_locations(tree)))


def _replaced(tree: ast.expr, name: str, by: ast.expr) -> ast.expr:
    class Replace(ast.NodeTransformer):
        def visit_Name(self, node):
            return by if node.id == name else node

    return Replace().visit(deepcopy(tree))  # formulas keep their trees


def _nothing(model: Model, protocol: Protocol, order: int, where: str) -> str:
    return (
        f"loss {protocol.loss!r} and label {protocol.label!r} of target {model.target!r} with activation "
        f"{model.activation!r} have no coefficient above its error up to order {order} at {where}: nothing to learn"
    )
