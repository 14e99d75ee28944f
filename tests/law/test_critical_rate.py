"""Close to the rate at which the projected square loss forgets its student: engines agree, and times are short.

γ_c = 1/(ℓ ℓ!): a step multiplies the student by 1 − γ/γ_c before it adds what it learns. At batches above d^(ℓ/2) the
best rate lies there, which is what the figure critical_rate rests on.
"""

from functools import cache

import numpy as np
import onepass
import pytest
from helpers.laws import assert_same_law

CASES = {2: ("He2", 1 / 4, 0.7), 3: ("He3", 1 / 18, 0.85), 4: ("He4", 1 / 96, 0.9)}  # name, γ_c, γ/γ_c
D = {2: 64, 3: 64, 4: 32}
REPLICAS = 150


@cache
def times(order, engine, fraction, seed, steps=400, d=None, **model):
    """Recovery times at n_b = d^(ℓ − 1/2) from an overlap of 1.5/√d, the budget where there is none."""
    name, critical, _ = CASES[order]
    d = d or D[order]
    runs = onepass.simulate(
        onepass.Model(f"{name}(x1)", name, **model), onepass.Protocol.named("projected_square"), dimension=d,
        batch_size=round(d ** (order - 0.5)), learning_rate=fraction * critical, steps=steps, replicas=REPLICAS,
        engine=engine, seed=seed, initial=("overlap", 1.5 * d**-0.5), records=0,
    )  # fmt: skip
    return runs.recovery_step.values.astype(float)


@pytest.mark.parametrize("engine", ["gaussian", "leap"])
@pytest.mark.parametrize("order", CASES)
def test_engines_have_the_times_of_the_chain(order, engine):
    fraction = CASES[order][2]
    found, expected = times(order, engine, fraction, seed=1), times(order, "chain", fraction, seed=2)
    assert_same_law({"time": found}, {"time": expected}, cases=2 * len(CASES))


@pytest.mark.parametrize(("order", "d"), [(2, 64), (3, 32)])
def test_so_has_sgd_in_d_dimensions(order, d):
    fraction = CASES[order][2]
    found, expected = times(order, "sgd", fraction, seed=3, d=d), times(order, "chain", fraction, seed=2, d=d)
    assert_same_law({"time": found}, {"time": expected}, cases=2)


@pytest.mark.parametrize("order", [3, 4])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_rate_next_to_it_is_several_times_faster(order, noise):
    """Than a rate of 0.3 γ_c, as the effective rate γ/(1 − γ/γ_c) is larger; with label noise of variance 1 too."""
    fraction = CASES[order][2]
    near, fixed = (np.median(times(order, "gaussian", f, seed=4, noise=noise)) for f in (fraction, 0.3))
    assert fixed > 4 * near
