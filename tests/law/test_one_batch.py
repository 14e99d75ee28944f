"""The mean-field limit of gradient descent on one batch, against the exact chain at a large dimension."""

from math import sqrt

import numpy as np
import onepass
import pytest
from helpers.algorithms import TWO
from onepass.protocol import Protocol as P
from onepass.theory.one_batch import mean_field

STEPS, D, REPLICAS = 6, 4000, 24
RATE = {"plain": 0.5, "projected": 0.5, "spherical": 1.0}


@pytest.mark.parametrize("update", RATE)
def test_the_chain_tends_to_the_limit_and_fresh_batches_do_not(update):
    """4 standard errors and 1/d; the students that fresh batches make are correlated otherwise."""
    settings = {"dimension": D, "batch_size": 2 * D, "learning_rate": RATE[update], "steps": STEPS, "threshold": None}
    settings |= {"replicas": REPLICAS, "initial": ("overlap", 0.1), "records": 0, "seed": 3}
    start = {"overlap": np.full((2, 2), 0.1), "gram": 0.02 + 0.98 * np.eye(2)}
    protocol = P(update=update, passes=STEPS)
    limit = mean_field(TWO, protocol, batch_ratio=2.0, learning_rate=RATE[update], steps=STEPS, **start)
    distances = {}
    for own in (protocol, P(update=update)):
        runs = onepass.simulate(TWO, own, **settings).isel(step=-1)
        for name, expected in zip(("overlap", "student_gram"), limit, strict=True):
            far = abs(runs[name].mean("replica") - expected[-1])
            distances[own, name] = float((far - 4 * runs[name].std("replica") / sqrt(REPLICAS)).max())
    assert distances[protocol, "overlap"] < 1 / D
    assert distances[protocol, "student_gram"] < 1 / D
    assert distances[P(update=update), "student_gram"] > 0.1


def test_one_step_is_that_of_a_fresh_batch():
    """In the limit the first step knows nothing of the batch: the mean process of a step, to the error of the means."""
    model = onepass.Model("x1 + He3(x2)", "He3")
    start = {"overlap": np.array([[0.2, -0.1]]), "gram": np.eye(1)}
    found = mean_field(model, P(update="plain"), batch_ratio=3.0, learning_rate=0.02, steps=1, **start)
    limit = onepass.solve_dynamics(
        model, P(update="plain"), equation="limit", dimension=10**6, steps=1, mu=1.0, delta=0.0, batch_prefactor=3.0,
        learning_rate_prefactor=0.02, initial=("overlaps", start["overlap"], start["gram"]),
    )  # fmt: skip
    np.testing.assert_allclose(found[0][1], limit.overlap[-1], atol=0.005)
    np.testing.assert_allclose(found[1][1], limit.student_gram[-1], rtol=0.05)


def test_protocols_that_do_more_are_refused():
    start = {"batch_ratio": 1.0, "learning_rate": 0.1, "steps": 1, "overlap": np.zeros((2, 2)), "gram": np.eye(2)}
    with pytest.raises(ValueError, match=r"does not know protocol 'projected_square_heavyball0\.5'; allowed: any loss"):
        mean_field(TWO, P(momentum="heavy_ball", beta=0.5), **start)
