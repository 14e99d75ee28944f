"""Exponents against values written out by hand."""

import numpy as np
import pytest
from onepass.protocol import Protocol, ProtocolError
from onepass.theory import diagrams, exponents

SQUARE, CORRELATION = "projected_square", "projected_correlation"
SPHERICAL = ["spherical_square", "spherical_correlation", "spherical_adaptive"]
OTHERS = [CORRELATION, "projected_adaptive", *SPHERICAL]
# (information exponent, μ, δ, θ, θ + μ) at the largest learning rate
SQUARE_ROW = [
    (1, 0, 1, 1, 1), (1, 0.5, 0.5, 0.5, 1), (1, 1, 0, 0, 1), (1, 2, 0, 0, 2),
    (2, 0, 1, 1, 1), (2, 0.5, 0.5, 0.5, 1), (2, 1, 0, 0, 1), (2, 2, 0, 0, 2),
    (3, 0, 1.5, 2, 2), (3, 1, 0.5, 1, 2), (3, 1.5, 0, 0.5, 2), (3, 1.75, 0, 0.5, 2.25), (3, 3, 0, 0.5, 3.5),
    (4, 1, 1, 2, 3), (4, 2, 0, 1, 3), (4, 3, 0, 1, 4),
]  # fmt: skip
CORRELATION_ROW = [
    (1, 0, 1, 1, 1), (1, 1, 0, 0, 1), (1, 2, -0.5, 0, 2),
    (2, 0, 1, 1, 1), (2, 0.5, 0.5, 0.5, 1), (2, 1, 0, 0, 1), (2, 2, -0.5, 0, 2),
    (3, 0, 1.5, 2, 2), (3, 1, 0.5, 1, 2), (3, 1.5, 0, 0.5, 2), (3, 1.75, -0.25, 0.25, 2),
    (3, 2, -0.5, 0, 2), (3, 3, -1, 0, 3),
    (4, 2, 0, 1, 3), (4, 2.5, -0.5, 0.5, 3), (4, 3, -1, 0, 3), (4, 4, -1.5, 0, 4),
]  # fmt: skip
TABLE = [(SQUARE, *line) for line in SQUARE_ROW] + [(p, *line) for p in OTHERS for line in CORRELATION_ROW]


@pytest.mark.parametrize(("protocol", "ell", "mu", "delta", "theta", "samples"), TABLE)
def test_best_exponents(protocol, ell, mu, delta, theta, samples):
    assert exponents.learning_rate_exponent(protocol, ell, mu) == pytest.approx(delta)
    assert exponents.recovery_exponent(protocol, ell, mu) == pytest.approx(theta)
    assert exponents.sample_exponent(protocol, ell, mu) == pytest.approx(samples)
    assert exponents.may_learn(protocol, ell, mu, delta)
    assert not exponents.may_learn(protocol, ell, mu, delta - 0.01)


def rows(ell):
    """The published table of complexities: protocol, its μ from and to, then (intercept, slope) in μ of δ, θ, θ + μ."""
    h, top = max(ell, 2) / 2, max(ell, 2) - 1
    small = (h, -1), (top, -1), (top, 0)
    return [
        (SQUARE, 0, min(h, 3), *small),
        (SQUARE, h, h + 3, (0, 0), (h - 1, 0), (h - 1, 1)),
        (CORRELATION, 0, min(top, 3), *small),
        (CORRELATION, top, top + 3, (0.5, -0.5), (0, 0), (0, 1)),
    ]


@pytest.mark.parametrize("ell", [1, 2, 3, 4, 5])
def test_functions_are_the_published_table(ell):
    for protocol, low, high, *lines in rows(ell):
        mu = np.linspace(low, high, 7)
        delta, theta, samples = (intercept + slope * mu for intercept, slope in lines)
        np.testing.assert_allclose(exponents.learning_rate_exponent(protocol, ell, mu), delta, atol=1e-12)
        np.testing.assert_allclose(exponents.recovery_exponent(protocol, ell, mu), theta, atol=1e-12)
        np.testing.assert_allclose(exponents.sample_exponent(protocol, ell, mu), samples)
    assert exponents.giant_step(ell) == (ell, -(ell - 1) / 2, ell)


@pytest.mark.parametrize("ell", [1, 2, 3, 4])
@pytest.mark.parametrize("protocol", [SQUARE, CORRELATION])
def test_the_optimal_rate_is_the_smallest_one_of_the_best_time(protocol, ell):
    mu = np.linspace(0, 5, 21)
    delta = exponents.optimal_learning_rate_exponent(protocol, ell, mu)
    best = exponents.recovery_exponent(protocol, ell, mu)
    np.testing.assert_allclose(exponents.recovery_exponent(protocol, ell, mu, delta), best)
    assert (exponents.recovery_exponent(protocol, ell, mu, delta + 0.1) > best + 0.05).all()


