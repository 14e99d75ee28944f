"""Exit times of phase retrieval against runs of the chain, and their rates against exact means."""

from math import inf

import numpy as np
import onepass
import pytest
from onepass import Model, Protocol
from onepass.theory.dynamics import solve_dynamics
from onepass.theory.exit_time import ExitTimeError, exit_rates, exit_time


def phase(p, noise=0.0):
    return Model("x1**2", "square", students=p, noise=noise)


@pytest.mark.parametrize("update", ["projected", "spherical", "plain"])
@pytest.mark.parametrize("p", [1, 3])
def test_rates_are_those_of_the_equations(update, p):
    """Of a cosine near 0 in the limit, at the norm that stays; to the accuracy of small overlaps."""
    model, protocol, small = phase(p, noise=0.2), Protocol(update=update), 1e-5
    place = {"dimension": 10**4, "batch_size": 100, "learning_rate": 0.0003 * p}
    rates = exit_rates(model, protocol, **place)
    start = ("overlaps", np.full((p, 1), small), rates.norm * np.eye(p))
    step = solve_dynamics(model, protocol, steps=1, initial=start, **place)
    cosines = step.overlap[..., 0] / np.sqrt(np.diagonal(step.student_gram, axis1=1, axis2=2))
    growth = np.log(cosines[1] / cosines[0]).mean()
    assert float(growth) == pytest.approx(rates.growth, rel=2e-3)
    if update == "plain":
        assert float(step.student_gram[-1, 0, 0]) == pytest.approx(rates.norm, rel=1e-5)


@pytest.mark.parametrize(("update", "replicas"), [("projected", 400), ("plain", 100)])
def test_quartiles_are_those_of_runs(update, replicas):
    """One student: the share that has left at the predicted quartiles, 4 standard errors and 5 % of the time."""
    place = {"dimension": 400, "batch_size": 1, "learning_rate": 0.1 / 400, "threshold": 0.5}
    runs = onepass.simulate(
        phase(1), Protocol(update=update), steps=30_000, replicas=replicas, seed=3, records=2, **place
    )
    steps = np.where(runs.recovered, runs.recovery_step, inf)
    for quantile in (0.25, 0.5, 0.75):
        time = exit_time(phase(1), Protocol(update=update), quantile=quantile, **place)
        slack = 4 * np.sqrt(quantile * (1 - quantile) / replicas)
        assert (steps <= 0.95 * time).mean() < quantile + slack
        assert (steps <= 1.05 * time).mean() > quantile - slack


def test_width_gains_a_constant_on_the_sphere_and_time_is_a_logarithm():
    """At its best rate ``γ = p n_b/(d v)`` the growth is ``2 n_b/(d v)``, v = 12 of one student and 2 of very many."""
    for p, v in ((1, 12), (2, 5), (10**4, 2.0002)):
        rates = exit_rates(phase(p), Protocol(), dimension=10**6, batch_size=1, learning_rate=p / (10**6 * v))
        assert rates.growth == pytest.approx(2 / (10**6 * v), rel=1e-6)
    times = [
        exit_time(phase(1), Protocol(), dimension=d, batch_size=d, learning_rate=1e-3, threshold=0.1)
        for d in (10**4, 10**6, 10**8)
    ]
    assert times[2] - times[1] == pytest.approx(times[1] - times[0], rel=1e-3)
    assert times[1] - times[0] == pytest.approx(np.log(100) / 2 / (4e-3 - 24e-6), rel=1e-3)


def test_large_rates_never_leave():
    place = {"dimension": 100, "batch_size": 1, "threshold": 0.5}
    for update, rate in (("projected", 4 / 24), ("plain", 0.4)):
        model, protocol = phase(1), Protocol(update=update)
        assert exit_time(model, protocol, learning_rate=1.01 * rate / 100, **place) == inf
        assert exit_time(model, protocol, learning_rate=0.2 * rate / 100, **place) < inf


@pytest.mark.parametrize(
    ("model", "protocol", "changes", "message"),
    [
        (Model("He3(x1)", "He3"), Protocol(), {}, "target 'He3.x1.'.*; allowed: target 'x1..2' with 'square'"),
        (Model("x1**2", "square", second_layer=(2.0,)), Protocol(), {}, "second layer"),
        (phase(1), Protocol("correlation"), {}, "protocol 'projected_correlation'; allowed: projected_square"),
        (phase(1), Protocol(), {"threshold": 1.0}, "threshold is 1.0; allowed"),
        (phase(1), Protocol(), {"quantile": 1}, "quantile is 1; allowed"),
    ],
)
def test_what_is_refused(model, protocol, changes, message):
    place = {"dimension": 100, "batch_size": 1, "learning_rate": 1e-3, "threshold": 0.5} | changes
    with pytest.raises(ExitTimeError, match=message):
        exit_time(model, protocol, **place)
