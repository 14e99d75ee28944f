"""`tune`: the learning rate at which recovery takes the fewest steps, found by simulation alone.

A scan climbs from a rate far too small to one at which runs are slower or fail; then rates are set ever closer around
the best one. No theory enters: neither an exponent nor a bound of the rate. Runs are in leaps, whose cost does not
depend on the rate, or step by step for the algorithms that leaps do not know. Every rate gets the same random numbers,
so that rates are compared on the same luck. The time at the best rate is then measured once more with other random
numbers: that of the search was chosen for being short.
"""

import logging
from collections.abc import Sequence
from functools import partial
from math import isfinite
from typing import NamedTuple

import numpy as np

from onepass.model import Model
from onepass.protocol import Protocol, Update
from onepass.simulation.chain import limits
from onepass.simulation.initial import initial_factors
from onepass.simulation.optimum import lowest, near
from onepass.simulation.parameters import LARGEST_COUNT
from onepass.simulation.records import ABOUT, labelled
from onepass.simulation.simulate import SimulationError
from onepass.simulation.streams import replica_streams
from onepass.simulation.trials import progress_of, trial_of

logger = logging.getLogger("onepass")

STRIDE = {"leap": 16.0, "chain": 4.0}  # between rates without noise: step by step a small rate costs its many steps
OCTAVE = 2.0  # between rates where noise is felt
FELT = 0.1  # change of γT by which it is felt: without noise, and far below a step's own limits, it is a constant
PATIENCE = 2.0  # a rate is given so many times the steps of the best so far
BEYOND = 2.0  # times the best rate: where a scan ends
FRUITLESS = 8  # rates without recovery after which a scan ends that has found none
ROUNDS, RATES = 12, 9  # of refinement, and rates of each
ENOUGH = 7  # rates `near` the best one that tell where it is
CLOSEST = 1e-9  # relative distance of two rates
LENGTH = 10.0  # times the shortest median: the budget of the runs that measure it again


class _Runs(NamedTuple):
    """All replicas at one rate."""

    median: float  # steps; inf where half of the replicas or more do not recover
    steps: np.ndarray  # (replica,)
    recovered: np.ndarray
    budget: int
    tolerance: float


def tune(
    model: Model,
    protocol: Protocol,
    *,
    dimension: int,
    batch_size: int,
    first_rate: float,
    first_steps: int,
    replicas: int = 64,
    seed: int | Sequence[int] = 0,
    threshold: float = 0.5,
    recovery: str = "cosine",
    initial="sphere",
    engine: str = "leap",
    tolerance: float = limits.TOLERANCE,
):
    """Search the learning rate of the shortest median time to weak recovery.

    Parameters
    ----------
    first_rate, first_steps : where the scan begins, far too small, and the budget there; larger rates have the budget
        of the same ``γ steps``, and no more than twice the best median so far.
    engine : "leap", whose cost does not depend on the rate, for the protocols that are basic (`Protocol.is_basic`); or
        "chain", step by step, for every protocol: there a first rate a hundred times too small costs a hundred times
        the steps of the best.
    tolerance : of the leaps around the best rate; the scan has that of 0.1. The engine "chain" is exact.

    The others are those of `onepass.simulate`.

    Returns
    -------
    xarray.Dataset
        ``learning_rate``, ``budget``, ``tolerance`` (rate), increasing; ``recovery_step``, ``recovered`` (rate,
        replica), a time beyond the budget being censored there; ``best_rate`` and of as many replicas with other random
        numbers ``best_step``, ``best_recovered`` (replica) at this rate, within ten times its median, or 0 and false
        where no rate recovers. Of rates that are all as good, the smallest is the best. The attribute ``outcome`` says
        in words what the search found: also that no rate recovers, or that the scan began where noise is felt already.

    Raises
    ------
    ValueError
        For a parameter outside its range, a tolerance that the model's batch law cannot keep, or a start that has
        recovered already.
    """
    for key, value, allowed in (
        ("first_rate", first_rate, "a finite number above 0"),
        ("first_steps", first_steps, "a whole number from 1"),
        ("threshold", threshold, "a number above 0"),
    ):
        if value is None or not (isfinite(value) and value > 0):
            raise SimulationError(f"{key} is {value!r}; allowed: {allowed}")
    place = {"dimension": dimension, "batch_size": batch_size, "replicas": replicas}
    first = {"learning_rate": first_rate, "steps": first_steps}
    for remark in model.inputs.remarks:
        logger.warning("%s", remark)
    simulated = trial_of(model, protocol, engine, tolerance, recovery, threshold, **place, **first)
    rough, fine = (limits.HIGHEST, tolerance) if engine == "leap" else (0.0, 0.0)
    streams = replica_streams(seed, 2 * replicas)
    unit = protocol.update != Update.PLAIN
    starts = initial_factors(model, initial, dimension, streams, unit)
    if (progress_of(model, dimension, starts) >= threshold).any():
        raise SimulationError(f"initial is {initial!r}, where overlaps are above the threshold {threshold:g} already")
    streams, others = streams[:replicas], streams[replicas:]
    drawn = [stream.bit_generator.state for stream in streams]  # every rate goes on from here
    tried: dict[float, _Runs] = {}

    def run(rate: float, expected: float = np.inf, *, accuracy: float) -> float:
        """Simulate all replicas at a rate, in twice the steps of the best rate or of what is expected; their median."""
        best = min((runs.median for runs in tried.values()), default=np.inf)
        budget = max(1, int(min(first_rate * first_steps / rate, PATIENCE * min(best, expected))))
        for stream, state in zip(streams, drawn, strict=True):
            stream.bit_generator.state = state
        steps, recovered = simulated(rate, budget, accuracy, starts[:replicas], streams)
        median = float(np.median(np.where(recovered, steps, np.inf)))
        tried[rate] = _Runs(median, steps, recovered, budget, accuracy)
        return median

    outcome = _scan(partial(run, accuracy=rough), tried, first_rate, STRIDE[engine])
    best, again = 0.0, (np.zeros(replicas), np.zeros(replicas, dtype=bool))
    if np.isfinite(min(runs.median for runs in tried.values())):
        _refine(partial(run, accuracy=fine), tried)
        rates = sorted(rate for rate in tried if tried[rate].tolerance == fine)
        best, median = lowest(np.array(rates), np.array([tried[rate].median for rate in rates]))
        best = float(f"{best:.12g}")  # the last bits of a machine's log() must not reach the results
        again = simulated(best, max(1, int(LENGTH * median)), fine, starts[replicas:], others)
    else:
        logger.warning("%s at d = %d, n_b = %d: %s", protocol.name, dimension, batch_size, outcome)
    return _dataset(tried, engine, outcome, best, *again)


