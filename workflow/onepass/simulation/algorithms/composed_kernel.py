"""The chain of composed protocols, compiled: the steps of `composed.ComposedSGD` without Python inside a run.

Most form one combination of a batch, with weights that are functions of fields at the students' points alone. So the
sums over the batch are those of the basic chain (`onepass.simulation.chain.kernel`): p + k normals a sample, whatever
is held. Held rows are ``[M | L]`` with the points of the gradient first, so that the fields have no part along the
others. Along these the gradient is K times normals, outside of all K times a Bartlett factor, ``K Kᵀ = Σ c cᵀ / n_b²``.
Others have sums that are the whole gradient: `walk_kernel`, of weights that know norms, and `again_kernel`, of batches
that are seen again; between the passes over one, rows have coordinates in every direction that it has opened.

The lines between the marks of a protocol stand for one (here the basic losses); `composed_chain` puts others in their
place. Those between the marks of a move stand in the kernel for inputs with blocks too (`block_kernel`).
"""

import numpy as np
from numba import njit

from onepass.choices import Direction, Loss, Momentum, Schedule, Update, Velocity
from onepass.gaussian.risk import RiskSeries
from onepass.simulation.algorithms.composed_step import (
    ASCENT,
    VALUE,
    Composition,
    accelerate,
    complete,
    complete_one,
    frobenius,
    go_along,
    is_finite,
    keep,
    make_tangent,
    progress,
    resize,
    resize_rows,
    transport,
)
from onepass.simulation.algorithms.rows import lower_triangular, polar
from onepass.simulation.chain.batch_law import Law
from onepass.simulation.chain.kernel import (
    BUDGET,
    DIVERGED,
    RECOVERED,
    STUDENTS,
    TEACHERS,
    activation,
    batch_sums,
    workspace,
)
from onepass.simulation.chain.unit_risk import sphere_risk
from onepass.simulation.jit import compiled, inlined

# <response>

# <protocol>

# Vectors that a student holds; whether the output is needed; whether weights know the norms of their samples; whether
# a batch is seen again.
VECTORS, OUTPUT, WALKS, AGAIN = 1, True, False, False


@njit
def transformed(y):
    return y


@njit
def psi(y, f):
    return y


# </protocol>


@inlined
def look(loss, label, layer, fields):
    """ψ of a sample; of loss "square", which the adaptive schedule changes to, ``y − f``."""
    y, f = transformed(label), 0.0
    if not OUTPUT:
        return psi(y, f)
    for j in range(STUDENTS):
        fields[j, VALUE] = activation(fields[j, 0])
        f += layer[j] * fields[j, VALUE]
    return y - f if loss == Loss.SQUARE else psi(y, f)


@inlined
def response(loss, label, layer, fields):
    """The same, and what it adds to the ascent of the output weights."""
    found = look(loss, label, layer, fields)
    if OUTPUT:
        for j in range(STUDENTS):
            fields[j, ASCENT] += fields[j, VALUE] * found
    return found


# </response>

# <run>


