"""Kinks, first-principles times, and the table that says which exponents meet the theory."""

import numpy as np
import onepass
import pandas as pd
import pytest
from helpers.experiments import recovery
from onepass.analysis import summary
from onepass.analysis.fits import fit_experiment
from onepass.analysis.kinks import fit_kink
from onepass.theory import exponents
from onepass.theory.recovery_time import recovery_time

MU = np.arange(0, 2.6, 0.25)
CHECK = {"tolerances": [0.05, 0.05, 0.03], "covering": 0.95, "kink": 0.1}


def test_a_planted_kink_lies_in_its_interval():
    """Twenty planted kinks: the 95 % interval misses five or more with probability below 3e-3."""
    missed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        kink = rng.uniform(0.8, 2.0)
        theta = 0.5 - np.minimum(MU - kink, 0) + rng.normal(0, 0.01, MU.size)
        found = fit_kink(MU, theta, theta - 0.0196, theta + 0.0196, resamples=200, rng=rng)
        missed += not found.mu_low <= kink <= found.mu_high
        assert abs(found.mu - kink) < 0.1
        assert found.left == pytest.approx(-1, abs=0.1)
        assert found.right == pytest.approx(0, abs=0.1)
    assert missed < 5


def test_five_points_have_no_kink():
    values = np.zeros(5)
    assert np.isnan(fit_kink(MU[:5], values, values - 1, values + 1, rng=np.random.default_rng(0)).mu)


@pytest.mark.parametrize("protocol", ["projected_square", "projected_correlation", "spherical_square"])
@pytest.mark.parametrize(("target", "activation", "gamma0"), [("x1**2", "square", 0.004), ("He3(x1)", "He3", 4e-4)])
def test_recovery_takes_the_time_of_first_principles(target, activation, gamma0, protocol):
    """The median of 48 runs within 10 %: the noise left out moves a median by √(6 γ0) at most, 5 % for He3."""
    model, d, threshold = onepass.Model(target, activation), 1024, 0.5
    own = onepass.Protocol.named(protocol)
    delta = 0.5 if activation == "He3" else 0.0
    own_settings = {"dimension": d, "batch_size": d, "learning_rate": gamma0 * d**-delta, "threshold": threshold}
    expected = recovery_time(model, own, start=1.0, **own_settings)
    runs = onepass.simulate(
        model, own, steps=int(3 * expected), replicas=48, engine="gaussian", initial=("overlap", d**-0.5), records=0,
        seed=5, **own_settings,
    )  # fmt: skip
    assert runs.recovered.all()
    assert float(runs.recovery_step.median()) == pytest.approx(expected, rel=0.1)


def test_a_student_of_the_wrong_sign_never_recovers():
    model = onepass.Model("He2(x1)", "He2", second_layer=(-1.0,))
    settings = {"dimension": 100, "batch_size": 100, "learning_rate": 0.01, "start": 1.0, "threshold": 0.5}
    assert recovery_time(model, onepass.Protocol(loss="correlation"), **settings) == np.inf


@pytest.fixture(scope="module")
def table():
    data = recovery("projected_correlation", 1.5)
    data.attrs |= {"experiment": "mine", "target": "He3(x1)", "replicas": 48}
    fits = fit_experiment(data)
    return summary.table([fits], [1.0], 0.0)


def test_the_table_says_what_was_measured(table):
    (row,) = table.itertuples()
    assert row.theta_theory == exponents.recovery_exponent("projected_correlation", 3, 1.5) == 0.5
    assert row.theta_low < row.theta < row.theta_high
    assert row.replicas == 4 * 48
    assert row.largest_dimension == 256
    assert row.verdict == "agrees"
    assert list(table.columns) == list(summary.COLUMNS)


def test_shortfalls_are_told(table):
    kinks = pd.DataFrame([("He3(x1)", 3, "projected_square", 1.5, 1.8, 1.7, 1.9, 0.5, -1.0, 0.0)])
    kinks.columns = summary.KINK_COLUMNS
    assert summary.shortfalls(table, kinks.iloc[:0], **CHECK | {"tolerances": [1.0]}) == []
    wrong = table.assign(theta=1.0, theta_low=0.99, theta_high=1.01, covered=False, verdict="disagrees")
    text, found = summary.report(wrong, kinks, **CHECK)
    assert len(found) == 3
    assert "theta 1.000, theory 0.500, allowed ±0.03 (disagrees)" in text
    assert "0.0% of the intervals hold the theory" in text
    assert "kink at mu = 1.80, theory 1.5" in text
    missing = table.assign(theta=np.nan, verdict="too few")
    assert any("no exponent (too few)" in line for line in summary.shortfalls(missing, kinks.iloc[:0], **CHECK))


def test_verdicts_tell_noise_from_finite_size_from_disagreement():
    import xarray as xr

    def verdict(theta, half_width, limit, resolution=0.0):
        values = {"theta": theta, "theta_low": theta - half_width, "theta_high": theta + half_width}
        values |= {"theta_limit_low": limit - 0.05, "theta_limit_high": limit + 0.05, "theta_theory": 0.5}
        return summary._verdict(xr.Dataset(values), 0.03, resolution)

    assert verdict(0.51, 0.02, 0.5) == "agrees"
    assert verdict(0.52, 0.01, 0.5) == "interval misses"
    assert verdict(0.504, 0.001, 0.5, resolution=0.005) == "agrees"
    assert verdict(0.6, 0.2, 0.6) == "noise"
    assert verdict(0.6, 0.05, 0.5) == "finite size"
    assert verdict(0.6, 0.05, 0.6) == "disagrees"
