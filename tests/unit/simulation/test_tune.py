"""The search of the best learning rate: what it tries, what it finds, and what it says where it finds nothing."""

import re

import numpy as np
import onepass
import pytest
from onepass.choices import ProtocolError
from onepass.simulation import trials
from onepass.simulation import tune as search
from onepass.simulation.chain.limits import ToleranceError
from onepass.simulation.optimum import near

HE3 = onepass.Model("He3(x1)", "He3")
D = 2**20


def tuned(model=HE3, protocol="projected_square", **changes):
    about = {"dimension": D, "batch_size": D, "first_rate": D**-2.5, "first_steps": int(D**4), "replicas": 16}
    return onepass.tune(
        model, onepass.Protocol.named(protocol), **{**about, "initial": ("overlap", D**-0.5), **changes}
    )


def medians(found):
    return np.median(np.where(found.recovered, found.recovery_step, np.inf), axis=1)


def test_rates_enclose_the_best_one():
    found = tuned()
    rate, median = found.learning_rate.values, medians(found)
    fine = found.tolerance.values == 0.01
    assert (np.diff(rate) > 0).all()
    assert rate[0] == D**-2.5
    best = rate[fine][median[fine].argmin()]
    assert rate[0] * 100 < best < rate[-1]
    assert fine.sum() >= search.ENOUGH
    # Far below the best rate runs are without noise, so that T ∝ 1/γ; above it they fail.
    assert median[0] * rate[0] == pytest.approx(median[1] * rate[1], rel=0.02)
    assert median[-1] > 1.4 * median[fine].min()
    assert found.attrs["outcome"].startswith("best rate")


def test_a_search_repeats_itself_and_shares_its_luck_between_rates():
    first, second, other = tuned(), tuned(), tuned(seed=1)
    assert first.identical(second)
    assert not first.identical(other)
    few = tuned(replicas=8)  # replicas of a shorter search are those of a longer one where the rates are the same
    assert few.recovery_step.values[0] == pytest.approx(first.recovery_step.values[0, :8], rel=1e-12)


def test_the_best_rate_is_measured_again_by_other_replicas():
    found = tuned()
    rate = float(found.best_rate)
    fine = found.tolerance.values == 0.01
    assert found.learning_rate.values[fine].min() <= rate <= found.learning_rate.values[fine].max()
    again = np.median(np.where(found.best_recovered, found.best_step, np.inf))
    assert 0.4 < again / medians(found)[fine].min() < 2.5
    assert not np.isin(found.best_step, found.recovery_step).any()


@pytest.mark.parametrize(
    ("medians", "best"),
    [
        ({1.0: 16, 16.0: 1, 256.0: 1, 512.0: 1}, 16.0),  # a plateau
        ({1.0: 1000, 16.0: 62.5, 256.0: np.inf, 32.0: 30, 64.0: 18, 128.0: 40}, 64.0),
        ({1.0: np.inf, 16.0: 5, 256.0: np.inf, 32.0: 7, 64.0: 6}, 16.0),
    ],
)
def test_a_scan_ends_beyond_the_best_rate(medians, best):
    """Of planted medians: it tries no rate that is not planted, and names the best."""
    tried, budgets = {}, []

    def run(rate, expected=np.inf):
        budgets.append(expected)
        tried[rate] = search._Runs(float(medians[rate]), None, None, 1, 0.1)
        return tried[rate].median

    assert search._scan(run, tried, 1.0, 16.0).startswith(f"best rate {best:g} of a scan from 1 to ")
    assert max(tried) >= 2 * best


def test_budgets_are_those_of_the_first_rate_or_of_the_best_so_far(monkeypatch):
    """In the order in which rates were tried: no more than twice the best median before."""
    asked, run = [], trials.leap.run

    def recorded(model, parameters, *given):
        found = run(model, parameters, *given)
        asked.append((parameters.learning_rate, parameters.steps, np.median(np.where(found[3], found[2], np.inf))))
        return found

    monkeypatch.setattr(trials.leap, "run", recorded)
    found, latest, best = tuned(), {}, np.inf
    for rate, budget, median in asked[:-1]:
        assert budget <= max(1, 2 * best)
        assert budget * rate <= asked[0][1] * asked[0][0] * (1 + 1e-12)
        latest[rate] = median
        best = min(latest.values())
    assert asked[-1][0] == found.best_rate
    assert asked[-1][1] >= 9 * best


