"""The table that says which exponents meet the theory."""

import numpy as np
import pandas as pd
import pytest
from helpers.experiments import recovery
from onepass.analysis import summary
from onepass.analysis.fits import fit_experiment
from onepass.theory import exponents

CHECK = {"tolerances": [0.05, 0.05, 0.03], "covering": 0.95, "kink": 0.1}


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
    assert row.theta < row.theta_plain, "at small d a climb begins nearer to its end"
    assert row.theta_plain_low < row.theta_plain < row.theta_plain_high
    assert row.replicas == 4 * 48
    assert row.largest_dimension == 256
    assert row.verdict == "agrees"
    assert list(table.columns) == list(summary.COLUMNS)


def test_shortfalls_are_told(table):
    kinks = pd.DataFrame([("He3(x1)", 3, "projected_square", 1.5, 1.8, 1.7, 1.9, 0.5, -1.0, 0.0)])
    kinks.columns = summary.KINK_COLUMNS
    assert summary.shortfalls(table, kinks.iloc[:0], **CHECK | {"tolerances": [1.0]}) == []
    assert "Kinks" not in summary.report(table, kinks.iloc[:0], **CHECK)[0], "nothing is said of none"
    wrong = table.assign(theta=1.0, theta_low=0.99, theta_high=1.01, covered=False, verdict="disagrees")
    text, found = summary.report(wrong, kinks, **CHECK)
    assert len(found) == 3
    assert "theta 1.000, theory 0.500, allowed ±0.03 (disagrees)" in text
    assert "0.0% of the intervals hold the theory" in text
    assert "kink at mu = 1.80, theory 1.5" in text
    assert f"{float(table.theta_plain[0]):.3f}" in text, "beside it what is fitted with nothing divided out"
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
