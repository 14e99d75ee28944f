"""Equations of weights off the sphere and of a second layer that learns, against runs of the chain."""

from math import sqrt

import onepass
import pytest
from helpers.processes import ERF, TWO, named
from onepass import Protocol
from onepass.theory.dynamics import solve_dynamics

UNEQUAL = onepass.Model("erf(x1/sqrt(2)) + 0.5*erf(x2/sqrt(2))", ERF, students=2, second_layer=(1, -0.6), noise=0.1)
FREE = ("overlaps", [[0.3, 0.1], [0.05, 0.2]], [[1.3, 0.1], [0.1, 0.7]])
ON_SPHERE = ("overlaps", [[0.3, 0.1], [0.05, 0.2]], [[1.0, 0.1], [0.1, 1.0]])
BOTH = Protocol(update="plain", second_layer_rate=2.0)


def means_and_errors(runs, name):
    values = runs[name].isel(step=-1)
    return values.mean("replica"), values.std("replica") / sqrt(values.sizes["replica"])


@pytest.mark.parametrize(
    "protocol",
    [BOTH, Protocol("correlation", "plain", second_layer_rate=2.0), Protocol(update="plain", weight_decay=0.5)],
    ids=named,
)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_step_is_the_exact_mean(protocol, batch_size):
    """At most 10 means at 5 standard errors, six cases: one false alarm in 3·10⁴ seeds."""
    settings = {"dimension": 12, "batch_size": batch_size, "learning_rate": 0.8, "steps": 1, "initial": FREE}
    runs = onepass.simulate(UNEQUAL, protocol, replicas=10_000, threshold=None, seed=4, **settings)
    theory = solve_dynamics(UNEQUAL, protocol, **settings)
    names = ["overlap", "student_gram", *(["second_layer"] if protocol.second_layer_rate else [])]
    for name in names:
        mean, error = means_and_errors(runs, name)
        assert theory[name].dims == mean.expand_dims("step").dims
        moved = float(abs(theory[name][-1] - theory[name][0]).max())
        assert moved > 10 * float(error.max())  # a process that stays is seen
        assert float((abs(theory[name][-1] - mean) / error).max()) < 5, name


@pytest.mark.parametrize(
    ("protocol", "initial"),
    [
        (BOTH, FREE),
        (Protocol("correlation", "plain", second_layer_rate=0.5, weight_decay=1.0), FREE),
        (Protocol(update="spherical", second_layer_rate=2.0), ON_SPHERE),
    ],
    ids=str,
)
def test_mean_process_is_the_mean_of_runs(protocol, initial):
    """11 means at 4 standard errors of 200 replicas, beside 1/d for the fluctuations that a mean neglects."""
    settings = {
        "dimension": 400,
        "batch_size": 100,
        "learning_rate": 0.5,
        "steps": 30,
        "initial": initial,
        "records": 2,
    }
    runs = onepass.simulate(TWO, protocol, replicas=200, threshold=None, seed=2, **settings)
    theory = solve_dynamics(TWO, protocol, **settings)
    for name in ("overlap", "student_gram", "second_layer", "risk"):
        mean, error = means_and_errors(runs, name)
        assert float((abs(theory[name][-1] - mean) - 4 * error).max()) < 1 / 400, name
    assert float(abs(theory.second_layer[-1] - 1).max()) > 0.1
