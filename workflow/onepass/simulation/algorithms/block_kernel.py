"""The chain of composed protocols for inputs with blocks, compiled.

The sums over a batch are those of isotropic inputs: a sample has p + k normals, whatever the number of blocks, because
its label and its weights depend on its fields alone. Given those, what a batch adds to the students in each block is
drawn (`block_step`). Otherwise a step is that of `composed_kernel`, whose names of a protocol it has, and whose lines
stand between the marks of a move.
"""

import numpy as np

from onepass.choices import Momentum
from onepass.simulation.algorithms.block_step import BlockLaw, complete_blocks, field_progress, settle, to_fields
from onepass.simulation.algorithms.composed_kernel import VECTORS
from onepass.simulation.algorithms.composed_step import ASCENT, Composition, is_finite, keep
from onepass.simulation.chain.batch_law import Law
from onepass.simulation.chain.kernel import BUDGET, DIVERGED, RECOVERED, STUDENTS, TEACHERS, batch_sums, workspace
from onepass.simulation.jit import compiled

# <run>


@compiled
def run_blocks(rng, start, layer, own: Composition, law: Law, inputs: BlockLaw, record_steps, states, layers):
    """Run one replica from `start` (p, width) and `layer`, a/p (p,), which is changed in place.

    ``states`` (len(record_steps), p, width) receives the students' rows, and ``layers`` (len(record_steps), p) their
    output weights a/p, at each record step; after the replica has stopped, its last state. Returns (steps run,
    RECOVERED | BUDGET | DIVERGED).
    """
    p, k, held, blocks = STUDENTS, TEACHERS, STUDENTS * VECTORS, inputs.dimensions.size
    near, each = k + p, k + held + p
    width = blocks * each
    work = workspace(law)
    rows, moved = np.zeros((held, width)), np.zeros((held, width))
    for j in range(p):
        for r in range(width):
            rows[j, r] = start[j, r]
    frame, factor, fields = np.zeros((p, width)), np.zeros((p, near)), np.empty((p, 5))
    drift, gram = np.empty((p, near)), np.empty((p, p))
    gradient, noise, moved_layer = np.empty((p, width)), np.empty((p, width)), np.empty(p)
    root, turned = np.zeros((p, p)), np.empty((p, p + 1))  # noqa: F841  a move needs the second
    rate, share = own.learning_rate, own.second_layer_rate / (own.batch_size * p * p)  # of a/p, by the ascent of a
    step, recorded, status = 0, 0, BUDGET
    while True:
        if record_steps[recorded] == step:
            keep(rows, layer, states, layers, recorded, width)
            recorded += 1
        if field_progress(rows, inputs, p, k, blocks, each, own.by_cosine) >= own.threshold * own.threshold:
            status = RECOVERED
            break
        if step == own.steps:
            break

        ahead = rate * own.beta if own.momentum == Momentum.NESTEROV else 0.0
        for j in range(held):
            for r in range(width):
                moved[j, r] = rows[j, r]
                if VECTORS > 1 and j < p:
                    moved[j, r] += ahead * rows[p + j, r]
        settle(moved, held, k, blocks, each)
        to_fields(moved, inputs, factor, frame, p, k, blocks, each)
        for j in range(p):
            fields[j, ASCENT] = 0.0
        batch_sums(rng, factor, layer, own, own.loss, law, work, fields, drift, gram)
        complete_blocks(rng, gradient, drift, gram, root, noise, inputs, frame, p, k, blocks, each)
        # <move>
        # </move>
        for j in range(p):
            moved_layer[j] = layer[j] + rate * share * fields[j, ASCENT]
        if not is_finite(moved, moved_layer, held, width):
            status = DIVERGED
            break
        for j in range(held):
            for r in range(width):
                rows[j, r] = moved[j, r]
        for j in range(p):
            layer[j] = moved_layer[j]
        step += 1
    for i in range(recorded, record_steps.size):
        keep(rows, layer, states, layers, i, width)
    return step, status


# </run>
