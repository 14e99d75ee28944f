"""The walk of a batch outside of the directions held, compiled: for weights that know the norms of their samples.

A sample's part outside has a known length then, and a uniform direction. What a step needs of ``Σ c z`` there is its
rows in some orthonormal basis. So a walk keeps the coordinates T of its ends in a basis of their own span, of `rank`
directions. A sample has a normal g along each of these and a length s beyond, ``s² ~ χ²`` with the degrees that are
left, and adds ``c gᵀ`` to the columns of T and ``c s`` in a new one. A turn brings T back to as many columns as rows.
"""

from math import sqrt

from onepass.simulation.algorithms.rows import lower_triangular
from onepass.simulation.chain.wishart import chi_square
from onepass.simulation.jit import inlined


@inlined
def draw_parts(rng, parts, number, rank, degrees):
    """Draw row `number` of `parts`: a sample's coordinates along a walk of so many directions and its length beyond."""
    for r in range(rank):
        parts[number, r] = rng.standard_normal()
    parts[number, rank] = sqrt(chi_square(rng, degrees - rank))


@inlined
def squared_length(parts, number, rank):
    """``‖·‖²`` of a sample outside of the directions held."""
    found = 0.0
    for r in range(rank + 1):
        found += parts[number, r] * parts[number, r]
    return found


@inlined
def walk(ends, weights, column, parts, number, rank, count):
    """Add a sample's part outside, times its weights (in a column of `weights`), to the ends T (count, count + 1)."""
    for j in range(count):
        c = weights[j, column]
        for r in range(rank):
            ends[j, r] += c * parts[number, r]
        ends[j, rank] = c * parts[number, rank]
    if rank == count:
        lower_triangular(ends, count, 0, count + 1)
