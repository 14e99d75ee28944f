"""Exit times of phase retrieval: how long p students of x² stay where no student knows the target x1².

The problem of Arnaboldi, Krzakala, Loureiro & Stephan, arXiv:2305.18502; the constants are derived here, for
``f = (1/p) Σ σ(⟨w_j, z⟩)``, square loss, label noise Δ, and the cosine ``m_j/√Q_jj`` of every student. While overlaps
are small Q stays near ``q I``, and with ``x = q (p + 2)/p`` and ``κ = γ d/(p n_b)`` a cosine grows by ``e^λ`` a step,

    ``λ = (γ/p) [4 − 2κ v]``,  ``v = 3 − 2x + x² (p + 4)/(p + 2) + Δ``,

and noise adds a variance ``s₁² = 4 γ²/(p² n_b) [15 − 6x + x² (p + 4)/(p + 2) + Δ]``. On the sphere ``q = 1``. Plain
norms obey ``dq = (4γ/p) q [1 − x + κ v]`` a step, and settle where that vanishes, from ``κ`` too large on nowhere. So
``cos_j = e^G (cos_j(0) + Gaussian noise)`` with independent students: the law of the exit time. Growth ends as
``cos²/(1 − cos²)`` shows, exactly so for a student that no other disturbs. What is left out, students that align with
each other, is of the order of the squared cosines at the threshold, in units of 1/λ.
"""

from math import exp, inf, sqrt
from typing import NamedTuple

import numpy as np

from onepass.errors import OnepassError
from onepass.gaussian.hermite import hermite_coefficients
from onepass.model import Model
from onepass.protocol import Protocol, Update

SETTLING = 40.0  # times p/(4γ): how long rates are followed at first
DRAWS = 1 << 13  # of the students' cosines
ACCURACY = {"rtol": 1e-8, "atol": 1e-12}


class ExitTimeError(OnepassError, ValueError):
    """A model or protocol whose exit times are not known."""


class ExitRates(NamedTuple):
    """Escape near zero overlap."""

    growth: float  # λ of a cosine, a step; not above 0 where noise keeps it there
    noise: float  # s₁², the variance that a step adds to a cosine
    norm: float  # squared norm q of a student; inf where plain norms diverge


def exit_rates(
    model: Model, protocol: Protocol, *, dimension: float, batch_size: float, learning_rate: float
) -> ExitRates:
    """The rates of phase retrieval, of plain norms once they have settled; parameters as of `exit_time`."""
    _check(model, protocol)
    p, kappa = model.students, learning_rate * dimension / (model.students * batch_size)
    x = _settled(kappa, p, model.noise) if protocol.update == Update.PLAIN else (p + 2) / p
    growth, noise = _rates(x, model, learning_rate, batch_size, kappa)
    return ExitRates(growth, noise, x * p / (p + 2))


