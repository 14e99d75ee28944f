"""Leaps: compiled against array form, their counts and ends, what they refuse."""

import numpy as np
import onepass
import pytest
from helpers.runs import parameters, starts
from onepass.gaussian.quadrature import product_rule
from onepass.gaussian.risk import risk_series
from onepass.simulation.chain import leap, limits
from onepass.simulation.chain.batch_law import NO_LAW, BatchError
from onepass.simulation.chain.build import model_kernel
from onepass.simulation.simulate import SimulationError
from onepass.simulation.streams import replica_streams

HE3 = onepass.Model("He3(x1)", "He3")
PAIR = onepass.Model("He2(x1) + x2", "He2", students=2, second_layer=(1.0, -0.5), noise=0.4)
FACTOR = np.array([[0.3, 0.1, np.sqrt(0.9), 0.0], [0.2, -0.4, 0.5, np.sqrt(0.55)]])


@pytest.mark.parametrize("protocol", ["projected_square", "spherical_square", "projected_correlation"])
@pytest.mark.parametrize("batch_size", [100, 10**7])
def test_a_compiled_leap_equals_the_array_form(protocol, batch_size):
    """The same draws in the same order, few samples at a node and many: equal up to the rounding of sums."""
    count, series, layer = 20, risk_series(PAIR), PAIR.output_weights
    points, weights = product_rule(5, 4)
    law = NO_LAW._replace(points=points, weights=weights)
    own = parameters(PAIR, protocol, dimension=500, batch_size=batch_size, learning_rate=1e-3)
    code = model_kernel(PAIR, "samples", "nodes")
    memory, factor, rng = code.memory(law), FACTOR.copy(), np.random.default_rng(3)
    rate = own.learning_rate
    _, seen = code.look(factor, layer, own, own.loss, rate, law, series, np.inf, memory)
    rates = rate * count, rate**2 * count
    code.leap(rng, factor, layer, own, own.loss, rates, float(count), law, series, seen, memory)
    expected = leap.leap(PAIR, own, FACTOR, count, law, np.random.default_rng(3))
    assert abs(expected - FACTOR).max() > 1e-3
    np.testing.assert_allclose(factor, expected, rtol=1e-9, atol=1e-11)


def run(dimension, *, model=HE3, protocol="projected_square", steps=None, rate=0.002, **changes):
    """Runs of single samples from 1/√d."""
    usual = {"batch_size": 1, "learning_rate": rate * float(dimension) ** -1.5, "replicas": 20, "engine": "leap"}
    usual |= {"steps": steps or 10**4 * dimension**2, "initial": ("overlap", dimension**-0.5), "records": 0, "seed": 3}
    return onepass.simulate(model, onepass.Protocol.named(protocol), dimension=dimension, **usual | changes)


def test_the_number_of_leaps_grows_as_the_logarithm_of_the_dimension():
    """And times are counted far beyond 2**53, by floats: at d = 2⁵⁰ as at 2²⁰, in units of d²."""
    leaps, times = [], []
    for exponent in (20, 40, 60):
        runs = run(2**exponent, steps=10**3 * 4**exponent)
        assert runs.recovered.all()
        assert runs.recovery_step.dtype == (np.float64 if exponent > 20 else np.int64)
        np.testing.assert_allclose(np.linalg.norm(runs.overlap[:, -1, 0, 0]) / np.sqrt(20), 0.5, rtol=1e-9)
        leaps.append(float(runs.leaps.median()))
        times.append(float(runs.recovery_step.median()) / 4.0**exponent)
    assert leaps[2] / leaps[0] < 1.05 * np.log(0.5 * 2.0**30) / np.log(0.5 * 2.0**10)
    np.testing.assert_allclose(times, times[0], rtol=0.05)


def test_single_steps_are_those_of_the_chain():
    """Where a leap would hold too few samples, the very same numbers."""
    shared = {"rate": 0.05, "steps": 300, "records": 20, "threshold": None}
    leaps, chain = run(16, **shared), run(16, engine="chain", **shared)
    assert (leaps.leaps == 300).all()
    assert leaps.step.values.tolist() == chain.step.values.tolist()
    np.testing.assert_array_equal(leaps.overlap, chain.overlap)


def test_runs_keep_to_their_records_and_budgets():
    runs = run(2**20, steps=10**12, records=12, threshold=None)
    assert runs.step[-1] == 10**12
    assert (runs.recovery_step == 10**12).all()
    assert not runs.recovered.any()
    assert runs.sizes["step"] == 13
    assert (np.diff(runs.overlap.values[:, :, 0, 0], axis=1)[:, 3:] != 0).all()


def test_the_tolerance_sets_the_length_of_leaps():
    loose, usual, tight = (run(2**20, tolerance=tolerance) for tolerance in (0.1, 0.01, 1e-3))
    assert usual.attrs["tolerance"] == limits.TOLERANCE
    ratios = float(usual.leaps.median() / loose.leaps.median()), float(tight.leaps.median() / usual.leaps.median())
    np.testing.assert_allclose(ratios, np.sqrt(10), rtol=0.15)


@pytest.mark.parametrize("tolerance", [0.0, 1e-6, 0.2, np.nan, True, "small"])
def test_a_tolerance_out_of_range_is_refused(tolerance):
    with pytest.raises(limits.ToleranceError, match=r"tolerance is .*; allowed: a number from 0\.0001, .* to 0\.1"):
        run(1024, tolerance=tolerance)


def test_a_tolerance_below_the_accuracy_of_the_law_is_refused():
    with pytest.raises(
        limits.ToleranceError, match=r"tolerance is 0\.0001, .* relative error of 5e-05; allowed: 0\.0005"
    ):
        limits.check(1e-4, 5e-5)
    limits.check(1e-4, 1e-6)


def test_a_model_without_a_law_is_refused():
    with pytest.raises(BatchError, match=r"engines 'gaussian' and 'leap' .* allowed: engine 'chain'"):
        run(1024, model=onepass.Model("relu(x1)", "relu"))


def test_single_steps_that_cannot_be_counted_are_refused():
    """A leap to step 2⁵⁴, and four single samples from there."""
    steps = [0, 2**54, 2**54 + 4]
    own = parameters(HE3, dimension=100, batch_size=1, learning_rate=1e-30, steps=steps[-1])
    with pytest.raises(leap.StallError, match=r"replica 0 needs single steps at step 1\.8e\+16.*up to 2\*\*53"):
        leap.run(HE3, own, starts(HE3, 1), replica_streams(1, 1), np.array(steps))


@pytest.mark.parametrize("change", [{"dimension": 2**61}, {"batch_size": 2**61}, {"steps": 2**201}])
def test_sizes_beyond_its_arithmetic_are_refused(change):
    (key,) = change
    with pytest.raises(SimulationError, match=rf"{key} is \d+; allowed: a whole number from \d to 2\*\*(60|200)$"):
        run(**{"dimension": 1024} | change)


def test_other_engines_say_who_takes_more():
    with pytest.raises(SimulationError, match=r"dimension is \d+; .* to 2\*\*53 \(engine 'leap' takes more\)"):
        run(2**54, engine="chain")


def test_a_drift_has_all_its_digits_at_the_smallest_overlap():
    """18 m² of He3 for either loss."""
    _, law, _ = leap.leap_law(HE3)
    np.testing.assert_allclose(law.climb, [0, 0, 18], rtol=1e-12, atol=0)
