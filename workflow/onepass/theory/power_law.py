"""Risk of one-pass SGD against steps for inputs whose variances are a power law.

Variances ``λ_i ∝ i^−a`` with a > 1, and a teacher of one direction with the share ``∝ i^−b`` of its squared norm in
direction i. A linear student learns each direction at its own pace: by step t those with ``γ λ_i t > 1``, the first
``(γ t)^(1/a)``, and the risk is what the others have of the label's variance, ``Σ i^−(a + b) ∝ t^−(a + b − 1)/a``.

`mean_risk` is exact at any step. Noise of the steps, of which labels have none of their own, adds ``∝ γ/n_b
t^−(2 − 1/a)``: below the power law where b < a. Both end where the last direction is learned, ``γ t = d^a``.
"""

from collections.abc import Sequence

import numpy as np

from onepass.errors import OnepassError
from onepass.inputs.kind import Covariance

CLAIMS = {  # of papers, in words of their abstracts; by arXiv number
    "2406.08466": "linear regression, one-pass SGD, variances of degree a, a teacher of isotropic Gaussian prior (here "
    "b = 0): the reducible error is M^-(a-1) + N^-(a-1)/a for M parameters and N samples",
    "2506.08415": "the same for a prior of degree b - a (here b), a > b > 1, so that the teacher's shares rise with i: "
    "M^(1-b) + N^(1-b)/a",
    "2405.15074": "phases of such laws for one-pass SGD, bounded by model capacity, noise of the optimiser and the "
    "embedding of features",
    "2410.09005": "two-layer networks and power laws of inputs, one-pass SGD: a linear network in closed form; else a "
    "plateau whose length depends on the spectrum, then a power law in the place of an exponential",
    "2504.19983": "isotropic inputs, many teachers with second-layer weights of a power law: each is learned abruptly, "
    "all together along a power law. No claim on inputs of a power law",
}


class PowerLawError(OnepassError, ValueError):
    """A power law without the exponent asked for."""


def risk_exponent(power: float, teacher: float) -> float:
    """``(a + b − 1) / a`` of the risk ``∝ t^−exponent``, at rates and batches that keep the noise of steps below it.

    *Derived here* for a linear student. Near the teacher every other student of finite gain ``E[σ'²]`` is linear, with
    the covariance times this gain and another finite rank: the exponent is the same, once a plateau is left.

    Raises
    ------
    PowerLawError
        Where the variances' sum diverges, ``a ≤ 1``, or the noise of steps decays more slowly, ``b ≥ a``.
    """
    if not power > 1:
        raise PowerLawError(f"power is {power:g}; allowed: above 1, where the sum of the variances converges")
    if not 0 <= teacher < power:
        raise PowerLawError(
            f"teacher is {teacher:g}; allowed: from 0 to below the power {power:g}: noise of steps leads"
        )
    return (power + teacher - 1) / power


def mean_risk(
    covariance: Covariance, learning_rate: float, batch_size: int, steps: Sequence[int], initial: float = 0.0
) -> np.ndarray:
    """Mean of ``½ E[(λ* − λ)²]`` over runs of a linear student of a linear target, after each of some steps.

    *Derived here*, exact for plain steps of the square loss without label noise, one direction, one student. With the
    error e = w* − w, ``E[zzᵀ A zzᵀ] = 2 Σ A Σ + tr(Σ A) Σ`` of Gaussian inputs gives for ``D_b = E‖e_b‖²`` of a block

        D_b ← (1 − 2γ s_b² + γ² (1 + 1/n_b) s_b⁴) D_b + γ² d_b s_b² / n_b · Σ_c s_c² D_c .

    Parameters
    ----------
    steps : array (record,).
    initial : inner product of the student with ``Σ w*/‖Σ w*‖`` at the start, the rest of it uniform on what is left
        of the unit sphere, as ``("overlap", initial)`` in `onepass.simulate`.

    Returns
    -------
    numpy.ndarray
        (record,), in units of the label's variance.
    """
    sizes, variances = np.array(covariance.dimensions, dtype=float), np.array(covariance.variances)
    teacher = np.array(covariance.teacher_frame)
    toward = variances * teacher
    toward /= np.linalg.norm(toward)
    left = (1 - initial**2) * (sizes - toward**2) / (sizes.sum() - 1)
    errors = (teacher - initial * toward) ** 2 + left
    own = 1 - 2 * learning_rate * variances + learning_rate**2 * (1 + 1 / batch_size) * variances**2
    # Symmetric in the coordinates D_b / √d_b.
    shared = learning_rate * variances * np.sqrt(sizes / batch_size)
    factors, modes = np.linalg.eigh(np.diag(own) + np.outer(shared, shared))
    start, seen = modes.T @ (errors / np.sqrt(sizes)), modes.T @ (variances * np.sqrt(sizes))
    return 0.5 * (factors ** np.asarray(steps)[:, None]) @ (start * seen)
