"""Linear algebra of a few rows (count, width), compiled.

Sizes are numbers at compile time where these functions are inside of a kernel, so that loops over them are unrolled.
"""

from math import sqrt

from onepass.simulation.jit import compiled, inlined

TURNED = 1e-15  # cosine of rows below which they are orthogonal
SWEEPS = 30  # over pairs of rows, at most; they converge quadratically, after six or so
RANK = 1e-6  # singular values below this fraction of the largest are rounding: `gram` has their squares


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
