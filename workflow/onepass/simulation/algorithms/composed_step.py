"""The parts of compiled steps of composed protocols that are the same for every model: what becomes of rows held.

Each is a plain sequence of loops: choices between them stand in the kernel itself. A function that uses an array in one
branch alone counts references to it at every call, for as long as a step of one sample takes.
"""

from math import sqrt
from typing import NamedTuple

from onepass.simulation.algorithms.rows import inner, squared_norm
from onepass.simulation.algorithms.run import DIVERGED
from onepass.simulation.chain.wishart import bartlett, chi_square, semidefinite_cholesky
from onepass.simulation.jit import inlined

VALUE, ASCENT = 3, 4  # columns of the fields: activation, and its sum with ψ over the batch


class Composition(NamedTuple):
    """What one run is made of, beside the formulas; choices as the plain numbers that they are."""

    dimension: int
    batch_size: int
    learning_rate: float
    steps: int
    threshold: float  # infinity never stops
    by_cosine: bool  # what the threshold is on
    noise: float  # variance of the label noise
    loss: int
    update: int
    schedule: int
    direction: int
    momentum: int
    velocity: int
    beta: float
    clip: float
    weight_decay: float
    second_layer_rate: float
    lookahead: int
    lookahead_rate: float
    passes: int
    risk_fraction: float  # the three numbers of the adaptive schedule
    drop: float
    decay: float
    missing: float  # E[σ²] beyond the series of the risk


@inlined
def progress(rows, students, teachers, width, of_directions):
    """``‖M‖_F²`` of the students, the first rows, or of their directions."""
    found = 0.0
    for j in range(students):
        square = squared_norm(rows, j, teachers)
        if of_directions and square > 0.0:
            square /= squared_norm(rows, j, width)
        found += square
    return found


@inlined
def keep(rows, layer, states, layers, place, width):
    """Write the students and their output weights to a place among the records."""
    for j in range(layer.size):
        layers[place, j] = layer[j]
        for r in range(width):
            states[place, j, r] = rows[j, r]


@inlined
def complete_one(rng, gradient, drift, square, degrees, near, known):
    """`complete` of one student, whose `square` is positive, with fewer roots: they are what a step of one sample
    takes."""
    for r in range(near):
        gradient[0, r] = drift[0, r]
    if near < known:
        gradient[0, near] = sqrt(square) * rng.standard_normal()
    gradient[0, known] = sqrt(square * chi_square(rng, degrees))


@inlined
def complete(rng, gradient, drift, gram, root, wishart, degrees, count, near, known):
    """Write the gradient of a batch: its sums, then what is drawn along the rows held from column `near` on, and
    outside of all from column `known` on, where the inputs have so many degrees; `gram` does not come back."""
    for j in range(count):
        for r in range(known + count):
            gradient[j, r] = drift[j, r] if r < near else 0.0
    rank = semidefinite_cholesky(gram, count, root, 0)
    for r in range(near, known):
        for m in range(rank):
            normal = rng.standard_normal()
            for j in range(m, count):
                gradient[j, r] += root[j, m] * normal
    bartlett(rng, wishart, rank, degrees)
    for m in range(rank):
        for r in range(m + 1):
            for j in range(m, count):
                gradient[j, known + r] += root[j, m] * wishart[m, r]


@inlined
def make_tangent(gradient, rows, radial, count, width):
    """Take from the gradient its parts along the rows; ``radial[j, 2]`` is its inner product with row j."""
    for j in range(count):
        square = squared_norm(rows, j, width)
        share = radial[j, 2] / square if square > 0.0 else 0.0
        for r in range(width):
            gradient[j, r] -= share * rows[j, r]


@inlined
def resize(gradient, count, width, norm):
    """Scale the gradient to a Frobenius norm, unless it is 0."""
    square = frobenius(gradient, count, width)
    share = norm / sqrt(square) if square > 0.0 else 0.0
    for j in range(count):
        for r in range(width):
            gradient[j, r] *= share


@inlined
def frobenius(gradient, count, width):
    """``‖gradient‖_F²``."""
    square = 0.0
    for j in range(count):
        square += squared_norm(gradient, j, width)
    return square


@inlined
def resize_rows(rows, count, width):
    """Scale each row to norm 1, unless it is 0."""
    for j in range(count):
        square = squared_norm(rows, j, width)
        share = 1.0 / sqrt(square) if square > 0.0 else 0.0
        for r in range(width):
            rows[j, r] *= share


@inlined
def accelerate(rows, gradient, ahead, beta, count, width):
    """Take the points of the gradient, ``W + ahead V``, back to W, and write ``βV + gradient`` for V and gradient."""
    for j in range(count):
        for r in range(width):
            velocity = rows[count + j, r]
            rows[j, r] -= ahead * velocity
            velocity = beta * velocity + gradient[j, r]
            rows[count + j, r] = gradient[j, r] = velocity


@inlined
def go_along(rows, gradient, rate, kept, count, width):
    """``W ← kept W + rate gradient``."""
    for j in range(count):
        for r in range(width):
            rows[j, r] = kept * rows[j, r] + rate * gradient[j, r]


@inlined
def transport(rows, count, width):
    """Take from the velocities their parts along their own students."""
    for j in range(count):
        square = squared_norm(rows, j, width)
        share = inner(rows, count + j, rows, j, width) / square if square > 0.0 else 0.0
        for r in range(width):
            rows[count + j, r] -= share * rows[j, r]


@inlined
def is_finite(rows, layer, held, width):
    """Whether nothing has diverged."""
    finite = True
    for j in range(held):
        finite = finite and squared_norm(rows, j, width) < DIVERGED * DIVERGED
    for j in range(layer.size):
        finite = finite and abs(layer[j]) < DIVERGED
    return finite
