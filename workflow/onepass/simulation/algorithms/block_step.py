"""The parts of compiled steps that know the blocks of inputs.

Rows (count, B · each) have in block b the k coordinates of the teacher's directions, one for each row held, and p that
a gradient adds, as far as d_b goes; what is beyond stays 0. Inputs have deviation s_b there. So the fields of rows are
those of rows times deviations in white inputs u, whose orthonormal frame O starts with the teacher: ``F = [M | L] O``.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from onepass.simulation.algorithms.rows import inner, lower_triangular, squared_norm
from onepass.simulation.chain.wishart import chi_square, semidefinite_cholesky
from onepass.simulation.jit import inlined

RANK = 1e-12  # a squared rest of a row below this fraction of the row's is rounding: it lies in the span of others


class BlockLaw(NamedTuple):
    """The covariance of inputs, as compiled code reads it."""

    dimensions: np.ndarray  # d_b (B,)
    scales: np.ndarray  # s_b of each coordinate of rows (B · each,)
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
                overlap += inputs.teacher[b] * inputs.scales[b * each] * rows[j, b * each + r]
            overlaps += overlap * overlap
        if of_directions:
            for r in range(blocks * each):
                scaled = inputs.scales[r] * rows[j, r]
                square += scaled * scaled
            overlaps = overlaps / square if square > 0.0 else 0.0
        found += overlaps
    return found


@inlined
def to_fields(rows, inputs: BlockLaw, factor, frame, students, teachers, blocks, each):
    """Write [M | L] (p, k + p) of the fields of the first rows, settled ones, and the students' part of the frame O,
    (p, B · each); the teacher's has s_b w*_b in the teacher's coordinates and needs no array.

    By Gram & Schmidt, again where most of a row is taken away (Kahan's "twice is enough"). A row in the span of those
    before has a frame of 0: no field depends on it.
    """
    width = blocks * each
    for j in range(students):
        whole = 0.0
        for r in range(width):
            frame[j, r] = inputs.scales[r] * rows[j, r]
            whole += frame[j, r] * frame[j, r]
        for m in range(teachers + j):
            factor[j, m] = 0.0
        before, rest = whole, whole
        while True:
            for r in range(teachers):
                factor[j, r] += without_teacher(frame, j, inputs, r, blocks, each)
            for i in range(j):
                factor[j, teachers + i] += without(frame, j, frame, i, width)
            rest = squared_norm(frame, j, width)
            if rest > 0.5 * before or rest <= RANK * whole:
                break
            before = rest
        if rest <= RANK * whole:
            rest = 0.0
        factor[j, teachers + j] = sqrt(rest)
        share = 1.0 / sqrt(rest) if rest > 0.0 else 0.0
        for r in range(width):
            frame[j, r] *= share


@inlined
def without_teacher(rows, j, inputs: BlockLaw, r, blocks, each):
    """Take away the part of row j along the frame of teacher r; the inner product with it."""
    along = 0.0
    for b in range(blocks):
        along += inputs.teacher[b] * rows[j, b * each + r]
    for b in range(blocks):
        rows[j, b * each + r] -= along * inputs.teacher[b]
    return along


@inlined
def without(rows, j, frame, i, width):
    """The same along row i of a frame."""
    along = inner(rows, j, frame, i, width)
    for r in range(width):
        rows[j, r] -= along * frame[i, r]
    return along


@inlined
def complete_blocks(rng, gradient, drift, gram, root, noise, inputs: BlockLaw, frame, count, teachers, blocks, each):
    """Write the gradient (p, B · each) of a batch: its sums along the frame of fields, and what is drawn beside it in
    each block and outside of the coordinates known there; `gram` does not come back.

    ``noise`` is an array (p, B · each) to work in; the frame is 0 outside of the coordinates known.
    """
    known, width = each - count, blocks * each
    rank = semidefinite_cholesky(gram, count, root, 0)
    for m in range(rank):
        for b in range(blocks):
            first, d_b = b * each, inputs.dimensions[b]
            beyond = d_b - known  # row m of a Bartlett factor, trapezoidal
            for r in range(known):
                noise[m, first + r] = rng.standard_normal() if r < d_b else 0.0
            for r in range(count):
                noise[m, first + known + r] = rng.standard_normal() if r < m and r < beyond else 0.0
            if m < beyond:
                noise[m, first + known + m] = sqrt(chi_square(rng, float(beyond - m)))
        for r in range(teachers):
            without_teacher(noise, m, inputs, r, blocks, each)
        for i in range(count):
            without(noise, m, frame, i, width)
    for j in range(count):
        for r in range(width):
            value = 0.0
            for i in range(count):
                value += drift[j, teachers + i] * frame[i, r]
            for m in range(min(j + 1, rank)):
                value += root[j, m] * noise[m, r]
            gradient[j, r] = inputs.scales[r] * value
        for r in range(teachers):
            for b in range(blocks):
                gradient[j, b * each + r] += inputs.scales[b * each] * drift[j, r] * inputs.teacher[b]
