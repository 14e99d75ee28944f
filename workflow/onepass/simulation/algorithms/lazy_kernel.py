"""`lazy.LazyBatch` of one replica, compiled: the opened columns of a batch, and combinations that open more.

Whatever has a number a sample is a row of one array, `batch` (rows, n_b): the coordinates X of the samples, a row a
direction, from row 0 on; the left directions U, and one row to work in; then the fields and the weights of students,
and labels. `seen` has ``Uᵀ Z`` (left directions, width), then the parts of the weights along U. Three numbers go with
them: columns opened, directions that rows may have by now (`known`), and left directions (`rank`).

A combination opens left directions one by one (Gram–Schmidt), each with a direction of its own to the right until the
dimension is used up. A batch whose combinations may open all that there is to the left, or did so to the right, is
dense: as many columns are open as rows have coordinates.
"""

from math import isfinite, nan, sqrt
from typing import NamedTuple

from onepass.simulation.chain.wishart import chi_square
from onepass.simulation.jit import compiled, inlined

RANK = 1e-12  # a part of the weights below this fraction of them is rounding
REMAINS = 0.5  # where less than this fraction remains, it is made orthogonal twice (Kahan; Parlett 1980)


class Sizes(NamedTuple):
    """What there is of a batch, at most, and where its rows begin."""

    batch_size: int
    students: int
    width: int  # coordinates of a row, and so rows of X
    left: int  # left directions
    fields: int  # places
    weights: int
    labels: int

    @classmethod
    def of(cls, batch_size: int, students: int, held: int, dimension: int, combinations: int):
        """Each combination opens as many left directions as there are students, and as many of the inputs, while there
        are some outside of those `held`."""
        outside = dimension - held
        left = min(students * combinations, batch_size, outside + students)
        width = held + min(left, outside)
        fields = width + left + 1
        return cls(batch_size, students, width, left, fields, fields + students, fields + 2 * students)

    @property
    def numbers(self) -> int:
        """How many it holds."""
        return (self.labels + 1) * self.batch_size + (self.left + self.students) * self.width


@compiled
def open_batch(rng, batch, sizes: Sizes, first, known, dimension):
    """A fresh batch: its first columns; or, if it is to be dense, all of it. Returns what is opened, and known."""
    size, dense = sizes.batch_size, sizes.left == sizes.batch_size
    for r in range(known if dense else first):
        for i in range(size):
            batch[r, i] = rng.standard_normal()
    if not dense:
        return first, known
    for r in range(known, sizes.width):  # outside of what is known Z is lower trapezoidal in some basis (Bartlett 1933)
        place = r - known
        for i in range(place):
            batch[r, i] = 0.0
        batch[r, place] = sqrt(chi_square(rng, float(dimension - r)))
        for i in range(place + 1, size):
            batch[r, i] = rng.standard_normal()
    return sizes.width, sizes.width


@compiled
def add_fields(rng, batch, seen, sizes: Sizes, opened, known, rank, rows, share, again):
    """Add `share` times ``Z rowsᵀ`` of the students' rows to their fields; returns what is opened.

    Before the first combination rows have no part beyond the opened columns; `again`, after it, all that is known is
    opened: velocities have parts there even if no sample had a weight.
    """
    size = sizes.batch_size
    if again:
        for r in range(opened, known):  # fresh normals, but along the left directions
            for i in range(size):
                batch[r, i] = rng.standard_normal()
            for m in range(rank):
                place = sizes.width + m
                add(batch, r, seen[m, r] - dot(batch, place, r, size), place, size)
        opened = known
    for j in range(sizes.students):
        for r in range(opened):
            add(batch, sizes.fields + j, share * rows[j, r], r, size)
    return opened


@compiled
def combine(rng, batch, seen, sizes: Sizes, opened, known, rank, dimension, rows):
    """Write ``Cᵀ Z / n_b`` of the weights C to the rows (students, width); returns what is known, and the rank."""
    size = sizes.batch_size
    for j in range(sizes.students):
        weights, shares, work = sizes.weights + j, sizes.left + j, sizes.width + rank
        if opened == sizes.width:
            for r in range(opened):
                rows[j, r] = dot(batch, weights, r, size) / size
            continue
        whole = rest = sqrt(dot(batch, weights, weights, size))
        for r in range(sizes.width):
            rows[j, r] = 0.0 if isfinite(whole) else nan
        for i in range(size):
            batch[work, i] = batch[weights, i]
        for m in range(rank):
            seen[shares, m] = 0.0
        for _ in range(2):
            before = rest
            for m in range(rank):
                along = dot(batch, sizes.width + m, work, size)
                seen[shares, m] += along
                add(batch, work, -along, sizes.width + m, size)
            rest = sqrt(dot(batch, work, work, size))
            if rest > REMAINS * before:
                break
        if rank < sizes.left and rest > RANK * whole:  # one more: its uᵀ Z, with a direction that no row had before
            seen[shares, rank] = rest
            for i in range(size):
                batch[work, i] /= rest
            for r in range(opened):
                seen[rank, r] = dot(batch, work, r, size)
            for r in range(opened, known):
                seen[rank, r] = rng.standard_normal()
            if known < dimension:
                for m in range(rank):
                    seen[m, known] = 0.0
                seen[rank, known] = sqrt(chi_square(rng, float(dimension - known)))
                known += 1
            rank += 1
        for m in range(rank):
            for r in range(known):
                rows[j, r] += seen[shares, m] * seen[m, r] / size
    return known, rank


@inlined
def dot(batch, one, other, size):
    """Inner product of two rows, by four sums: one would wait for each addition."""
    a = b = c = d = 0.0
    whole = size - size % 4
    for i in range(0, whole, 4):
        a += batch[one, i] * batch[other, i]
        b += batch[one, i + 1] * batch[other, i + 1]
        c += batch[one, i + 2] * batch[other, i + 2]
        d += batch[one, i + 3] * batch[other, i + 3]
    for i in range(whole, size):
        a += batch[one, i] * batch[other, i]
    return (a + b) + (c + d)


@inlined
def add(batch, one, share, other, size):
    """Add a multiple of a row to another."""
    for i in range(size):
        batch[one, i] += share * batch[other, i]
