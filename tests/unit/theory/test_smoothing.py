"""Exponents of the smoothed landscape."""

import numpy as np
import pytest
from onepass.theory.exponents import ExponentError, recovery_exponent
from onepass.theory.smoothing import smoothed_recovery_exponent, smoothed_sample_exponent


def test_published_exponents_and_what_lies_between_them():
    assert smoothed_recovery_exponent(3) == smoothed_sample_exponent(3) == 1.5
    assert smoothed_recovery_exponent(4) == 2
    for ell in (3, 4, 5):
        assert smoothed_sample_exponent(ell, 0.0) == recovery_exponent("spherical_correlation", ell, 0.0)
        assert smoothed_sample_exponent(ell) == ell / 2
    np.testing.assert_allclose(smoothed_recovery_exponent(4, [0, 1, 2, 3]), [2, 1, 0, 0])


@pytest.mark.parametrize(("arguments", "message"), [((2,), "exponent 2; allowed"), ((3, 0.3), "0.3; allowed")])
def test_what_is_refused(arguments, message):
    with pytest.raises(ExponentError, match=message):
        smoothed_sample_exponent(*arguments)