def test_exponents_at_a_given_learning_rate():
    assert exponents.recovery_exponent(SQUARE, 3, 2, 0.25) == pytest.approx(0.75)
    assert exponents.recovery_exponent(SQUARE, 3, 2, -0.25) == np.inf
    assert exponents.recovery_exponent(CORRELATION, 3, 2, -0.25) == pytest.approx(0.25)
    assert exponents.recovery_exponent(CORRELATION, 3, 3, -0.75) == 0
    assert exponents.recovery_exponent(SQUARE, 1, 0.5, 0.75) == pytest.approx(0.75)
    assert exponents.recovery_exponent(SQUARE, 1, 0.25, 0.5) == np.inf


@pytest.mark.parametrize(
    ("protocol", "ell", "mu", "delta", "expected"),
    [
        (SQUARE, 1, 1, None, False),
        (SQUARE, 2, 0.5, None, True),
        (SQUARE, 2, 2, None, True),
        (SQUARE, 3, 1, None, False),
        (CORRELATION, 2, 1, None, True),
        (CORRELATION, 2, 1.5, None, True),  # the optimal δ is 0
        (CORRELATION, 2, 1.5, -0.25, False),  # the gain of a step grows with d
        (CORRELATION, 2, 1.5, 0, True),
        (CORRELATION, 3, 2, None, False),
        (CORRELATION, 2, 0.5, 0.2, False),  # does not learn
    ],
)
def test_log_factor(protocol, ell, mu, delta, expected):
    assert exponents.has_log_factor(protocol, ell, mu, delta) is expected


@pytest.mark.parametrize(("ell", "delta", "mu"), [(2, 0.0, 1.0), (2, -0.25, 1.5), (3, -0.5, 2.0)])
def test_log_factor_of_the_mean_process(ell, delta, mu):
    """The noiseless overlap gains ``γ m^(ℓ-1)`` a step: it takes ``log d`` steps where the factor is."""
    times = []
    for log2 in (30, 60):
        overlap, time = 2 ** (-log2 / 2), 0
        while overlap < 0.5:
            overlap, time = overlap * (1 + 0.05 * 2 ** (-delta * log2) * overlap ** (ell - 2)), time + 1
        times.append(time)
    ratio = times[1] / times[0]  # log d doubles
    assert (ratio > 1.9) == exponents.has_log_factor(CORRELATION, ell, mu, delta)
    assert ratio > 1.9 or ratio < 1.2


def test_optima():
    assert [exponents.optimal_batch_exponent(SQUARE, ell) for ell in (1, 2, 3, 4)] == [1, 1, 1.5, 2]
    assert [exponents.optimal_batch_exponent(CORRELATION, ell) for ell in (1, 2, 3, 4)] == [1, 1, 2, 3]
    assert exponents.giant_step(3) == (3, -1, 3)
    assert exponents.giant_step(1) == (1, 0, 1)


def test_protocol_objects_and_arrays():
    plain = Protocol(loss="square", update="projected")
    adaptive = Protocol(loss="correlation", update="projected", schedule="adaptive")
    mu = np.array([1.0, 1.75, 2.0])
    np.testing.assert_allclose(exponents.recovery_exponent(plain, 3, mu), [1, 0.5, 0.5])
    np.testing.assert_allclose(exponents.recovery_exponent(adaptive, 3, mu), [1, 0.25, 0])
    assert isinstance(exponents.recovery_exponent(plain, 3, 1.0), float)
    assert exponents.may_learn(plain, 3, 1.5 - 0.3, 0.3), "rounding must not move a point off the line"


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3"])
def test_bad_information_exponent(value):
    with pytest.raises(exponents.ExponentError, match=r"information exponent .* whole number"):
        exponents.recovery_exponent(SQUARE, value, 1)


def test_bad_input():
    with pytest.raises(ProtocolError, match="'sgd' is unknown; allowed: projected_square"):
        exponents.recovery_exponent("sgd", 3, 1)
    with pytest.raises(exponents.ExponentError, match="protocol is 7"):
        exponents.recovery_exponent(7, 3, 1)
    with pytest.raises(exponents.ExponentError, match="mu = -1"):
        exponents.recovery_exponent(SQUARE, 3, -1)
    with pytest.raises(exponents.ExponentError, match="delta must be a finite"):
        exponents.may_learn(SQUARE, 3, 1, np.nan)
    with pytest.raises(exponents.ExponentError, match="mu must be a finite"):
        exponents.regime("one", 0)
    with pytest.raises(exponents.ExponentError, match="mu_max = 2"):
        diagrams.time_diagram(3, mu_max=2)
    with pytest.raises(exponents.ExponentError, match=r"delta_min = -0\.1"):
        diagrams.learning_rate_diagram(3, delta_min=-0.1)
