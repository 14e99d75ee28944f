"""Samples seen twice: what is claimed of the number of samples, and how it depends on the size of the first look.

With a label's generative exponent ℓ* in place of ℓ, the row of the correlation loss in `exponents` is what is claimed
for one sample a step, N ∝ d^max(ℓ* − 1, 1), and believed of larger batches, T ∝ N d^-μ.
"""

from typing import NamedTuple

from onepass.formulas.formula import Formula
from onepass.formulas.language import LARGEST_DEGREE
from onepass.gaussian.expansion import HermiteError
from onepass.gaussian.information import leap_index
from onepass.theory.exponents import ExponentError, finite, saddle_exponent

HIGHEST_POWER = 4  # of the label that a lookahead is followed to


class Claim(NamedTuple):
    """What a source says of the samples until weak recovery: ``N ≤ C d^samples (log d)^logarithms``."""

    source: str  # arXiv number, and the place in it
    status: str  # "theorem", "conjecture", or "abstract": of what is proved the abstract alone was read
    algorithm: str
    conditions: str
    generative_exponent: int | None  # None: any
    samples: float | None  # None: max(ℓ* − 1, 1)
    logarithms: int | None  # None: some power


LOOKAHEAD = "each sample's own lookahead, spherical update, correlation loss"
REUSED = "two-layer network, minibatches used again, square loss"
CLAIMS = (
    Claim("2405.15459, theorem 1", "theorem", LOOKAHEAD, "n_b = 1, ρ ∝ 1/d, γ ∝ 1/d", 1, 1.0, 0),
    Claim("2405.15459, theorem 1", "theorem", LOOKAHEAD, "n_b = 1, ρ ∝ 1/d, γ ∝ 1/(d log d)", 2, 1.0, 2),
    Claim("2405.15459, appendix", "conjecture", LOOKAHEAD, "He3, n_b up to d^(ℓ*/2)", 1, 1.0, 0),
    Claim("2405.15459, appendix", "conjecture", LOOKAHEAD, "He4, n_b up to d^(ℓ*/2)", 2, 1.0, 1),
    Claim("2406.01581", "abstract", REUSED, "one direction, polynomial target", None, 1.0, None),
    Claim("2406.01581", "abstract", REUSED, "one direction", None, None, None),
)


def lookahead_sample_exponent(target: str | Formula, epsilon: float) -> float:
    """Exponent of N where each sample's lookahead has the rate ``ρ ∝ d^-(1 + ε)``, up to powers of log d.

    *Derived here* by counting powers, for one sample a step at the best learning rate. A lookahead shifts a local field
    by ``ρ c ‖z‖² ∝ d^-ε``, so the term n of its expansion learns from the power n + 1 of the label with a gain of
    ``d^-nε``, while noise is that of a plain step: with ℓ_n the leap index of ``y^n``, N has the least of

        max(ℓ_(n+1) − 1, 1) + 2 n ε ,   n = 0, 1, … .

    It says where the generative regime ends (He₃: at ε = 1/2), of which the abstract of arXiv:2510.21020 tells. It
    holds where the activation has the derivatives' means that each term needs, among them that of order ℓ for n = 0.

    Raises
    ------
    ExponentError
        For ε below 0, a lookahead that grows beyond the local field.
    """
    if not finite("epsilon", epsilon) >= 0:
        raise ExponentError(f"epsilon = {epsilon:g}: the rate of a lookahead is d^-(1 + epsilon), with 0 or more")
    formula = target if isinstance(target, Formula) else Formula.target(target)
    found = [float(saddle_exponent(leap_index(formula)))]
    for n in range(1, HIGHEST_POWER):
        if (n + 1) * (formula.degree or 0) > LARGEST_DEGREE:
            break
        try:
            found.append(saddle_exponent(leap_index(f"({formula.text})**{n + 1}")) + 2 * n * float(epsilon))
        except HermiteError:  # a power that is constant, as that of a sign, or that has no mean square
            continue
    return min(found)
