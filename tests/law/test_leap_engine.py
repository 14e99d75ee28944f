"""Leaps: many steps at once have the law of single ones, in one leap and up to recovery."""

import numpy as np
import onepass
import pytest
from helpers.laws import assert_other_law, assert_same_law, last_numbers, numbers
from helpers.runs import parameters
from onepass.gaussian.risk import risk_series
from onepass.simulation.chain import leap
from onepass.simulation.chain.batch_law import moments
from onepass.simulation.chain.build import model_kernel
from onepass.theory.recovery_time import drift_coefficient, recovery_time

HE3 = onepass.Model("He3(x1)", "He3")
NOISY = onepass.Model("He3(x1)", "He3", noise=0.4)
PAIR = onepass.Model("He2(x1) + x2", "He2", students=2, second_layer=(1.0, -0.5), noise=0.4)
FACTORS = {
    NOISY: np.array([[0.6, 0.8]]),
    PAIR: np.array([[0.3, 0.1, np.sqrt(0.9), 0.0], [0.2, -0.4, 0.5, np.sqrt(0.55)]]),
}
RATES = {NOISY: 6e-5, PAIR: 1e-3}
COUNT, RUNS = 60, 3000
PROTOCOLS = ["projected_square", "projected_correlation", "spherical_square", "spherical_correlation"]


def leaped(model, protocol, count=COUNT):
    """States after one leap each."""
    form, law, _ = leap.leap_law(model)
    code, series, layer = model_kernel(model, "samples", form), risk_series(model), model.output_weights
    own = parameters(model, protocol, dimension=100, batch_size=400, learning_rate=RATES[model])
    memory, rng, found = code.memory(law), np.random.default_rng(8), []
    rates = own.learning_rate * count, own.learning_rate**2 * count
    for _ in range(RUNS):
        factor = FACTORS[model].copy()
        _, seen = code.look(factor, layer, own, own.loss, own.learning_rate, law, series, np.inf, memory)
        code.leap(rng, factor, layer, own, own.loss, rates, float(count), law, series, seen, memory)
        found.append(factor)
    found = np.array(found)
    return numbers(found[..., : model.teachers], found @ found.swapaxes(1, 2))


def stepped(model, protocol):
    """And after as many single steps of the chain."""
    factor, k = FACTORS[model], model.teachers
    runs = onepass.simulate(
        model, onepass.Protocol.named(protocol), dimension=100, batch_size=400, learning_rate=RATES[model], steps=COUNT,
        replicas=RUNS, threshold=None, initial=("overlaps", factor[:, :k], factor @ factor.T), records=0, seed=9,
    )  # fmt: skip
    return last_numbers(runs)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("model", [NOISY, PAIR], ids=["series", "nodes"])
def test_a_leap_has_the_mean_and_the_covariance_of_its_steps(model, protocol):
    """By 3000 of each: their law, their means, and covariances at 5 standard errors (false alarms below 1e-4)."""
    found, expected = leaped(model, protocol), stepped(model, protocol)
    assert_same_law(found, expected, cases=2 * len(PROTOCOLS))
    samples = [np.stack(list(values.values()), axis=1) for values in (found, expected)]
    if samples[0].shape[1] == 1:
        samples = [np.hstack([own, own**2]) for own in samples]  # m alone: its square's too
    covariances = [np.cov(own.T) for own in samples]
    spread = np.sqrt(np.diag(covariances[1]))
    error = np.outer(spread, spread) * np.sqrt(2 * 2 / RUNS)
    assert (abs(covariances[0] - covariances[1]) < 5 * error).all()
    assert abs(np.mean(found["first overlap"]) - FACTORS[model][0, 0]) > 5 * spread[0] / np.sqrt(RUNS)


