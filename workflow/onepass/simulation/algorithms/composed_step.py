"""What compiled steps of composed protocols do to rows (count, width): triangular form, shape, motion.

Rows are small arrays whose sizes are numbers at compile time, in compiled code that has these functions inside of it.
"""

from math import sqrt
from typing import NamedTuple

from onepass.choices import Direction, Update, Velocity
from onepass.simulation.algorithms.run import DIVERGED
from onepass.simulation.jit import compiled, inlined

TURNED = 1e-15  # cosine of rows below which they are orthogonal
SWEEPS = 30  # over pairs of rows, at most; they converge quadratically, after six or so
RANK = 1e-6  # singular values below this fraction of the largest are rounding: `gram` has their squares


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
    risk_fraction: float  # the three numbers of the adaptive schedule
    drop: float
    decay: float
    missing: float  # E[σ²] beyond the series of the risk


@inlined
def squared_norm(rows, j, width):
    """``‖row j‖²``."""
    found = 0.0
    for r in range(width):
        found += rows[j, r] * rows[j, r]
    return found


@inlined
def inner(rows, i, others, j, width):
    """Inner product of row i and another's row j."""
    found = 0.0
    for r in range(width):
        found += rows[i, r] * others[j, r]
    return found


@inlined
def lower_triangular(rows, count, first, width):
    """Turn the columns from `first` on until they are lower triangular, of a diagonal from 0 up (Householder 1958)."""
    for i in range(count):
        place = first + i
        beyond = 0.0
        for r in range(place + 1, width):
            beyond += rows[i, r] * rows[i, r]
        head = rows[i, place]
        length = sqrt(head * head + beyond)
        if beyond == 0.0:
            if head < 0.0:
                for j in range(i, count):
                    rows[j, place] = -rows[j, place]
            continue
        # Reflects row i to `length` in its place: the mirror's first coordinate, without cancellation.
        mirror = head - length if head <= 0.0 else -beyond / (head + length)
        share = 2.0 / (mirror * mirror + beyond)
        for j in range(i + 1, count):
            along = rows[j, place] * mirror
            for r in range(place + 1, width):
                along += rows[j, r] * rows[i, r]
            along *= share
            rows[j, place] -= along * mirror
            for r in range(place + 1, width):
                rows[j, r] -= along * rows[i, r]
        rows[i, place] = length
        for r in range(place + 1, width):
            rows[i, r] = 0.0


@compiled
def polar(rows, turned, count, width):
    """``(G Gᵀ)^(−1/2) G`` of the rows G in place, by Jacobi's rotations of pairs of rows until all are orthogonal
    (Hestenes 1958): with ``G = J R`` it is J times the rows R, each divided by its norm. `turned` is J (count, count).
    """
    for i in range(count):
        for j in range(count):
            turned[i, j] = 1.0 if i == j else 0.0
    for _ in range(SWEEPS):
        done = True
        for i in range(count):
            for j in range(i):
                one, two = squared_norm(rows, i, width), squared_norm(rows, j, width)
                both = inner(rows, i, rows, j, width)
                if not abs(both) > TURNED * sqrt(one * two):
                    continue
                done = False
                ratio = (two - one) / (2.0 * both)
                tangent = (1.0 if ratio >= 0.0 else -1.0) / (abs(ratio) + sqrt(1.0 + ratio * ratio))
                cosine = 1.0 / sqrt(1.0 + tangent * tangent)
                sine = cosine * tangent
                for r in range(width):
                    x, y = rows[i, r], rows[j, r]
                    rows[i, r], rows[j, r] = cosine * x - sine * y, sine * x + cosine * y
                for m in range(count):
                    x, y = turned[m, i], turned[m, j]
                    turned[m, i], turned[m, j] = cosine * x - sine * y, sine * x + cosine * y
        if done:
            break
    largest = 0.0
    for i in range(count):
        largest = max(largest, squared_norm(rows, i, width))
    for i in range(count):
        square = squared_norm(rows, i, width)
        share = 1.0 / sqrt(square) if square > RANK * RANK * largest else 0.0
        for r in range(width):
            rows[i, r] *= share
    for r in range(width):
        for i in range(count):
            turned_back = 0.0
            for j in range(count):
                turned_back += turned[i, j] * rows[j, r]
            turned[i, count] = turned_back
        for i in range(count):
            rows[i, r] = turned[i, count]


@inlined
def shape(direction, gradient, count, width, turned):
    """Make of the gradient in place what a step is along, as `directions.shaped`; `turned` as in `polar`."""
    if direction == Direction.NORMALISED:
        resize(gradient, count, width, 1.0)
    elif direction == Direction.ROWS:
        for j in range(count):
            square = squared_norm(gradient, j, width)
            share = 1.0 / sqrt(square) if square > 0.0 else 0.0
            for r in range(width):
                gradient[j, r] *= share
    elif direction == Direction.POLAR:
        polar(gradient, turned, count, width)


@inlined
def resize(gradient, count, width, norm):
    """Scale the gradient to a Frobenius norm, unless it is 0."""
    square = 0.0
    for j in range(count):
        square += squared_norm(gradient, j, width)
    share = norm / sqrt(square) if square > 0.0 else 0.0
    for j in range(count):
        for r in range(width):
            gradient[j, r] *= share


@inlined
def advance(own: Composition, rate, ahead, rows, gradient, radial, count, vectors, width, turned):
    """Move rows, of which the first `count` are the points of the gradient, ``W + ahead V``, to the next W and V.

    ``radial[j, 2]`` is the inner product of the gradient and its point; the gradient does not come back.
    """
    if own.update == Update.SPHERICAL:
        for j in range(count):
            square = squared_norm(rows, j, width)
            share = radial[j, 2] / square if square > 0.0 else 0.0
            for r in range(width):
                gradient[j, r] -= share * rows[j, r]
    if own.direction == Direction.CLIPPED:
        square = 0.0
        for j in range(count):
            square += squared_norm(gradient, j, width)
        if square > own.clip * own.clip:
            resize(gradient, count, width, own.clip)
    if vectors > 1:
        for j in range(count):
            for r in range(width):
                velocity = rows[count + j, r]
                rows[j, r] -= ahead * velocity
                velocity = own.beta * velocity + gradient[j, r]
                rows[count + j, r] = gradient[j, r] = velocity
    shape(own.direction, gradient, count, width, turned)
    kept = 1.0 - rate * own.weight_decay
    for j in range(count):
        for r in range(width):
            rows[j, r] = kept * rows[j, r] + rate * gradient[j, r]
        if own.update != Update.PLAIN:
            share = 1.0 / sqrt(squared_norm(rows, j, width))
            for r in range(width):
                rows[j, r] *= share
        if vectors > 1 and own.velocity == Velocity.TRANSPORTED:
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
