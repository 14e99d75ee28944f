"""Leaps compiled: how many steps one takes, where single steps go on instead, and where a leap ends early.

`build` appends what stands between the marks of the run to a copy of `kernel` for one model, and puts the leap
of a form there (`leap_series`, `leap_nodes`) in the place of the lines between the marks of the leap.
"""

from math import exp, inf, isfinite, sqrt

import numpy as np

from onepass.gaussian.risk import RiskSeries
from onepass.protocol import Loss, Schedule
from onepass.simulation.chain.batch_law import Law
from onepass.simulation.chain.kernel import (
    BUDGET,
    DIVERGED,
    RECOVERED,
    STUDENTS,
    TEACHERS,
    batch_sums,
    move,
    workspace,
)
from onepass.simulation.chain.leap_series import leap, look, memory
from onepass.simulation.chain.limits import BENT, Limits
from onepass.simulation.chain.unit_risk import population_risk
from onepass.simulation.jit import compiled, inlined
from onepass.simulation.parameters import Parameters

# <run>

BUNCH = 1000  # single steps at most between two looks at how far a leap would go
HALVINGS = 40  # of a leap within which the schedule changes
ROUNDING = 1e-14  # of a norm that is set: it must not fall below the threshold
STALLED = 3  # beside the chain's own ends

# <leap>
# </leap>


@compiled
def single_steps(rng, factor, layer, parameters: Parameters, rate, loss, law: Law, work, arrays, count):
    """Up to `count` steps of the chain itself, or of its form for very large batches, until recovery.

    Returns (steps, whether all is finite).
    """
    fields, drift, gram, root, wishart, outside = arrays
    degrees, threshold = float(parameters.dimension - STUDENTS - TEACHERS), parameters.threshold**2
    for step in range(count):
        batch_sums(rng, factor, layer, parameters, loss, law, work, fields, drift, gram)
        if not move(rng, factor, rate, parameters.update, degrees, fields, drift, gram, root, wishart, outside):
            return step, False
        if squared_overlap(factor) >= threshold:
            return step + 1, True
    return count, True


@inlined
def squared_overlap(factor):
    """‖M‖²."""
    squared = 0.0
    for j in range(STUDENTS):
        for r in range(TEACHERS):
            squared += factor[j, r] * factor[j, r]
    return squared


@inlined
def leap_rates(rate, decay, limit):
    """How many steps a leap takes whose rates sum up to `limit` rates at most; with decay, infinitely many perhaps."""
    if decay == 1.0:
        return np.floor(limit)
    left = 1.0 - (1.0 - decay) * limit
    return np.floor(np.log(left) / np.log(decay)) if left > 0.0 else inf


@inlined
def sums_of_rates(rate, decay, count):
    """Sum of the rates of a leap, and of their squares."""
    if decay == 1.0:
        return rate * count, rate * rate * count
    return (
        rate * (1.0 - decay**count) / (1.0 - decay),
        rate * rate * (1.0 - decay ** (2.0 * count)) / (1.0 - decay * decay),
    )


@inlined
def met(rng, low, high, variance):
    """Where in a leap a threshold is met, as a fraction of it, or infinity: `low` below before, `high` above after.

    The first passage of a Brownian bridge, ``x/(1 − x)`` inverse Gaussian; a leap that ends below may have been there.
    """
    if high < 0.0:
        exponent = -2.0 * low * high
        if exponent >= 40.0 * variance or rng.random() >= exp(-exponent / variance):
            return inf
        high = -high
    if high == 0.0:
        return 1.0
    if variance < 1e-6 * low * low:
        return low / (low + high)
    passage = rng.wald(low / high, low * low / variance)
    return passage / (1.0 + passage)


@compiled
def between(before, after, fraction, factor):
    """Write into `factor` a state between two, its rows of unit norm."""
    for j in range(STUDENTS):
        norm = 0.0
        for r in range(STUDENTS + TEACHERS):
            factor[j, r] = before[j, r] + fraction * (after[j, r] - before[j, r])
            norm += factor[j, r] * factor[j, r]
        for r in range(STUDENTS + TEACHERS):
            factor[j, r] /= sqrt(norm)


@compiled
def to_norm(factor, norm):
    """Stretch the overlaps to a norm, the rest of each row with them: a state that a bridge met."""
    stretch = norm / sqrt(squared_overlap(factor))
    for j in range(STUDENTS):
        squared = 0.0
        for r in range(TEACHERS):
            factor[j, r] *= stretch
            squared += factor[j, r] * factor[j, r]
        rest = 0.0
        for r in range(TEACHERS, STUDENTS + TEACHERS):
            rest += factor[j, r] * factor[j, r]
        if rest > 0.0:
            shrink = sqrt(max(1.0 - squared, 0.0) / rest)
            for r in range(TEACHERS, STUDENTS + TEACHERS):
                factor[j, r] *= shrink


