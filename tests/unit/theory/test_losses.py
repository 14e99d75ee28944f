"""Exponents of losses and labels against values worked out by hand, and against samples."""

from math import exp, pi, sqrt

import numpy as np
import onepass
import pytest
from onepass import Model, Protocol
from onepass.protocol import ProtocolError
from onepass.theory.exponents import recovery_exponent, sample_exponent
from onepass.theory.losses import LossExponentError, loss_information_exponent, transformed_label

HE3, HE4, RELU = Model("He3(x1)", "He3"), Model("He4(x1)", "He4"), Model("He3(x1)", "relu")
ABSOLUTE, SIGNS = Protocol("absolute"), Protocol("logistic", label="sign(y)")


@pytest.mark.parametrize(
    ("model", "protocol", "zero", "own"),
    [
        (HE3, Protocol(), 3, 3),
        (HE3, Protocol("correlation"), 3, 3),
        (HE3, ABSOLUTE, 3, 1),
        (HE3, Protocol("huber"), 3, 1),
        (HE3, SIGNS, 3, 3),
        (HE4, ABSOLUTE, 4, 2),
        (RELU, SIGNS, 1, 1),
        (Model("He4(x1)", "relu"), Protocol("correlation", label="y**2"), 2, 2),
    ],
)
def test_exponents_at_no_output_and_at_the_own_one(model, protocol, zero, own):
    small, large = (loss_information_exponent(model, protocol, output) for output in ("zero", "own"))
    assert (small.exponent, large.exponent) == (zero, own)
    assert all(abs(found.coefficient) > 3 * found.error for found in (small, large))
    if zero == own:
        assert large.coefficient == pytest.approx(small.coefficient, abs=large.error + small.error)


def test_absolute_loss_has_the_coefficients_of_a_sign():
    """``E[sign(He3(x)) x] = 4 φ(√3) − 2 φ(0)``, and ReLU has ``E[σ'] = ½``."""
    density = 2 * exp(-1.5) - 1
    found = loss_information_exponent(RELU, ABSOLUTE)
    assert found == pytest.approx((1, density / sqrt(2 * pi), 0), abs=1e-9)
    leap = loss_information_exponent(Model("x1*x2*x3", "He3"), ABSOLUTE)
    assert leap.exponent == 3
    assert np.isnan(leap.coefficient)


def test_square_and_correlation_loss_have_the_coefficient_of_the_first_saddle():
    for protocol in (Protocol(), Protocol("correlation")):
        assert loss_information_exponent(HE3, protocol).coefficient == pytest.approx(36)
    assert loss_information_exponent(Model("x1*x2", "relu"), Protocol()).exponent == onepass.leap_index("x1*x2")


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_own_output_gives_the_drift_of_samples(noise):
    """At m = 0, of the absolute loss and He3 by He3; 5 standard errors of 10⁶ samples, one false alarm in 10⁶ seeds."""
    rng = np.random.default_rng(8)
    field, hidden, xi = rng.standard_normal((3, 10**6))
    he3 = Model("He3(x1)", "He3").activation_formula.array(np)
    drift = 3 * (field**2 - 1) * np.sign(he3(hidden) + sqrt(noise) * xi - he3(field)) * hidden
    found = loss_information_exponent(Model("He3(x1)", "He3", noise=noise), ABSOLUTE, "own")
    assert found.exponent == 1
    assert abs(drift.mean() - found.coefficient) < 5 * drift.std() / 1000 + found.error
    assert drift.mean() > 20 * drift.std() / 1000  # no zero


def test_label_noise_counts_and_may_take_a_kink_away():
    noisy = loss_information_exponent(Model("He3(x1)", "relu", noise=0.09), ABSOLUTE)
    assert noisy.exponent == 1
    assert noisy.coefficient == pytest.approx(-0.5 * 0.4355, abs=1e-4)
    assert transformed_label("He3(x1)", ABSOLUTE, 0.25).text.count("x2") == 1


def test_recovery_exponents_take_the_exponent_of_the_loss():
    ell = loss_information_exponent(RELU, SIGNS).exponent
    assert recovery_exponent(SIGNS, ell, 0.0) == sample_exponent(SIGNS, ell, 0.0) == 1
    spherical = Protocol("absolute", "spherical")
    assert recovery_exponent(ABSOLUTE, 3, 1.75) == 0.5  # it reads its own output, as the square loss does
    assert recovery_exponent(spherical, 3, 1.75) == 0.25
    assert recovery_exponent(Protocol("correlation", label="y**2"), 4, 2.5) == 0.5
    for other in (Protocol(update="plain"), Protocol(momentum="heavy_ball", beta=0.9), Protocol(direction="rows")):
        with pytest.raises(ProtocolError, match="the theory of exponents does not know protocol"):
            recovery_exponent(other, 3, 0.0)


@pytest.mark.parametrize(
    ("model", "protocol", "output", "message"),
    [
        (HE3, Protocol("correlation", label="y**2"), "zero", "nothing to learn"),
        (Model("x1*x2", "relu"), Protocol(), "own", "one student of one coordinate, not of p = 1, k = 2"),
        (HE3, Protocol(), "half", "output 'half' is unknown; allowed: zero, own"),
        (HE3, Protocol("correlation", smoothing=2.0), "zero", "smoothing 2 has exponents of its own"),
    ],
)
def test_what_is_refused_in_words(model, protocol, output, message):
    with pytest.raises(LossExponentError, match=message):
        loss_information_exponent(model, protocol, output)
