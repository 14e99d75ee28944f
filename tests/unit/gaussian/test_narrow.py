"""Narrow features at random places: found to what is stated, or refused, down to the widths that the page promises."""

from math import exp, pi, sqrt

import numpy as np
import pytest
from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import TOLERANCE, HermiteError
from onepass.gaussian.hermite import gaussian_norm, hermite_tensor
from scipy.integrate import quad
from scipy.special import ndtr


def mean(text: str) -> float:
    formula = Formula.target(text)
    return hermite_tensor(formula, 4).get((0,) * formula.arity, 0.0)


def under_the_bell(function, centre: float, half: float) -> float:
    return quad(lambda x: function(x) * exp(-(x**2) / 2) / sqrt(2 * pi), centre - half, centre + half, epsabs=0)[0]


@pytest.mark.parametrize("half", [2e-4, 1e-3, 1.5e-3, 1e-2])
@pytest.mark.parametrize("centre", [0.7777, 0.3712, -0.36])
def test_bump_with_kinks(centre, half):
    """Whether the coarse rule sees nothing of it, or a little."""
    text = f"relu({half**2:.12g} - (x1 - {centre})**2)".replace("- -", "+ ")
    exact = [under_the_bell(lambda x, n=n: (half**2 - (x - centre) ** 2) ** n, centre, half) for n in (1, 2)]
    assert abs(mean(text) - exact[0]) <= TOLERANCE * sqrt(exact[1])
    assert gaussian_norm(Formula.target(text)) == pytest.approx(exact[1], rel=1e-8)


def test_what_is_0_wherever_it_is_looked_at_is_refused():
    """No norm of 0 without a doubt: who means 0 writes it."""
    with pytest.raises(HermiteError, match="0 wherever it was looked at"):
        gaussian_norm(Formula.target("relu(tanh(x1) - 2)"))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("half", [1e-4, 6e-4, 1.7e-3])
def test_hole_between_two_kinks_at_random_places(half, seed):
    """Of a polynomial: as narrow as can be written."""
    for centre in np.random.default_rng(seed).uniform(-2, 2, 8).round(4):
        inside = ndtr(centre + half) - ndtr(centre - half)
        text = f"sign((x1 - {centre})**2 - {half**2:.10g})".replace("- -", "+ ")
        assert mean(text) == pytest.approx(1 - 2 * inside, abs=TOLERANCE)
        assert mean(text.replace("sign", "0.3*x1 + step")) == pytest.approx(1 - inside, abs=TOLERANCE)


def test_sum_whose_terms_are_in_reach_is_taken():
    """E[(max(x1, x2) + x2 x3)²] = 1 + 1: the mean of their product is 0."""
    assert gaussian_norm(Formula.target("max(x1, x2) + x2*x3")) == pytest.approx(2, abs=1e-9)


@pytest.mark.parametrize("text", ["tanh(x1*x2) + tanh(x1*x2*x3*x4)", "max(x1, x2) + max(x2, x3)"])
def test_refusal_of_a_sum_names_what_was_written(text):
    with pytest.raises(HermiteError, match="the mean of the product of two of its terms is out of reach") as refusal:
        gaussian_norm(Formula.target(text))
    assert str(refusal.value).startswith(f"formula {Formula.target(text).text!r}")


@pytest.mark.parametrize("text", ["sinh(100*x1)/cosh(100*x1)", "sin(sinh(90*x1))"])
def test_what_is_no_number_is_not_said_to_grow(text):
    with pytest.raises(HermiteError, match="is not a finite number at"):
        gaussian_norm(Formula.target(text))
