"""Recovery times of runs against first principles."""

import numpy as np
import onepass
import pytest
from onepass.theory.recovery_time import recovery_time


@pytest.mark.parametrize("protocol", ["projected_square", "projected_correlation", "spherical_square"])
@pytest.mark.parametrize(("target", "activation", "gamma0"), [("x1**2", "square", 0.004), ("He3(x1)", "He3", 4e-4)])
def test_recovery_takes_the_time_of_first_principles(target, activation, gamma0, protocol):
    """The median of 48 runs within 10 %: the noise left out moves a median by √(6 γ0) at most, 5 % for He3."""
    model, d, threshold = onepass.Model(target, activation), 1024, 0.5
    own = onepass.Protocol.named(protocol)
    delta = 0.5 if activation == "He3" else 0.0
    own_settings = {"dimension": d, "batch_size": d, "learning_rate": gamma0 * d**-delta, "threshold": threshold}
    expected = recovery_time(model, own, start=d**-0.5, **own_settings)
    runs = onepass.simulate(
        model, own, steps=int(3 * expected), replicas=48, engine="gaussian", initial=("overlap", d**-0.5), records=0,
        seed=5, **own_settings,
    )  # fmt: skip
    assert runs.recovered.all()
    assert float(runs.recovery_step.median()) == pytest.approx(expected, rel=0.1)


def test_a_student_of_the_wrong_sign_never_recovers():
    model = onepass.Model("He2(x1)", "He2", second_layer=(-1.0,))
    settings = {"dimension": 100, "batch_size": 100, "learning_rate": 0.01, "start": 0.1, "threshold": 0.5}
    assert recovery_time(model, onepass.Protocol(loss="correlation"), **settings) == np.inf