@compiled
def run_composed(rng, factor, layer, own: Composition, law: Law, series: RiskSeries, record_steps, states, layers):
    """Run one replica from `factor` (p, k + p), and `layer`, a/p (p,), which is changed in place.

    ``states`` (len(record_steps), p, width) receives the students in some basis that begins with the teacher's, and
    ``layers`` (len(record_steps), p) their output weights a/p, at each record step; after the replica has stopped, its
    last state. Returns (steps run, RECOVERED | BUDGET | DIVERGED).
    """
    p, k, held = STUDENTS, TEACHERS, STUDENTS * VECTORS
    width = states.shape[2] if AGAIN else k + held + p
    work = workspace(law)
    rows, moved = np.zeros((held, width)), np.zeros((held, width))
    for j in range(p):
        for r in range(k + p):
            rows[j, r] = factor[j, r]
    fields, gradient, gram, moved_layer = np.empty((p, 5)), np.zeros((p, width)), np.empty((p, p)), np.empty(p)
    near = k + p  # directions along which samples have coordinates, but where the sums are the whole gradient
    drift = gradient if WALKS or AGAIN else np.empty((p, near))
    root, wishart, turned = np.zeros((p, p)), np.zeros((p, p)), np.empty((p, p + 1))
    degrees, rate, loss = float(own.dimension - k - held), own.learning_rate, own.loss
    adaptive, switch = own.schedule == Schedule.ADAPTIVE, 0.0
    if adaptive:
        switch = own.risk_fraction * sphere_risk(rows, layer, series, own.missing)
    of_directions = own.by_cosine and own.update == Update.PLAIN
    share = own.second_layer_rate / (own.batch_size * p * p)  # of a/p, by the ascent of a
    step, recorded, status, seen = 0, 0, BUDGET, 0  # seen: passes over the batch at hand
    while True:
        if record_steps[recorded] == step:
            keep(rows, layer, states, layers, recorded, width)
            recorded += 1
        if progress(rows, p, k, width, of_directions) >= own.threshold * own.threshold:
            status = RECOVERED
            break
        if step == own.steps:
            break
        if adaptive and sphere_risk(rows, layer, series, own.missing) < switch:
            rate *= own.decay * (own.drop if loss == Loss.CORRELATION else 1.0)
            loss = Loss.SQUARE.value

        ahead = rate * own.beta if own.momentum == Momentum.NESTEROV else 0.0
        for j in range(held):
            for r in range(width):
                moved[j, r] = rows[j, r]
                if VECTORS > 1 and j < p:
                    moved[j, r] += ahead * rows[p + j, r]
        if seen == 0:
            lower_triangular(moved, held, k, width)
        seen = seen + 1 if seen + 1 < own.passes else 0
        for j in range(p):
            fields[j, ASCENT] = 0.0
        batch_sums(rng, moved, layer, own, loss, law, work, fields, drift, gram)
        if WALKS or AGAIN:
            pass  # the sums are the whole gradient
        elif p > 1:
            complete(rng, gradient, drift, gram, root, wishart, degrees, p, near, k + held)
        elif gram[0, 0] > 0.0:
            complete_one(rng, gradient, drift, gram[0, 0], degrees, near, k + held)
        else:
            for r in range(width):
                gradient[0, r] = drift[0, r] if r < near else 0.0

        # <move>
        if own.update == Update.SPHERICAL:
            make_tangent(gradient, moved, fields, p, width)
        if own.direction == Direction.CLIPPED and frobenius(gradient, p, width) > own.clip * own.clip:
            resize(gradient, p, width, own.clip)
        if VECTORS > 1:
            accelerate(moved, gradient, ahead, own.beta, p, width)
        if own.direction == Direction.NORMALISED:
            resize(gradient, p, width, 1.0)
        elif own.direction == Direction.ROWS:
            resize_rows(gradient, p, width)
        elif own.direction == Direction.POLAR:
            polar(gradient, turned, p, width)
        go_along(moved, gradient, rate, 1.0 - rate * own.weight_decay, p, width)
        if own.update != Update.PLAIN:
            resize_rows(moved, p, width)
        if VECTORS > 1 and own.velocity == Velocity.TRANSPORTED:
            transport(moved, p, width)
        # </move>
        for j in range(p):
            moved_layer[j] = layer[j] + rate * share * fields[j, ASCENT]
        if not is_finite(moved, moved_layer, held, width):
            status = DIVERGED
            break
        for j in range(held):  # copied: to exchange the arrays would count references at every step
            for r in range(width):
                rows[j, r] = moved[j, r]
        for j in range(p):
            layer[j] = moved_layer[j]
        step += 1
    for i in range(recorded, record_steps.size):
        keep(rows, layer, states, layers, i, width)
    return step, status


# </run>
