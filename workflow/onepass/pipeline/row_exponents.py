"""The exponents of a row that the theory, or an experiment, gives: of the learning rate, the time and the budget."""

import math

from onepass.pipeline.feasible import CellError, leap_index
from onepass.pipeline.inputs import inputs_name_of
from onepass.theory import exponents


def row_exponents(experiment, protocol: str, mu: float) -> tuple[float, float]:
    """δ of the learning rate and the theory's θ for a row, from the target's first Hermite order.

    θ is nan for a protocol or inputs that the theory does not know; a δ of the theory is then a `CellError`.
    """
    order = leap_index(experiment.model.target)
    theory = experiment.delta == "theory"
    if unknown := unknown_exponents(experiment, protocol):
        if theory:
            message = f"the theory of exponents does not know {unknown}; allowed: a number, and with it any other"
            raise CellError(("delta",), "theory", message)
        return experiment.delta, math.nan
    delta = exponents.optimal_learning_rate_exponent(protocol, order, mu) if theory else experiment.delta
    return delta, exponents.recovery_exponent(protocol, order, mu, delta)


def map_exponent(order: int, mu):
    """Exponent of a map's budget: √d times the best time of plain SGD. What needs longer counts as not learned."""
    return exponents.recovery_exponent("projected_square", order, mu) + 0.5


def unknown_exponents(experiment, protocol: str) -> str:
    """What of a row's protocol and inputs the theory of exponents does not know; empty where it knows both."""
    if not exponents.knows(protocol):
        return f"protocol {protocol!r}"
    inputs = inputs_name_of(experiment)
    return "" if inputs is None else f"inputs {inputs!r}"