def _scan(run, tried, first_rate: float, first_stride: float) -> str:
    """Climb from the smallest rate until runs fail; what was found, in words."""
    rate, stride, product, outcome = first_rate, first_stride, None, ""
    while True:
        expected = (
            np.inf if product is None or stride != first_stride else product / rate
        )  # failing at length costs most
        found = run(rate, expected) * rate
        best = min(tried, key=lambda rate: (tried[rate].median, rate))
        if not isfinite(tried[best].median):
            if len(tried) == FRUITLESS:
                return (
                    f"no recovery at any of {len(tried)} rates from {first_rate:.3g} to {rate:.3g}, within "
                    f"{tried[first_rate].budget:.3g} to {tried[rate].budget:.3g} steps"
                )
        elif product is None:
            product = found
        elif stride == first_stride and not abs(found / product - 1) < FELT:
            if len(tried) == 2:
                outcome = f"noise is felt at the first rate, {first_rate:.3g}: a smaller one belongs there; "
            rate, stride = (rate if isfinite(found) else rate / first_stride), OCTAVE
        elif stride == OCTAVE and rate >= BEYOND * best:
            return f"{outcome}best rate {best:.4g} of a scan from {first_rate:.3g} to {rate:.3g}"
        rate *= stride


def _refine(run, tried) -> None:
    """Rates around the best one, evenly in the logarithm, until enough of them lie near its median."""
    scanned = sorted(tried)
    place = scanned.index(min(scanned, key=lambda rate: (tried[rate].median, rate)))
    low, high = scanned[max(place - 1, 0)], scanned[min(place + 1, len(scanned) - 1)]
    fine: list[float] = []
    for _ in range(ROUNDS):
        for rate in np.geomspace(low, high, RATES):
            rate = float(f"{rate:.12g}")  # the last bits of a machine's pow() must not reach the results
            if not any(abs(rate / other - 1) < CLOSEST for other in fine):
                run(rate)
                fine.append(rate)
        fine.sort()
        medians = np.array([tried[rate].median for rate in fine])
        first, last = near(medians)
        if last - first + 1 >= ENOUGH or high / low - 1 < RATES * CLOSEST:
            return
        low = fine[first - 1] if first > 0 else max(fine[0] / OCTAVE, scanned[0])
        high = fine[last + 1] if last + 1 < len(fine) else min(fine[-1] * OCTAVE, scanned[-1])


def _dataset(tried, engine: str, outcome: str, best: float, best_step, best_recovered):
    import xarray as xr

    rates = sorted(tried)
    runs = [tried[rate] for rate in rates]
    steps = np.array([each.steps for each in runs], dtype=float)
    if steps.max() <= LARGEST_COUNT and all(each.budget <= LARGEST_COUNT for each in runs):
        steps = steps.astype(np.int64)
    data = {
        "learning_rate": ("rate", rates),
        "recovery_step": (("rate", "replica"), steps),
        "recovered": (("rate", "replica"), np.array([each.recovered for each in runs])),
        "budget": ("rate", np.array([float(each.budget) for each in runs])),
        "tolerance": ("rate", [each.tolerance for each in runs]),
        "best_rate": ((), best),
        "best_step": ("replica", best_step),
        "best_recovered": ("replica", best_recovered),
    }
    return labelled(xr.Dataset(data, attrs={"engine": engine, "backend": "numpy", "outcome": outcome}), ABOUT)
