"""The overlap chain, compiled: the same steps as `overlap_chain.step`, without Python inside a run.

The lines between the marks of a model stand for one model (here He3 against He3, one student); `build` writes a
copy of this file for every other model with its formulas and widths in their place, so that the
compiler inlines the ones, unrolls the loops over the others and keeps the machine code on disk
from one job to the next. The lines between the marks of the sums are the chain's own part; the engine for very
large batches has others in their place (`sums_series`, `sums_nodes`), and composed protocols another response to a
sample (`onepass.simulation.algorithms.composed_kernel`).
"""

from math import isfinite, sqrt

import numpy as np
from numba import njit

from onepass.gaussian.risk import RiskSeries
from onepass.protocol import Loss, Schedule, Update
from onepass.simulation.chain.batch_law import Law
from onepass.simulation.chain.unit_risk import population_risk
from onepass.simulation.chain.wishart import bartlett, chi_square, semidefinite_cholesky
from onepass.simulation.jit import compiled, inlined
from onepass.simulation.parameters import Parameters

# <model>

STUDENTS, TEACHERS = 1, 1


@njit
def target(x):
    return x[0] * (x[0] * x[0] - 3.0)


@njit
def activation(x):
    return x * (x * x - 3.0)


@njit
def derivative(x):
    return 3.0 * (x * x - 1.0)


# </model>

CHUNK = 1024  # samples drawn at once: they stay in the first-level cache
RECOVERED, BUDGET, DIVERGED = 0, 1, 2


# <sums>


@compiled
def workspace(law: Law):
    """Arrays for the samples of a chunk and their label noise."""
    return np.empty((CHUNK, STUDENTS + TEACHERS)), np.zeros(CHUNK)


# <response>


@inlined
def response(loss, label, layer, fields):
    """E of a sample: its label, by the square loss without the output of students with these fields."""
    error = label
    if loss == Loss.SQUARE:
        for j in range(STUDENTS):
            error -= layer[j] * activation(fields[j, 0])
    return error


# </response>


@inlined
def batch_sums(rng, factor, layer, parameters: Parameters, loss, law: Law, work, fields, drift, gram):
    """Sums over one fresh batch: ``drift = Σ c uᵀ / n_b`` (p, k + p), lower ``gram = Σ c cᵀ / n_b²`` (p, p).

    ``u = (z in the teacher's span, z in the students' own span)``, ``c_j = (a_j/p) σ'(λ_j) E``; ``fields``
    (p, 3) receives λ, c and, summed over the batch, ``Σ c_j λ_j / n_b`` in its columns.
    """
    p, k, width = STUDENTS, TEACHERS, STUDENTS + TEACHERS
    batch_size, deviation, (inputs, noises) = parameters.batch_size, sqrt(parameters.noise), work
    for j in range(p):
        fields[j, 2] = 0.0
        for r in range(width):
            drift[j, r] = 0.0
        for m in range(p):
            gram[j, m] = 0.0
    for start in range(0, batch_size, CHUNK):
        count = min(CHUNK, batch_size - start)
        for i in range(count):
            for r in range(width):
                inputs[i, r] = rng.standard_normal()
        if deviation > 0.0:
            for i in range(count):
                noises[i] = deviation * rng.standard_normal()
        for i in range(count):
            for j in range(p):
                field = 0.0
                for r in range(k + j + 1):
                    field += factor[j, r] * inputs[i, r]
                fields[j, 0] = field
            error = response(loss, target(inputs[i, :k]) + noises[i], layer, fields)
            for j in range(p):
                c = layer[j] * derivative(fields[j, 0]) * error
                fields[j, 1] = c
                fields[j, 2] += c * fields[j, 0]
                for r in range(width):
                    drift[j, r] += c * inputs[i, r]
                for m in range(j + 1):
                    gram[j, m] += c * fields[m, 1]
    share = 1.0 / batch_size
    for j in range(p):
        fields[j, 2] *= share
        for r in range(width):
            drift[j, r] *= share
        for m in range(j + 1):
            gram[j, m] *= share * share


