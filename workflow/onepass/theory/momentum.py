"""Momentum as SGD of a larger rate that lags behind.

A velocity ``V ← βV + G`` sums gradients whose mean age is ``τ = β/(1 − β)`` steps: to first order a step along it is
one of rate ``γ/(1 − β)`` at the weights of τ steps ago. *Derived* of it: a climb ``dm/dt ∝ m(t − τ)^(ℓ−1)`` from m₀
to η takes ``τ [1 + (ℓ−1) log(η/m₀)]`` steps more than without a lag, as long as it takes many times τ; the 1 is of
the velocity's own start at 0.
"""

import numpy as np


def momentum_lag(information_exponent: int, beta: float, start, threshold: float):
    """Steps that a climb from the overlap `start`, a number or array, to `threshold` loses by momentum, 0 ≤ β < 1."""
    return beta / (1 - beta) * (1 + (information_exponent - 1) * np.log(threshold / start))
