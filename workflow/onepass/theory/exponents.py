"""Exponents of weak recovery, as functions of the batch size and the learning rate.

The learning rate is ``γ ∝ d^(-δ)``, the batch ``n_b ∝ d^μ``, the time to weak recovery ``T ∝ d^θ`` and
the samples used ``N = n_b T ∝ d^(θ + μ)``, up to powers of ``log d``.  Protocols fall into two rows:
the projected update with the square loss is limited by ``δ ≥ 0`` (beyond it the loss unlearns its own
output), every other protocol behaves like the correlation loss.  Exponents after Arnaboldi, Dandi,
Krzakala, Loureiro, Pesce & Stephan, arXiv:2406.02157.

An information exponent of 1 has the powers of 2 (``T ~ d / n_b``) without its logarithm.

Of another loss, or transformed labels, the exponent of `losses.loss_information_exponent` takes the place of the
information exponent (Joshi, Misiakiewicz & Srebro, arXiv:2407.05622; Tsiolis, Mousavi-Hosseini & Erdogdu,
arXiv:2510.21020). Those works are of small batches; for large ones the rows are carried over by an argument of this
project: the projected update is limited by ``δ ≥ 0`` where ψ(y, f) reads the output f. ψ needs a finite mean square.
"""

from typing import NamedTuple

import numpy as np

from onepass.errors import OnepassError
from onepass.protocol import Protocol, ProtocolError, Update

KNOWN = ("loss", "update", "schedule", "label", "huber_delta")  # choices of which the exponents are known
TOLERANCE = 1e-6  # exponents such as 1.5 - 0.3 must still lie on the line they were computed for


class ExponentError(OnepassError, ValueError):
    """An exponent or a protocol that the theory does not know."""


class GiantStep(NamedTuple):
    """Where one step suffices: ``μ ≥ mu`` with ``γ ∝ d^(-delta)``; ``N ∝ d^samples``."""

    mu: float
    delta: float
    samples: float


def knows(protocol) -> bool:
    """Whether the exponents of `protocol`, an object or its name, are known here."""
    return (Protocol.named(protocol) if isinstance(protocol, str) else protocol).is_basic


def learning_rate_exponent(protocol, information_exponent, mu):
    """Return the smallest δ (largest learning rate) at which `protocol` may learn; μ a number or array."""
    h, mu = half(information_exponent), _batch(mu)
    limit = 0.0 if _row(protocol) == "square" else (1 - mu) / 2
    return _plain(np.maximum(h - mu, limit))


def optimal_learning_rate_exponent(protocol, information_exponent, mu):
    """Return the largest δ (smallest learning rate) that attains the best θ at batch exponent μ.

    It differs from `learning_rate_exponent` where the time is polylogarithmic already: larger steps gain nothing.
    """
    smallest = learning_rate_exponent(protocol, information_exponent, mu)
    return _plain(np.maximum(smallest, 1 - half(information_exponent)))


def may_learn(protocol, information_exponent, mu, delta):
    """Whether `protocol` may learn with batch exponent μ and learning-rate exponent δ, numbers or arrays."""
    smallest = learning_rate_exponent(protocol, information_exponent, mu)
    return _plain(finite("delta", delta) >= smallest - TOLERANCE)


def recovery_exponent(protocol, information_exponent, mu, delta=None):
    """Return θ of ``T ∝ d^θ`` at δ, by default the best one; ``inf`` where the protocol does not learn."""
    smallest = learning_rate_exponent(protocol, information_exponent, mu)
    delta = smallest if delta is None else finite("delta", delta)
    # The square row never has a negative exponent where it learns: δ ≥ 0 and δ ≥ h - μ.
    theta = np.maximum(delta + half(information_exponent) - 1, 0.0)
    return _plain(np.where(may_learn(protocol, information_exponent, mu, delta), theta, np.inf))


def sample_exponent(protocol, information_exponent, mu, delta=None):
    """Return θ + μ, the exponent of the number of samples used until weak recovery."""
    return _plain(recovery_exponent(protocol, information_exponent, mu, delta) + _batch(mu))


