"""Risk of linear students of a power law: its exact mean against runs, powers of t, and where noise of steps leads."""

import numpy as np
import onepass
import pytest
from helpers.laws import ALARM
from onepass.inputs.described import inputs_of
from onepass.protocol import Protocol
from onepass.theory.power_law import PowerLawError, mean_risk, risk_exponent
from scipy.stats import norm


def slope(covariance, rate, batch_size, first, last, initial=0.0):
    steps = np.geomspace(first, last, 30)
    risk = mean_risk(covariance, rate, batch_size, steps, initial)
    return -np.polyfit(np.log(steps), np.log(risk), 1)[0]


@pytest.mark.parametrize(("batch_size", "initial"), [(1, 0.3), (4, 0.0)])
def test_the_mean_is_that_of_runs(batch_size, initial):
    inputs = "spectrum1.5x6t0.5_first"
    own = {"dimension": 40, "batch_size": batch_size, "learning_rate": 0.2, "steps": 60, "replicas": 1000, "seed": 5}
    model = onepass.Model("x1", "x", inputs=inputs)
    runs = onepass.simulate(
        model, Protocol(update="plain"), initial=("overlap", initial), threshold=None, records=8, **own
    )
    expected = mean_risk(inputs_of(inputs).at(40, 1), 0.2, batch_size, runs.step.values, initial)
    risk = runs.risk.transpose("replica", "step").values
    errors = risk.std(axis=0) / np.sqrt(len(risk))
    assert expected[-1] < 0.2 * expected[0]
    assert (abs(risk.mean(axis=0) - expected) / errors).max() < norm.isf(ALARM / 2 / 2 / len(expected))


@pytest.mark.parametrize(("power", "teacher"), [(1.5, 0.0), (1.5, 0.5), (1.5, 1.0), (2.0, 0.5), (1.25, 0.25)])
def test_the_risk_falls_by_the_power_of_the_theory(power, teacher):
    name = f"spectrum{power:g}x1000" + f"t{teacher:g}" * bool(teacher) + "_first"
    found = slope(inputs_of(name).at(10**14, 1), 0.1, 64, 1e4, 1e6)
    assert found == pytest.approx(risk_exponent(power, teacher), abs=0.004)


def test_noise_of_steps_leads_where_the_teacher_is_far_in_front():
    """Of a teacher that falls faster than the variances the risk is what noise leaves, ∝ t^−(2 − 1/a)."""
    covariance = inputs_of("spectrum1.5x400t4_first").at(10**14, 1)
    assert slope(covariance, 0.2, 1, 1e5, 1e7) == pytest.approx(2 - 1 / 1.5, abs=0.02)
    with pytest.raises(PowerLawError, match=r"teacher is 4; allowed: from 0 to below the power 1\.5"):
        risk_exponent(1.5, 4)


def test_a_power_needs_a_trace():
    with pytest.raises(PowerLawError, match="power is 1; allowed: above 1"):
        risk_exponent(1, 0)


def test_blocks_are_fine_enough_where_the_first_is_one_direction():
    steps = np.unique(np.geomspace(1, 30_000, 40).astype(int))
    each = {}
    for blocks in (24, 32, 48, 1000):
        covariance = inputs_of(f"spectrum1.5x{blocks}t1_first").at(100_000, 1)
        each[blocks] = covariance.dimensions[0], mean_risk(covariance, 0.2, 16, steps)
    error = {blocks: abs(risk / each[1000][1] - 1).max() for blocks, (_, risk) in each.items()}
    assert each[24][0] == 2
    assert error[24] > 0.2
    assert each[32][0] == each[48][0] == 1
    assert error[48] < error[32] < 0.005