# </sums>


@inlined
def move(rng, factor, rate, update, degrees, fields, drift, gram, root, wishart, outside):
    """Move `factor` by the sums over a batch, from which `gram` does not come back; whether all is finite.

    ``degrees`` is d − p − k; ``root``, ``wishart`` and ``outside`` are arrays (p, p) to work in.
    """
    p, k, width = STUDENTS, TEACHERS, STUDENTS + TEACHERS
    for j in range(p):
        radial = fields[j, 2] if update == Update.SPHERICAL else 0.0
        for r in range(width):
            factor[j, r] += rate * (drift[j, r] - radial * factor[j, r])

    # Outside span(W, W*) the inputs are independent of everything above: only their Gram matrix counts.
    if p == 1:  # the same without roots of squares: they are a tenth of a step of one sample
        gram[0, 0] = factor[0, k] ** 2 + rate * rate * gram[0, 0] * (
            chi_square(rng, degrees) if gram[0, 0] > 0.0 else 0.0
        )
        factor[0, k] = sqrt(gram[0, 0])
    else:
        rank = semidefinite_cholesky(gram, p, root, 0)
        bartlett(rng, wishart, rank, degrees)
        for j in range(p):
            for r in range(p):
                value = 0.0
                for m in range(r, p):
                    value += root[j, m] * wishart[m, r]
                outside[j, r] = rate * value
        for j in range(p):
            for i in range(j + 1):
                value = 0.0
                for r in range(k, width):
                    value += factor[i, r] * factor[j, r]
                for r in range(p):
                    value += outside[i, r] * outside[j, r]
                gram[j, i] = value
        semidefinite_cholesky(gram, p, factor, k)
    for j in range(p):
        norm = gram[j, j]
        for r in range(k):
            norm += factor[j, r] * factor[j, r]
        if not isfinite(norm):
            return False
        share = 1.0 / sqrt(norm)
        for r in range(width):
            factor[j, r] *= share
    return True


@compiled
def run(rng, factor, layer, parameters: Parameters, law: Law, series: RiskSeries, record_steps, records):
    """Run one replica from `factor` (p, k + p; changed in place) until recovery or the end of its budget.

    The chain's own sums have no use for ``law``.
    ``records`` (len(record_steps), p, k + p) receives the factor at each record step; after the replica
    has stopped, its last state. Returns (steps run, RECOVERED | BUDGET | DIVERGED).
    """
    p, k, width = STUDENTS, TEACHERS, STUDENTS + TEACHERS
    work = workspace(law)
    fields, drift, gram = np.empty((p, 3)), np.empty((p, width)), np.empty((p, p))
    root, wishart, outside = np.zeros((p, p)), np.zeros((p, p)), np.empty((p, p))
    rate, loss = parameters.learning_rate, parameters.loss
    degrees = float(parameters.dimension - width)
    threshold = parameters.threshold * parameters.threshold
    switch, adaptive = 0.0, parameters.schedule == Schedule.ADAPTIVE
    if adaptive:
        switch = parameters.risk_fraction * population_risk(factor, layer, series)
    step, recorded, status = 0, 0, BUDGET
    while True:
        if record_steps[recorded] == step:
            records[recorded] = factor
            recorded += 1
        squared = 0.0
        for j in range(p):
            for r in range(k):
                squared += factor[j, r] * factor[j, r]
        if squared >= threshold:
            status = RECOVERED
            break
        if step == parameters.steps:
            break
        if adaptive and population_risk(factor, layer, series) < switch:
            rate *= parameters.decay * (parameters.drop if loss == Loss.CORRELATION else 1.0)
            loss = Loss.SQUARE.value

        batch_sums(rng, factor, layer, parameters, loss, law, work, fields, drift, gram)
        if not move(rng, factor, rate, parameters.update, degrees, fields, drift, gram, root, wishart, outside):
            return step, DIVERGED
        step += 1
    for i in range(recorded, record_steps.size):
        records[i] = factor
    return step, status
