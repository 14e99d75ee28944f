"""Exponents of SGD on the smoothed landscape: Damian, Nichani, Ge & Lee, arXiv:2305.10633.

Their theorem: spherical online SGD (``n_b = 1``) on the correlation loss averaged over ``(w + sθ)/√(1 + s²)``, the
activation that of the target, learns a target of information exponent ``ℓ ≥ 3`` from ``N ∝ d^(ℓ−1) s^(−2(ℓ−2))``
samples up to logarithms, for radii ``1 ≤ s ≤ d^(1/4)``; at ``s = d^(1/4)`` these are ``d^(ℓ/2)``, the least that
correlational queries need.

Why, with ``s = d^ς``: at overlap m the smoothed gradient gains ``γ s^(−ℓ) m^(ℓ−1)`` for ``m ≥ s/√d``; below, by
fluctuations of θ along the target, ``γ s^(−ℓ) (s/√d)^(ℓ−1)`` for odd ℓ and ``γ s^(−ℓ) (s/√d)^(ℓ−2) m`` for even ℓ.
Noise has ``E[c²] ∝ s^(−2ℓ)`` as long as ``s ≤ d^(1/4)``: beyond that the fluctuation of ``‖z‖²`` adds ``s²/√d``. The
growth of the norm, ``γ² s^(−2ℓ) d/n_b``, allows rates up to ``γ ∝ n_b s^ℓ m^(ℓ−2)/d`` at ``m = s/√d``, the overlap that
takes longest: that is ``n_b d^(−1/2)`` at the best radius, and ``T = d^(ℓ−1) s^(−2(ℓ−2))/n_b``.
"""

import numpy as np

from onepass.theory.exponents import ExponentError, finite

BEST_RADIUS = 0.25  # ς of the radius s = d^ς that needs the fewest samples


def smoothed_sample_exponent(information_exponent: int, radius: float = BEST_RADIUS) -> float:
    """Exponent of the samples N at radius ``s = d^radius``, at n_b = 1: the theorem's.

    Parameters
    ----------
    information_exponent : ℓ ≥ 3; of lower ones smoothing gains nothing.
    radius : ς, from 0 (no smoothing) to 1/4.
    """
    ell = information_exponent
    if isinstance(ell, bool) or not isinstance(ell, int | np.integer) or ell < 3:
        raise ExponentError(f"information exponent {ell!r}; allowed: a whole number, 3 or more, where smoothing gains")
    if not 0 <= finite("radius", radius) <= BEST_RADIUS:
        raise ExponentError(f"radius exponent {radius!r}; allowed: a number from 0 to 1/4, of s = d^radius")
    return float(ell - 1 - 2 * radius * (ell - 2))


def smoothed_recovery_exponent(information_exponent: int, mu=0.0, radius: float = BEST_RADIUS):
    """θ of ``T ∝ d^θ`` at batch exponent μ, a number or array: N is used until one step is enough.

    The theorem is at μ = 0, where θ = N's exponent: 3/2 and 2 for ℓ = 3 and 4 at the best radius. For larger batches it
    is the argument above, which counts on rates in proportion to n_b; no theorem.
    """
    theta = np.maximum(smoothed_sample_exponent(information_exponent, radius) - finite("mu", mu), 0.0)
    return theta if theta.ndim else theta.item()