@compiled
def run_leaps(
    rng,
    factor,
    layer,
    parameters: Parameters,
    law: Law,
    series: RiskSeries,
    limits: Limits,
    budget,
    record_steps,
    records,
):
    """As `kernel.run`, in leaps within `limits`; steps are counted in double precision.

    Returns (steps run, RECOVERED | BUDGET | DIVERGED | STALLED, leaps). It stalls where single steps are needed and
    the count of steps is too large to be changed by one.
    """
    p, width = STUDENTS, STUDENTS + TEACHERS
    work, own = workspace(law), memory(law)
    arrays = (
        np.empty((p, 3)),
        np.empty((p, width)),
        np.empty((p, p)),
        np.zeros((p, p)),
        np.zeros((p, p)),
        np.empty((p, p)),
    )
    before, after = np.empty((p, width)), np.empty((p, width))
    rate, loss, decay = parameters.learning_rate, parameters.loss, 1.0
    threshold = parameters.threshold * parameters.threshold
    switch, adaptive, low_risk = 0.0, parameters.schedule == Schedule.ADAPTIVE, False
    if adaptive:
        switch = parameters.risk_fraction * population_risk(factor, layer, series)
    step, recorded, status, leaps, bend = 0.0, 0, BUDGET, 0, 0.0
    while True:
        if record_steps[recorded] == step:
            records[recorded] = factor
            recorded += 1
        squared = squared_overlap(factor)
        if squared >= threshold:
            status = RECOVERED
            break
        if step == budget:
            break
        if adaptive:
            low_risk = population_risk(factor, layer, series) < switch
            decay = parameters.decay if low_risk else 1.0
            if low_risk:
                rate *= parameters.decay * (parameters.drop if loss == Loss.CORRELATION else 1.0)
                loss = Loss.SQUARE.value
        ahead = record_steps[recorded]  # the last of them is the budget
        speed, seen = look(factor, layer, parameters, loss, rate, law, series, limits.unsteady, own)
        speed = max(speed, bend / BENT)
        count = max(1.0, min(leap_rates(rate, decay, limits.relative / speed if speed > 0.0 else inf), ahead - step))

        single = count == 1.0 or count * parameters.batch_size < limits.samples
        if step + (1.0 if single else count) == step:
            return step, STALLED, leaps
        if single:
            wanted = 1 if adaptive else int(min(count, BUNCH))
            done, finite = single_steps(rng, factor, layer, parameters, rate, loss, law, work, arrays, wanted)
            if not finite:
                return step + done, DIVERGED, leaps
            step, leaps, bend = step + done, leaps + done, 0.0  # the drift has moved on since a leap saw it change
            continue

        before[:] = factor
        rates = sums_of_rates(rate, decay, count)
        variance, bend = leap(rng, factor, layer, parameters, loss, rates, count, law, series, seen, own)
        leaps += 1
        reached = sqrt(squared_overlap(factor))
        if not isfinite(reached):
            return step, DIVERGED, leaps
        fraction = inf
        if isfinite(threshold):
            fraction = met(rng, parameters.threshold - sqrt(squared), reached - parameters.threshold, variance)
        if fraction <= 1.0:
            after[:] = factor
            between(before, after, fraction, factor)
            to_norm(factor, parameters.threshold * (1.0 + ROUNDING))
        if adaptive and (population_risk(factor, layer, series) < switch) != low_risk:
            # the schedule changes within the leap: end it there
            after[:] = factor
            start, end = 0.0, 1.0
            for _ in range(HALVINGS):
                middle = 0.5 * (start + end)
                between(before, after, middle, factor)
                if (population_risk(factor, layer, series) < switch) == low_risk:
                    start = middle
                else:
                    end = middle
            end = min(np.ceil(count * end) / count, 1.0)  # at the end of the step in which it does
            between(before, after, end, factor)
            fraction = min(fraction, 1.0) * end
        if fraction <= 1.0:
            count = max(1.0, min(np.ceil(count * fraction), count))
        rate *= decay ** (count - 1.0)
        step = ahead if count == ahead - step else step + count
    for i in range(recorded, record_steps.size):
        records[i] = factor
    return step, status, leaps


# </run>