def test_a_rate_at_which_a_run_overflows_or_stalls_has_failed(monkeypatch):
    run = trials.leap.run

    def fails(model, parameters, *given):
        if parameters.learning_rate > 1e-6:
            raise FloatingPointError("overflow") if parameters.learning_rate > 1e-5 else trials.leap.StallError("steps")
        return run(model, parameters, *given)

    monkeypatch.setattr(trials.leap, "run", fails)
    found = tuned()
    assert not found.recovered.sel(rate=found.learning_rate > 1e-6).any()
    assert 1e-7 < found.best_rate <= 1e-6


def test_no_recovery_at_any_rate_is_said_with_what_was_tried(caplog):
    found = tuned(onepass.Model("He3(x1)", "He2"))  # no order in common: nothing to learn from
    assert not found.recovered.any()
    assert not found.best_recovered.any()
    assert found.best_rate == 0
    assert found.sizes["rate"] == search.FRUITLESS
    assert found.attrs["outcome"].startswith(f"no recovery at any of {search.FRUITLESS} rates from 8.88e-16 to ")
    assert "projected_square at d = 1048576, n_b = 1048576: no recovery at any" in caplog.text


def test_a_scan_that_begins_in_the_noise_says_so():
    found = tuned(first_rate=1e-5, first_steps=10**8)
    assert found.attrs["outcome"].startswith("noise is felt at the first rate, 1e-05: a smaller one belongs there")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first_rate": 0.0}, "first_rate is 0.0; allowed: a finite number above 0"),
        ({"first_steps": 0}, "first_steps is 0; allowed: a whole number from 1"),
        ({"batch_size": 0}, "batch_size is 0; allowed"),
        ({"replicas": 0}, "replicas is 0; allowed"),
        ({"tolerance": 0.5}, "tolerance is 0.5; allowed"),
        ({"threshold": None}, "threshold is None; allowed: a number above 0"),
        ({"initial": ("overlap", 0.6)}, "initial is ('overlap', 0.6), where overlaps are above the threshold 0.5"),
    ],
)
def test_refuses(change, words):
    with pytest.raises((ValueError, ToleranceError), match=re.escape(words)):
        tuned(**change)


def test_rates_near_the_best_median():
    assert near(np.array([9.0, 1.4, 1.0, 1.5, 1.6, 1.2])) == (1, 3)
    assert near(np.array([1.0, np.inf])) == (0, 0)


def test_the_square_loss_is_fastest_next_to_the_rate_at_which_it_forgets_its_student():
    """μ = 2 above ℓ/2 = 3/2: the best rate lies within 3 % of γ_c = 1/18, which nothing in the search knows."""
    found = tuned(batch_size=D**2)
    best = float(found.learning_rate[medians(found).argmin()])
    assert 0.97 / 18 < best < 1 / 18


def test_step_by_step_a_search_finds_what_it_finds_in_leaps():
    """At batches so large that leaps are single steps."""
    d = 256
    about = {"dimension": d, "batch_size": d, "first_rate": d**-1.5, "first_steps": d**2, "replicas": 16}
    leaps, steps = (
        onepass.tune(
            HE3, onepass.Protocol.named("spherical_correlation"), **about, initial=("overlap", d**-0.5), engine=engine
        )
        for engine in ("leap", "chain")
    )
    assert 0.5 < float(steps.best_rate) / float(leaps.best_rate) < 2
    assert 0.7 < steps.best_step.median() / leaps.best_step.median() < 1.4
    assert steps.attrs["engine"] == "chain"
    assert (steps.tolerance == 0).all()


def test_algorithms_that_leaps_do_not_know_are_searched_step_by_step():
    d = 64
    about = {"dimension": d, "batch_size": 4 * d, "first_rate": 0.05, "first_steps": 400, "replicas": 8}
    about["initial"] = ("overlap", 1.5 * d**-0.5)
    momentum = onepass.Protocol.named("spherical_correlation_heavyball0.5")
    found = onepass.tune(HE3, momentum, **about, engine="chain")
    assert found.learning_rate[0] < found.best_rate
    assert found.best_recovered.mean() > 0.5
    with pytest.raises(ProtocolError, match=r"does not know protocol 'spherical_correlation_heavyball0\.5'"):
        onepass.tune(HE3, momentum, **about)
    with pytest.raises(ProtocolError, match="engine 'sgd' does not search rates; allowed: leap, chain"):
        onepass.tune(HE3, momentum, **about, engine="sgd")
