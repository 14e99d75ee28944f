"""Sums over batches that are seen again, compiled: the batch's lookahead, and consecutive passes over one batch.

They stand in the place of the sums of the basic chain (`onepass.simulation.chain.kernel`). A batch stays in memory for
its passes, as `lazy_kernel` has it. The lines of a response are those of `composed_kernel`.
"""

from math import sqrt

import numpy as np

from onepass.choices import Lookahead
from onepass.simulation.algorithms.composed_kernel import VECTORS, response
from onepass.simulation.algorithms.composed_step import ASCENT, Composition
from onepass.simulation.algorithms.lazy_kernel import Sizes, add_fields, combine, open_batch
from onepass.simulation.algorithms.rows import inner
from onepass.simulation.chain.kernel import STUDENTS, TEACHERS, derivative, target
from onepass.simulation.jit import compiled, inlined

# <sums>

# <response>
# </response>


@compiled
def workspace(sizes: Sizes):
    """The arrays of `lazy_kernel`, few since each costs a step of one sample as much as a normal does, whenever a
    function is told of it; and its numbers, with that of the passes to come."""
    return (
        np.zeros((sizes.labels + 1, sizes.batch_size)),
        np.empty((sizes.left + STUDENTS, sizes.width)),
        np.zeros(4, dtype=np.int64),
    )


@inlined
def weigh(batch, layer, loss, sizes: Sizes, fields):
    """Write the weights of the gradient where samples have their fields, and the ascent of output weights there."""
    for j in range(STUDENTS):
        fields[j, ASCENT] = 0.0
    for i in range(sizes.batch_size):
        for j in range(STUDENTS):
            fields[j, 0] = batch[sizes.fields + j, i]
        found = response(loss, batch[sizes.labels, i], layer, fields)
        for j in range(STUDENTS):
            batch[sizes.weights + j, i] = layer[j] * derivative(fields[j, 0]) * found


@inlined
def batch_sums(rng, points, layer, own: Composition, loss, sizes: Sizes, work, fields, gradient, gram):
    """``Σ c zᵀ / n_b`` (p, width) over a batch, along all directions that it has opened; a fresh one after its passes.

    Of a fresh batch ``points`` (p, width) are lower triangular beside the teacher. ``fields`` (p, 5) receives
    ``Σ c_j λ_j / n_b`` in its third column. No use for ``gram``.
    """
    p, k, size = STUDENTS, TEACHERS, sizes.batch_size
    batch, seen, counts = work
    opened, known, rank, to_come = counts[0], counts[1], counts[2], counts[3]
    again = to_come > 0
    if not again:
        to_come, rank = own.passes, 0
        opened, known = open_batch(rng, batch, sizes, k + p, k + p * VECTORS, own.dimension)
        deviation = sqrt(own.noise)
        for i in range(size):
            batch[sizes.labels, i] = target(batch[:k, i])
            if deviation > 0.0:
                batch[sizes.labels, i] += deviation * rng.standard_normal()
    for j in range(p):
        for i in range(size):
            batch[sizes.fields + j, i] = 0.0
    opened = add_fields(rng, batch, seen, sizes, opened, known, rank, points, 1.0, again)
    weigh(batch, layer, loss, sizes, fields)
    if own.lookahead == Lookahead.BATCH:
        known, rank = combine(rng, batch, seen, sizes, opened, known, rank, own.dimension, gradient)
        share = own.lookahead_rate / own.dimension * size
        opened = add_fields(rng, batch, seen, sizes, opened, known, rank, gradient, share, True)
        weigh(batch, layer, loss, sizes, fields)
    known, rank = combine(rng, batch, seen, sizes, opened, known, rank, own.dimension, gradient)
    counts[0], counts[1], counts[2], counts[3] = opened, known, rank, to_come - 1
    for j in range(p):
        fields[j, 2] = inner(gradient, j, points, j, sizes.width)


# </sums>