def has_log_factor(protocol, information_exponent, mu, delta=None):
    """Whether T carries a factor ``log d`` beside its power of d, by default at the optimal δ.

    With overlap m a step gains ``γ m^(ℓ-1)``.  For ℓ = 2 and δ ≥ 0 growth is exponential from
    ``1/√d``, hence the logarithm.  For ℓ ≥ 3, and for ℓ = 2 with δ < 0 (a gain that grows with d), it is
    faster than exponential: what the theorems bound by a polylogarithm is then ``O(log log d)``, which
    a factor ``log d`` would misfit.
    """
    optimal = optimal_learning_rate_exponent(protocol, information_exponent, mu)
    delta = optimal if delta is None else finite("delta", delta)
    exponential = (information_exponent == 2) & (np.asarray(delta) >= -TOLERANCE)
    return _plain(exponential & may_learn(protocol, information_exponent, mu, delta))


def optimal_batch_exponent(protocol, information_exponent):
    """Return the smallest μ at which θ is as small as `protocol` can make it."""
    return half(information_exponent) if _row(protocol) == "square" else saddle_exponent(information_exponent)


def climbs(information_exponent, delta):
    """Whether an overlap climbs step by step at δ, a number or array; at larger learning rates it leaps.

    Its first step adds ``γ m^(ℓ − 1)`` to ``m ∝ d^(−1/2)``, relative to it ``d^(1 − h − δ)``: no power of d that grows.
    """
    return _plain(finite("delta", delta) >= 1 - half(information_exponent) - TOLERANCE)


def giant_step(information_exponent):
    """Return the batch and learning-rate exponents from which a single step recovers."""
    ell = _exponent(information_exponent)
    return GiantStep(mu=float(ell), delta=-(ell - 1) / 2, samples=float(ell))


def regime(mu, delta):
    """Name the deterministic limit at (μ, δ), from a warm start; arrays give arrays of names.

    ``population_flow``, ``saad_solla`` (gradient and noise together), ``noise_learning`` (noise alone),
    ``large_batch`` (interaction within the batch), ``coexistence`` (all of them) or ``no_limit``.
    """
    mu, delta = np.broadcast_arrays(_batch(mu), finite("delta", delta))
    noise = mu + delta - 1  # its sign compares the gradient with the noise
    at_zero, balanced = abs(delta) <= TOLERANCE, abs(noise) <= TOLERANCE
    names = {  # the first that holds
        "coexistence": at_zero & balanced,
        "large_batch": at_zero & (noise > 0),
        "saad_solla": (delta > 0) & balanced,
        "population_flow": (delta > 0) & (noise > 0),
        "noise_learning": (noise < 0) & (mu + 2 * delta >= 1 - TOLERANCE),
    }
    return _plain(np.select(list(names.values()), list(names), default="no_limit"))


def _row(protocol):
    """Name the row of the table that `protocol`, an object or its name, belongs to."""
    if isinstance(protocol, str):
        protocol = Protocol.named(protocol)
    if not isinstance(protocol, Protocol):
        raise ExponentError(f"protocol is {protocol!r}; allowed: a Protocol or its name, such as 'projected_square'")
    known = {key: getattr(protocol, key) for key in KNOWN}
    if protocol.update == Update.PLAIN or protocol != Protocol(**known):
        raise ProtocolError(
            f"the theory of exponents does not know protocol {protocol.name!r}; allowed: update 'projected' or "
            "'spherical' with any loss, label and schedule, and nothing else"
        )
    return "square" if protocol.update == Update.PROJECTED and protocol.psi.reads("f") else "correlation"


def _exponent(ell):
    if isinstance(ell, bool | np.bool_) or not isinstance(ell, int | np.integer) or ell < 1:
        raise ExponentError(f"information exponent {ell!r}: it must be a whole number, 1 or more")
    return int(ell)


def half(ell):
    """h of the formulas: ℓ/2, read as 1 for ℓ = 1."""
    return max(_exponent(ell), 2) / 2


def saddle_exponent(ell):
    """``2h − 1``: the samples that leave the first saddle are ∝ d to this power, at batches below the best."""
    return 2 * half(ell) - 1


def finite(name, value):
    try:
        value = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        value = np.asarray(np.nan)
    if not np.isfinite(value).all():
        raise ExponentError(f"{name} must be a finite number or an array of them")
    return value


def _batch(mu):
    mu = finite("mu", mu)
    if (mu < 0).any():
        raise ExponentError(f"mu = {mu.min():g}: a batch has at least one sample, so mu must be 0 or more")
    return mu


def _plain(value):
    """Python scalars for zero-dimensional results."""
    value = np.asarray(value)
    return value if value.ndim else value.item()
