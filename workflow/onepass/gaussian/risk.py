"""Population risk of students on the unit sphere, as a polynomial of their overlaps.

With unit-norm students, Hermite expansions turn every Gaussian mean of a product into powers of overlaps (Mehler):
``E[σ(λ_i) σ(λ_j)] = Σ_n n! c_n² Q_ij^n`` and ``E[h*(λ*) σ(λ_j)] = Σ_α (|α|!/α!) c_|α| E[h* He_α] M_j^α``.
Exact for polynomials; otherwise the series stop at `ORDER` and `risk_truncation` bounds what is left out.
"""

from functools import lru_cache
from math import factorial, prod
from typing import NamedTuple

import numpy as np

from onepass.gaussian.hermite import gaussian_norm, hermite_coefficients, hermite_tensor
from onepass.model import Model

ORDER = 30  # of the series of functions that are no polynomials


class RiskSeries(NamedTuple):
    """The population risk as a polynomial of the overlaps."""

    constant: float
    cross_powers: np.ndarray  # (terms, teachers), int64
    cross: np.ndarray  # (terms,)
    pair: np.ndarray  # (order + 1,)


@lru_cache(maxsize=64)
def risk_series(model: Model) -> RiskSeries:
    """The coefficients of the risk ½ E[(f* − f)²], label noise left out."""
    activation = hermite_coefficients(model.activation_formula, ORDER)
    tensor = hermite_tensor(model.target_formula, ORDER)
    pair = np.array([factorial(n) * c**2 for n, c in enumerate(activation)])
    order = int(np.flatnonzero(pair > 1e-24 * pair.sum()).max(initial=0))
    terms = [
        (alpha, factorial(sum(alpha)) / prod(map(factorial, alpha)) * activation[sum(alpha)] * value)
        for alpha, value in sorted(tensor.items())
        if sum(alpha) <= order
    ]
    return RiskSeries(
        constant=0.5 * gaussian_norm(model.target_formula),
        cross_powers=np.array([alpha for alpha, _ in terms], dtype=np.int64).reshape(-1, model.teachers),
        cross=np.array([value for _, value in terms]),
        pair=pair[: order + 1],
    )


def risk_truncation(model: Model) -> float:
    """Bound on the error of the truncated series, by Cauchy–Schwarz on what the expansions leave out.

    Zero for polynomials; shrinks as ``|overlap|**ORDER`` away from perfect alignment.
    """
    series, layer = risk_series(model), np.abs(model.second_layer).mean()
    norm = gaussian_norm(model.activation_formula)
    left = norm - series.pair.sum()
    if left < 1e-12 * norm:  # rounding
        return 0.0
    return float(layer * np.sqrt(left * 2 * series.constant) + 0.5 * layer**2 * left)


def population_risk(model: Model, overlaps: np.ndarray, grams: np.ndarray) -> np.ndarray:
    """Excess risk of states: overlaps (..., p, k) and grams (..., p, p) to (...)."""
    series, layer = risk_series(model), model.output_weights
    powers = np.prod(overlaps[..., None, :] ** series.cross_powers, axis=-1)  # (..., p, terms)
    pairs = np.polynomial.polynomial.polyval(grams, series.pair)
    cross = np.einsum("j,...jt,t->...", layer, powers, series.cross)
    return series.constant - cross + 0.5 * np.einsum("i,j,...ij->...", layer, layer, pairs)
