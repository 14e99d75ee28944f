"""Engines compared: equal laws, different laws, distances."""

import numpy as np
import pytest
from helpers.experiments import exactness
from helpers.laws import assert_same_law
from onepass.analysis.exactness import ExactnessError, compare
from scipy.stats import uniform


def test_compare_equal_laws():
    """p-values of equal laws are uniform."""
    found = compare(exactness())
    assert found.p_value.dims == ("observable", "protocol", "students", "batch_size", "dimension")
    assert found.p_value.sel(observable=["overlap_norm", "gram_sum"], students=1).isnull().all()
    values = found.p_value.values[np.isfinite(found.p_value.values)]
    assert values.size == 3 * 2 * 2 * (3 + 1)
    assert_same_law({"p-values": values}, {"p-values": uniform.cdf})


def test_compare_different_laws():
    assert compare(exactness(shift=1.5)).p_value.max() < 1e-3


def test_compare_wants_both_engines():
    with pytest.raises(ExactnessError, match="sgd"):
        compare(exactness().sel(engine=["chain"]))
