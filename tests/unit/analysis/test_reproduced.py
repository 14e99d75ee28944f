"""Exponents computed again: equal, within their intervals, or neither."""

import numpy as np
import xarray as xr
from onepass.analysis.reproduced import compared


def fits(theta):
    names = {"theta": theta, "theta_low": [0.9, 1.4, np.nan], "theta_high": [1.1, 1.6, np.nan]}
    values = {name: (("protocol", "mu"), [value]) for name, value in names.items()}
    coordinates = {"protocol": ["projected_square"], "mu": [0.0, 0.5, 1.0]}
    return xr.Dataset(values, coordinates, {"experiment": "he3"})


def test_exponents_are_equal_or_within_or_have_drifted():
    kept = fits([1.0, 1.5, np.nan])
    assert [len(found) for found in compared([kept], [kept]).values()] == [3, 0, 0]
    found = compared([kept], [fits([1.05, 1.7, np.nan])])
    assert {verdict: len(lines) for verdict, lines in found.items()} == {"equal": 1, "within": 1, "drift": 1}
    assert found["drift"] == ["he3, projected_square, mu = 0.5: 1.7000, kept 1.5000 (1.4000 to 1.6000)"]
    assert len(compared([kept], [fits([np.nan, 1.5, 1.0])])["drift"]) == 2, "an exponent in one of both alone"
    assert len(compared([kept], [kept.isel(mu=[0, 1])])["equal"]) == 3, "no exponent, and none"
    assert len(compared([kept], [kept.isel(mu=[1, 2])])["drift"]) == 1
