"""Claims on samples seen twice, against generative exponents and against runs of the overlap itself."""

import numpy as np
import pytest
from onepass.gaussian.generative import generative_exponent
from onepass.theory import exponents
from onepass.theory.repetition import CLAIMS, lookahead_sample_exponent
from scipy.stats import norm


def test_claims_are_those_of_their_generative_exponents():
    for claim in CLAIMS:
        if claim.generative_exponent:
            assert claim.samples == exponents.saddle_exponent(claim.generative_exponent)
    assert len(set(CLAIMS)) == len(CLAIMS)


@pytest.mark.parametrize(
    ("target", "epsilon", "samples"),
    [
        ("He3(x1)", 0, 1), ("He3(x1)", 0.25, 1.5), ("He3(x1)", 0.5, 2), ("He3(x1)", 3, 2), ("He4(x1)", 0, 1),
        ("He4(x1)", 0.7, 2.4), ("He4(x1)", 1, 3), ("He4(x1)", 2, 3), ("x1", 1, 1), ("x1**2", 1, 1),
        ("sign(x1*x2*x3)", 0, 2), ("x1*x2*x3", 0, 1), ("x1*x2*x3", 0.1, 1.2), ("x1**2*exp(-x1**2)", 0, 3),
    ],
)  # fmt: skip
def test_rates_of_a_lookahead(target, epsilon, samples):
    assert lookahead_sample_exponent(target, epsilon) == pytest.approx(samples)
    if epsilon == 0:
        assert samples == exponents.saddle_exponent(generative_exponent(target))


def first_passages(d, gamma, rho, replicas=48, chunk=1000):
    """Samples until an overlap of 1/2: relu with a = −1 on He3, spherical, correlation loss, n_b = 1."""
    rng, m, steps = np.random.default_rng(d), np.full(replicas, d**-0.5), np.zeros(replicas, dtype=int)
    while (m < 0.5).any():
        x, v = rng.normal(size=(2, chunk, replicas))
        square = x**2 + v**2 + rng.chisquare(d - 2, (chunk, replicas))
        labels = x**3 - 3 * x
        shift = rho * labels * square
        for i in range(chunk):
            field = m * x[i] + np.sqrt(1 - m**2) * v[i]
            step = -gamma * labels[i] * ((field > 0) & (field > shift[i])) * (m < 0.5)  # where found, it stays
            steps += m < 0.5
            m = (m + step * (x[i] - field * m)) / np.sqrt(1 + step**2 * (square[i] - field**2))
    return steps


def gain(shift):
    """``E[c̃ x]`` at zero overlap, for a shift of the field by −shift · y where it is above 0."""
    x = np.linspace(-10, 10, 20_001)
    y = x**3 - 3 * x
    return -(norm.pdf(x) * y * x * norm.sf(np.maximum(0.0, shift * y))).sum() * (x[1] - x[0])


def test_measured_rates_of_a_lookahead():
    """A gain in proportion to the first look, and as many samples as ``1/(γ gain)`` says: ``d^2ε`` at its best γ."""
    assert gain(1e-3) / gain(5e-4) == pytest.approx(2, rel=1e-3)
    assert lookahead_sample_exponent("He3(x1)", 1 / 6) - lookahead_sample_exponent("He3(x1)", 0) == pytest.approx(2 / 6)
    d = 64
    one, half = (np.median(first_passages(d, 0.05 * size / d, 0.1 * size / d)) for size in (1.0, 0.5))
    assert half / one == pytest.approx(2 * gain(0.1) / gain(0.05), rel=0.1)


@pytest.mark.parametrize("epsilon", [-0.1, float("nan"), "large"])
def test_bad_rates(epsilon):
    with pytest.raises(exponents.ExponentError, match="epsilon"):
        lookahead_sample_exponent("He3(x1)", epsilon)
