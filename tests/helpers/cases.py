"""Models and parameters that the tests of the chain's kernels share."""

import onepass

from helpers import runs

HE3 = onepass.Model("He3(x1)", "He3", noise=0.2)
TWO = onepass.Model("He2(x1) + x1*x2", "square", students=2, second_layer=(1.0, 0.7), noise=0.2)
WIDE = onepass.Model("x1 + x1*x2", "tanh", students=4, second_layer=(1.0, 0.7, 0.4, 0.1), noise=0.2)
WIDER = onepass.Model("x1*x2*x3", "erf(x/sqrt(2))", students=7)  # its sums are too many for registers
KINKED = onepass.Model("abs(x1) - step(x2)", "relu", students=3, noise=0.1)
MODELS = [HE3, TWO, WIDE, WIDER, KINKED]
RATES = {HE3: 0.02, TWO: 0.15, WIDE: 1.5, WIDER: 5.0, KINKED: 0.5}


def named(model):
    return f"{model.activation}-p{model.students}"


def parameters(model, protocol="projected_square", **changes):
    """As `helpers.runs.parameters`, at a rate that moves the model within a few steps."""
    return runs.parameters(model, protocol, **({"learning_rate": RATES[model]} | changes))
