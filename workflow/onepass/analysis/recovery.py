"""Recovery times with censoring made explicit.

A replica that has not recovered within its budget is known only to need longer: its time is censored
there, never dropped.  A quantile that lies beyond the budget is ``inf``, not a number.

Times are reported as counted, without a continuity correction: a crossing somewhere in ``(T - 1, T]``
would suggest ``T - 1/2``, but a discrete process differs from a continuous one by terms of order ``log T``
steps anyway.  The resolution of one step is an uncertainty instead, `RESOLUTION`, for fits to add.
"""

from typing import NamedTuple

import numpy as np

from onepass.errors import OnepassError
from onepass.protocol import Protocol

RESOLUTION = 1 / np.sqrt(12)  # standard deviation, in steps, of a time known to ± 1/2 step
_ROUNDING = 1e-9


class RecoveryError(OnepassError, ValueError):
    """Recovery times that no statistic can be taken of."""


class MedianRecovery(NamedTuple):
    """Median recovery time in steps, ``inf`` beyond the budget, and the fraction of replicas recovered."""

    steps: float
    recovered_fraction: float


def median_recovery(recovery_step, recovered):
    """Return the censored median over replicas, ``inf`` unless more than half of them recover."""
    recovery_step, recovered = _checked(recovery_step, recovered)
    return MedianRecovery(recovery_quantile(recovery_step, recovered), float(recovered.mean()))


def samples_seen(protocol, batch_size, steps):
    """Samples N that so many steps of a protocol, by name, have seen: n_b for each batch begun, of K steps each."""
    passes = Protocol.named(str(protocol)).passes
    return batch_size * (steps if passes == 1 else np.ceil(steps / passes))


def final_state(runs) -> dict:
    """Medians over replicas of the overlap's norm and the risk at the end of runs, plain numbers."""
    last = runs.isel(step=-1)
    overlap = last.overlap.transpose("replica", "student", "teacher").values
    return {
        "final_overlap": float(np.median(np.linalg.norm(overlap, axis=(1, 2)))),
        "final_risk": float(np.median(last.risk.values)),
    }


def recovery_quantile(recovery_step, recovered, probability=0.5):
    """Quantile of the Kaplan-Meier distribution of recovery times.

    Parameters
    ----------
    recovery_step : array (replica,)
        Step of recovery or, where not recovered, the number of steps run.
    recovered : bool array (replica,)
    probability : float in (0, 1)

    Returns
    -------
    float
        In steps.  Where the distribution function equals `probability` over an interval, the middle of
        it, so that uncensored times give the usual median; ``inf`` where it ends beyond the budget.
    """
    from scipy.stats import CensoredData, ecdf

    recovery_step, recovered = _checked(recovery_step, recovered)
    _check_probability(probability)
    cdf = ecdf(CensoredData(uncensored=recovery_step[recovered], right=recovery_step[~recovered])).cdf
    first = np.flatnonzero(cdf.probabilities >= probability - _ROUNDING)
    beyond = np.flatnonzero(cdf.probabilities > probability + _ROUNDING)
    if not (first.size and beyond.size):
        return np.inf
    return float(cdf.quantiles[first[0]] + cdf.quantiles[beyond[0]]) / 2


def singly_censored(recovery_step, recovered):
    """Whether all censoring lies at or after the last recovery, as with one budget for all replicas."""
    recovery_step, recovered = _checked(recovery_step, recovered)
    if recovered.all() or not recovered.any():
        return True
    return bool(recovery_step[~recovered].min() >= recovery_step[recovered].max())


def bootstrap_quantile(recovery_step, recovered, resamples, rng, probability=0.5):
    """Quantiles (resamples,) of replicas drawn with replacement; arguments as `recovery_quantile`.

    Under a single budget the Kaplan-Meier quantile is the plain one with ``inf`` for a censored time:
    no weight moves until the last recovery.  Every resample is again so censored, and all are done at once.
    Other censoring goes through `recovery_quantile`, one resample at a time.  With fewer than about
    eight replicas a bootstrapped median is too sure of itself.
    """
    recovery_step, recovered = _checked(recovery_step, recovered)
    _check_probability(probability)
    n = recovery_step.size
    drawn = rng.integers(n, size=(resamples, n))
    if not singly_censored(recovery_step, recovered):
        return np.array([recovery_quantile(recovery_step[i], recovered[i], probability) for i in drawn])
    times = np.where(recovered, recovery_step, np.inf)[drawn]
    # Order statistics on both sides of n·probability; they differ only when that is a whole number.
    low = int(np.ceil(n * probability - _ROUNDING)) - 1
    high = int(np.floor(n * probability + _ROUNDING))
    times = np.partition(times, (low, high), axis=1)
    return (times[:, low] + times[:, high]) / 2


def interval(samples, level=0.95, axis=0):
    """Percentile interval ``(low, high)``; infinite samples count as such, one NaN makes both NaN."""
    # An order statistic, since interpolation between finite and infinite samples gives NaN.
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(samples, tails, axis=axis, method="inverted_cdf")
    return low, high


def _checked(recovery_step, recovered):
    recovery_step, recovered = np.asarray(recovery_step, dtype=float), np.asarray(recovered)
    if recovery_step.ndim != 1 or recovery_step.shape != recovered.shape or not recovery_step.size:
        raise RecoveryError(
            f"recovery_step {recovery_step.shape} and recovered {recovered.shape}: "
            "both must have shape (replica,) with one replica or more"
        )
    if recovered.dtype != bool:
        raise RecoveryError(f"recovered has type {recovered.dtype}: it must be bool, without missing values")
    if not (np.isfinite(recovery_step) & (recovery_step >= 0)).all():
        raise RecoveryError(
            f"recovery_step reaches from {recovery_step.min():g} to {recovery_step.max():g}: it must be "
            "finite and not negative; a replica that did not recover has its number of steps there"
        )
    return recovery_step, recovered


def _check_probability(probability):
    if not 0 < probability < 1:
        raise RecoveryError(f"probability = {probability}: it must lie between 0 and 1")
