"""Models and protocols that the equations of the mean are tried on."""

import onepass
from onepass.protocol import ALL_PROTOCOLS, Schedule
from onepass.theory.dynamics import solve_dynamics

ERF = "erf(x/sqrt(2))"
ONE = onepass.Model("erf(x1/sqrt(2))", ERF, noise=1.1e-5)
TWO = onepass.Model("mean(erf(x1/sqrt(2)), erf(x2/sqrt(2)))", ERF, students=2, noise=0.01)
SPHERICAL = onepass.Protocol("correlation", "spherical")
HE2, HE3 = onepass.Model("He2(x1)", "He2"), onepass.Model("He3(x1)", "He3", noise=0.2)
WARM = ("overlaps", [[0.3, 0.1], [0.05, 0.2]], [[1.0, 0.1], [0.1, 1.0]])
SQUARE, CORRELATION = onepass.Protocol(), onepass.Protocol("correlation")
PROTOCOLS = [p for p in ALL_PROTOCOLS if p.schedule == Schedule.CONSTANT]


def named(protocol):
    return protocol.name


def limit(model, protocol, mu, delta, gamma, **settings):
    prefactors = {"batch_prefactor": 1.0, "learning_rate_prefactor": gamma}
    return solve_dynamics(model, protocol, equation="limit", mu=mu, delta=delta, **prefactors, **settings)
