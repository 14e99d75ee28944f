"""The parts of compiled steps that know the blocks of inputs.

Rows (count, B · each) have in block b the k coordinates of the teacher's directions, one for each row held, and p that
a gradient adds, as far as d_b goes; what is beyond stays 0. Inputs have deviation s_b there. So the fields of rows are
those of rows times deviations in white inputs u, whose orthonormal frame O starts with the teacher: ``F = [M | L] O``.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from onepass.simulation.algorithms.rows import lower_triangular
from onepass.simulation.chain.wishart import chi_square, semidefinite_cholesky
from onepass.simulation.jit import inlined

RANK = 1e-12  # a squared rest of a row below this fraction of the row's is rounding: it lies in the span of others


class BlockLaw(NamedTuple):
    """The covariance of inputs, as compiled code reads it."""

    dimensions: np.ndarray  # d_b (B,)
    deviations: np.ndarray  # s_b (B,)
    teacher: np.ndarray  # s_b times the length of a teacher's row in block b (B,); their squares sum to 1


@inlined
def settle(rows, held, teachers, blocks, each):
    """Turn the coordinates of each block until those beyond the teacher's are lower triangular."""
    for b in range(blocks):
        lower_triangular(rows, held, b * each + teachers, (b + 1) * each)


@inlined
def field_progress(rows, inputs: BlockLaw, students, teachers, blocks, each, of_directions):
    """``‖M‖_F²`` of the fields of the students, or of their correlations with the teacher's."""
    found = 0.0
    for j in range(students):
        overlaps, square = 0.0, 0.0
        for r in range(teachers):
            overlap = 0.0
            for b in range(blocks):
                overlap += inputs.deviations[b] * inputs.teacher[b] * rows[j, b * each + r]
            overlaps += overlap * overlap
        if of_directions:
            for b in range(blocks):
                own = 0.0
                for r in range(b * each, (b + 1) * each):
                    own += rows[j, r] * rows[j, r]
                square += inputs.deviations[b] * inputs.deviations[b] * own
            overlaps = overlaps / square if square > 0.0 else 0.0
        found += overlaps
    return found


@inlined
def to_fields(rows, inputs: BlockLaw, factor, frame, students, teachers, blocks, each):
    """Write [M | L] (p, k + p) of the fields of the first rows, and the frame O (k + p, B · each) beyond the teacher's.

    By Gram & Schmidt, twice. A row in the span of those before has a frame of 0 there: no field depends on it.
    """
    width = blocks * each
    for j in range(students):
        place, whole = teachers + j, 0.0
        for b in range(blocks):
            for r in range(b * each, (b + 1) * each):
                frame[place, r] = inputs.deviations[b] * rows[j, r]
                whole += frame[place, r] * frame[place, r]
        for m in range(place):
            factor[j, m] = 0.0
        for _ in range(2):
            for m in range(place):
                along = 0.0
                for r in range(width):
                    along += frame[place, r] * frame[m, r]
                for r in range(width):
                    frame[place, r] -= along * frame[m, r]
                factor[j, m] += along
        rest = 0.0
        for r in range(width):
            rest += frame[place, r] * frame[place, r]
        rest = rest if rest > RANK * whole else 0.0
        factor[j, place] = sqrt(rest)
        share = 1.0 / sqrt(rest) if rest > 0.0 else 0.0
        for r in range(width):
            frame[place, r] *= share


@inlined
def complete_blocks(rng, gradient, drift, gram, root, noise, inputs: BlockLaw, frame, count, near, known, blocks, each):
    """Write the gradient (p, B · each) of a batch: its sums along the frame of fields, of `near` rows, and what is
    drawn beside it along the `known` coordinates of each block and outside of these; `gram` does not come back.

    ``noise`` is an array (p, B · each) to work in.
    """
    width = blocks * each
    rank = semidefinite_cholesky(gram, count, root, 0)
    for m in range(rank):
        for b in range(blocks):
            first, d_b = b * each, inputs.dimensions[b]
            opened = min(known, d_b)
            for r in range(each):
                noise[m, first + r] = rng.standard_normal() if r < opened else 0.0
        for o in range(near):
            along = 0.0
            for r in range(width):
                along += noise[m, r] * frame[o, r]
            for r in range(width):
                noise[m, r] -= along * frame[o, r]
        for b in range(blocks):
            first, beyond = b * each + known, inputs.dimensions[b] - known  # row m of a Bartlett factor, trapezoidal
            for r in range(min(m, beyond)):
                noise[m, first + r] = rng.standard_normal()
            if m < beyond:
                noise[m, first + m] = sqrt(chi_square(rng, float(beyond - m)))
    for j in range(count):
        for b in range(blocks):
            for r in range(b * each, (b + 1) * each):
                value = 0.0
                for o in range(near):
                    value += drift[j, o] * frame[o, r]
                for m in range(min(j + 1, rank)):
                    value += root[j, m] * noise[m, r]
                gradient[j, r] = inputs.deviations[b] * value
