"""Dimensions in the place of d: what noise of labels leaves, its powers of d for spikes, and the noise of steps."""

import numpy as np
import pytest
from onepass.inputs.described import inputs_of
from onepass.theory.effective_dimension import labelled_dimension, sample_exponent, spiked_exponent

SPIKE = "spike9a0.5"


@pytest.mark.parametrize("ell", [1, 2, 3, 4])
def test_isotropic_inputs_have_their_own_dimension(ell):
    assert labelled_dimension(inputs_of("isotropic").at(50, 1), ell) == pytest.approx(50)


def test_a_teacher_along_the_spike_has_one_dimension_for_all_exponents():
    covariance = inputs_of("spike9a1").at(50, 1)
    for ell in (2, 3, 4):
        assert labelled_dimension(covariance, ell) == pytest.approx(59 / 10**2)


def test_noise_that_labels_do_not_know_counts_by_its_power():
    covariance = inputs_of(SPIKE).at(50, 1)
    label = 0.25 * 10 + 0.75
    gain, third = (0.25 * 100 + 0.75) / label, (0.25 * 1000 + 0.75) / label
    assert labelled_dimension(covariance, 2) == pytest.approx(59 / gain**2)
    samples = 59**2 * 7 / (gain**2 * (third + 6 * gain**2))
    assert labelled_dimension(covariance, 3) ** 2 == pytest.approx(samples)


@pytest.mark.parametrize("alignment", [1, 0.5])
@pytest.mark.parametrize("power", [0.1, 0.25, 0.4])
@pytest.mark.parametrize("ell", [2, 3, 4])
def test_powers_of_d_for_spikes(ell, power, alignment):
    inputs, d = inputs_of(f"spike1d{power:g}a{alignment:g}"), (2**180, 2**200)
    found = [inputs.at(one, 1) for one in d]
    dimensions = [labelled_dimension(one, ell) for one in found], [one.effective_dimension for one in found]
    for noisy, (low, high) in zip((True, False), dimensions, strict=True):
        slope = sample_exponent(ell) * np.log(high / low) / np.log(2**20)
        assert slope == pytest.approx(spiked_exponent(ell, power, noisy), abs=1e-3)


def test_no_power_is_left_of_a_strong_spike():
    assert spiked_exponent(3, 0.5) == spiked_exponent(2, 0.7) == 0
    assert spiked_exponent(3, 0.0) == spiked_exponent(3, 0.0, noisy=False) == 2


def test_noise_along_the_teacher_is_that_of_inputs_with_large_labels():
    """The variance along ``Σ w*`` of single gradients, where fields do not correlate: C (H + 2ℓ G²), here at ℓ = 2."""
    rng, d, count = np.random.default_rng(4), 12, 400_000
    variances = np.array([10.0, *np.ones(d - 1)])
    teacher = np.array([0.5, 0.75**0.5, *np.zeros(d - 2)])
    toward = variances * teacher / np.sqrt(teacher @ (variances * teacher))  # Σ w* of a field of unit variance
    student = rng.standard_normal(d)
    student -= toward * (student @ toward) / (toward @ toward)
    inputs = rng.standard_normal((count, d)) * np.sqrt(variances)
    labels = (inputs @ (toward / variances)) ** 2 - 1
    weights = 2 * (inputs @ student) * labels
    spread = (weights * (inputs @ toward)) ** 2
    gain, third = toward @ toward, toward @ (variances * toward)
    scale = 4 * student @ (variances * student) * 2  # E[σ'²] E[y²]
    error = spread.std() / np.sqrt(count) / scale
    along = student @ (variances * toward)  # covariance of the student's field and z · Σ w*
    expected = third + 4 * gain**2 + 2 * along**2 / (student @ (variances * student))
    assert error < 0.03 * expected
    assert abs(spread.mean() / scale - expected) < 4 * error
    assert expected > 2 * third, "noise that does not know the label is smaller"
