"""The parts of compiled steps of composed protocols that are the same for every model: what becomes of rows held."""

from math import sqrt
from typing import NamedTuple

from onepass.choices import Direction, Update, Velocity
from onepass.simulation.algorithms.rows import inner, polar, squared_norm
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
def complete(rng, gradient, drift, gram, root, wishart, degrees, count, near, known):
    """Write the gradient of a batch: its sums, then what is drawn along the rows held from column `near` on, and
    outside of all from column `known` on, where the inputs have so many degrees; `gram` does not come back."""
    for j in range(count):
        for r in range(known + count):
            gradient[j, r] = drift[j, r] if r < near else 0.0
    if count == 1:  # the same with fewer roots: they are what a step of one sample takes
        if gram[0, 0] > 0.0:
            if near < known:
                gradient[0, near] = sqrt(gram[0, 0]) * rng.standard_normal()
            gradient[0, known] = sqrt(gram[0, 0] * chi_square(rng, degrees))
        return
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
def append(gradient, drift, ends, count, known):
    """Write the gradient of a batch whose sums are known along all rows held, and outside as the ends of a walk."""
    for j in range(count):
        for r in range(known):
            gradient[j, r] = drift[j, r]
        for r in range(count):
            gradient[j, known + r] = ends[j, r]


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