def test_a_leap_of_other_length_is_noticed():
    assert_other_law(leaped(NOISY, "projected_square", COUNT // 2), stepped(NOISY, "projected_square"), cases=8)


SIZES = [1, 8, 16, 64, 512]  # at d = 64: single samples, √d, d and d^1.5
CASES = [
    (batch_size, protocol, gamma0)
    for batch_size in SIZES
    for protocol, gamma0 in [("projected_square", 0.006), ("projected_correlation", 0.2)]
]


def times(engine, batch_size, protocol, gamma0, **changes):
    """Of recovery, near the edge of learning from 1/√d: what is censored is later than all else."""
    d = 64
    usual = {"replicas": 400, "seed": 5 if engine == "leap" else 6, "model": HE3, "initial": ("overlap", d**-0.5)}
    usual |= changes
    runs = onepass.simulate(
        usual.pop("model"), onepass.Protocol.named(protocol), dimension=d, batch_size=batch_size, threshold=0.5,
        learning_rate=gamma0 * batch_size * d**-1.5, steps=int(3e4 / (gamma0 * 18 * batch_size)), records=0,
        engine=engine, **usual,
    )  # fmt: skip
    return np.where(runs.recovered, runs.recovery_step, 1e9)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"n{case[0]}-{case[1]}")
def test_recovery_takes_as_long_as_in_single_steps(case):
    """KS tests of all, and medians: within the tolerance beside 4.5 standard errors, by order statistics.

    False alarms of the medians: below 1e-4 in all.
    """
    found, expected = times("leap", *case, replicas=1600), times("chain", *case)
    assert_same_law({"log time": np.log(found)}, {"log time": np.log(expected)}, cases=len(CASES))
    around = 0.5 + 4.5 * 0.5 * np.sqrt(1 / 400 + 1 / 1600) * np.array([-1, 1])
    low, high = np.quantile(expected, around)
    assert low / 1.01 < np.median(found) < high * 1.01


def test_a_rate_that_is_a_fifth_off_is_noticed():
    case = 64, "projected_correlation", 0.01
    slower = times("leap", *case[:2], 0.8 * case[2])
    assert np.median(slower) > 1.1 * np.median(times("leap", *case))


def test_several_students_recover_as_in_single_steps():
    case = 512, "projected_correlation", 0.005
    found, expected = (times(engine, *case, model=PAIR, replicas=200) for engine in ("leap", "chain"))
    assert np.median(expected) < 1e9
    assert_same_law({"log time": np.log(found)}, {"log time": np.log(expected)})


def test_an_adaptive_schedule_changes_as_in_single_steps():
    """The mean overlap at the end within the tolerance; the rate decays fast, so it is that of the change."""
    usual = {"dimension": 200, "batch_size": 400, "learning_rate": 2e-4, "steps": 3000, "replicas": 200, "records": 0}
    usual |= {"initial": ("overlap", 0.3), "threshold": None}
    protocol = onepass.Protocol("correlation", schedule="adaptive")
    leaps, chain = (onepass.simulate(HE3, protocol, engine=e, seed=len(e), **usual) for e in ("leap", "chain"))
    found, expected = (float(runs.overlap[:, -1].mean()) for runs in (leaps, chain))
    assert found == pytest.approx(expected, rel=0.01)
    constant = onepass.simulate(HE3, onepass.Protocol("correlation"), engine="leap", seed=1, **usual)
    assert float(constant.overlap[:, -1].mean()) > 1.05 * expected
    assert float(leaps.leaps.median()) < 2000


def closed_form(protocol, dimension, rate):
    """As `recovery_time`, whose growth a step is a difference that has no digits left at the largest dimensions."""
    model, own = onepass.Model("He2(x1)", "He2"), onepass.Protocol.named(protocol)
    means = moments(model, own.loss, 0.0, 20)
    growth = rate * drift_coefficient(model) - 0.5 * rate**2 * dimension * means[2]
    spread = means[3] * rate**2 / (2 * growth)
    start, end = (m**2 / (1 - m**2) + spread for m in (dimension**-0.5, 0.5))
    return np.log(end / start) / (2 * growth)


@pytest.mark.parametrize("exponent", [10, 30, 50])
@pytest.mark.parametrize("protocol", ["projected_square", "spherical_correlation"])
def test_at_information_exponent_two_the_time_is_that_of_the_closed_form(protocol, exponent):
    """At d up to 2⁵⁰, the median of 100 runs of little noise within 1 %."""
    model, d = onepass.Model("He2(x1)", "He2"), 2**exponent
    own = {"dimension": d, "batch_size": 1, "learning_rate": 2e-5 / d, "threshold": 0.5}
    expected = closed_form(protocol, d, own["learning_rate"])
    if exponent == 10:
        known = recovery_time(model, onepass.Protocol.named(protocol), start=d**-0.5, **own)
        assert known == pytest.approx(expected, rel=2e-3)
    runs = onepass.simulate(
        model, onepass.Protocol.named(protocol), steps=int(2 * expected), replicas=100, engine="leap",
        initial=("overlap", d**-0.5), records=0, seed=5, **own,
    )  # fmt: skip
    assert runs.recovered.all()
    assert float(runs.recovery_step.median()) == pytest.approx(expected, rel=0.01)