def exit_time(
    model: Model,
    protocol: Protocol,
    *,
    dimension: int,
    batch_size: int,
    learning_rate: float,
    threshold: float,
    start: float | None = None,
    quantile: float = 0.5,
) -> float:
    """Steps until the norm of the students' cosines with the target reaches `threshold`, to leading order in 1/d.

    Parameters
    ----------
    model : p students ``square`` of ``x1**2`` or ``He2`` of ``He2(x1)``, second layer ones, any label noise.
    protocol : square loss; projected, spherical (the same to leading order in γ) or plain, from unit norms.
    start : overlap m of every student at step 0; None for students uniform on the sphere.
    quantile : of the exit times; 0.5 is the median.

    Returns
    -------
    float
        Steps, no whole number; inf where growth does not win over noise, or plain norms diverge.

    Raises
    ------
    ExitTimeError
        For another model or protocol, or numbers outside their range.
    """
    p = model.students
    if not 0 < threshold < sqrt(p):
        raise ExitTimeError(f"threshold is {threshold!r}; allowed: a number above 0, below √p = {sqrt(p):.3g}")
    if not 0 < quantile < 1:
        raise ExitTimeError(f"quantile is {quantile!r}; allowed: a number between 0 and 1")
    place = {"dimension": dimension, "batch_size": batch_size, "learning_rate": learning_rate}
    rates = exit_rates(model, protocol, **place)
    if not 0 < rates.growth < inf:
        return inf
    from scipy.integrate import solve_ivp
    from scipy.optimize import brentq

    kappa, plain = learning_rate * dimension / (p * batch_size), protocol.update == Update.PLAIN
    drift = 4 * learning_rate / p

    def slope(_, state):
        x, gain, _ = state
        growth, noise = _rates(x, model, learning_rate, batch_size, kappa)
        turn = drift * x * (1 - x + kappa * _spread(x, p, model.noise)) if plain else 0.0
        return turn, growth, noise * exp(-2 * gain)

    # Cosines before growth are Gaussian: of these draws, the share that has left by then is counted.
    draws = np.random.default_rng(0).standard_normal((DRAWS, p))
    given, spread = (0.0, 1 / dimension) if start is None else (start, 0.0)

    def missing(time):
        _, gain, seen = path(time)
        squares = (given + sqrt(spread + max(seen, 0.0)) * draws) ** 2 * exp(2 * gain)
        return np.quantile((squares / (1 + squares)).sum(axis=1), 1 - quantile) - threshold**2

    end = SETTLING / drift
    while True:
        path = solve_ivp(slope, (0.0, end), ((p + 2) / p, 0.0, 0.0), dense_output=True, **ACCURACY).sol
        if missing(0.0) >= 0:
            return 0.0
        if missing(end) > 0:
            return float(brentq(missing, 0.0, end, xtol=1e-6 * end))
        end *= 2


def _rates(x: float, model: Model, learning_rate, batch_size, kappa: float) -> tuple[float, float]:
    """λ and s₁² at x."""
    p = model.students
    spread = _spread(x, p, model.noise)
    noise = 4 * learning_rate**2 / (p**2 * batch_size) * (spread + 12 - 4 * x)
    return learning_rate / p * (4 - 2 * kappa * spread), noise


def _spread(x: float, p: int, noise: float) -> float:
    """v, of ``E[c_j²] = 4 q v/p²`` at zero overlap."""
    return 3 - 2 * x + x**2 * (p + 4) / (p + 2) + noise


def _settled(kappa: float, p: int, noise: float) -> float:
    """Where ``1 − x + κ v`` vanishes, the lower of two places: norms flow to it; inf if there is none, or if they start
    above the other one."""
    square = kappa * (p + 4) / (p + 2)
    half = 0.5 + kappa
    inside = half**2 - square * (1 + kappa * (3 + noise))
    if inside < 0 or half + sqrt(inside) <= square * (p + 2) / p:
        return inf
    return (1 + kappa * (3 + noise)) / (half + sqrt(inside))


def _check(model: Model, protocol: Protocol) -> None:
    model.require_isotropic("the theory of exit times")
    formulas = (model.activation_formula, model.target_formula)
    known = all(formula.degree == 2 and formula.arity == 1 for formula in formulas)
    if known:  # c x⁰ + He₂ both: the means cancel in y − f
        first, second = (hermite_coefficients(formula, 2) for formula in formulas)
        known = np.allclose(first, second) and np.allclose(first[1:], (0, 1)) and set(model.second_layer) == {1.0}
    if not known:
        raise ExitTimeError(
            f"target {model.target!r}, activation {model.activation!r}, second layer {model.second_layer}; allowed: "
            "target 'x1**2' with 'square' or 'He2(x1)' with 'He2', and a second layer of ones"
        )
    if protocol not in [Protocol(update=update) for update in Update]:
        raise ExitTimeError(
            f"protocol {protocol.name!r}; allowed: " + ", ".join(Protocol(update=update).name for update in Update)
        )
