"""Sums over a batch whose weights know the norms of their samples, compiled, with the smoothed landscape's weights.

They stand in the place of the sums of the basic chain (`onepass.simulation.chain.kernel`): a sample has a coordinate
in every direction held, and what is outside of all of them goes into a walk (`walk`). The lines between the marks of a
response are the smoothed landscape's own; `lookahead_kernel` has those of each sample's lookahead.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from numba import njit

from onepass.simulation.algorithms.composed_step import ASCENT, VALUE, Composition
from onepass.simulation.algorithms.walk import draw_parts, squared_length, walk
from onepass.simulation.chain.kernel import CHUNK, STUDENTS, TEACHERS, activation, derivative, target
from onepass.simulation.jit import compiled, inlined


class Rule(NamedTuple):
    """`smoothing.Smoothing`, as compiled code reads it: a mean over the nodes t."""

    nodes: np.ndarray
    weights: np.ndarray
    radius: float
    sphere: bool


# <sums>

# <response>

# <protocol>

VECTORS, OUTPUT = 1, True


@njit
def transformed(y):
    return y


@njit
def psi(y, f):
    return y


# </protocol>


@inlined
def weigh(own: Composition, rule: Rule, loss, label, square, layer, fields):
    """Write c of a sample with fields λ and ``‖z‖²`` beside them, as `smoothing.Smoothing.response` has it.

    The loss is the correlation loss.
    """
    share = 1.0 / sqrt(1.0 + rule.radius * rule.radius) if rule.sphere else 1.0
    y, f = transformed(label), 0.0
    for j in range(STUDENTS):
        field, value, slope = fields[j, 0], 0.0, 0.0
        rest = sqrt(max(square - field * field, 0.0)) if rule.sphere else sqrt(square)
        turned = field * rule.radius / rest if rule.sphere and rest > 0.0 else 0.0
        for n in range(rule.nodes.size):
            t, weight = rule.nodes[n], rule.weights[n]
            point = share * (field + rule.radius * rest * t)
            if OUTPUT:
                value += weight * activation(point)
            slope += weight * derivative(point) * (1.0 - turned * t)
        fields[j, 1], fields[j, VALUE] = share * layer[j] * slope, value
        f += layer[j] * value
    found = psi(y, f)
    for j in range(STUDENTS):
        fields[j, 1] *= found
        fields[j, ASCENT] += fields[j, VALUE] * found


# </response>

KNOWN = TEACHERS + STUDENTS * VECTORS  # directions held


@compiled
def workspace(rule: Rule):
    """Arrays for the samples of a chunk: along the directions held, outside, label noise; and for the walk."""
    samples = np.empty((CHUNK, KNOWN)), np.empty((CHUNK, STUDENTS + 1)), np.zeros(CHUNK)
    return *samples, np.empty((STUDENTS, STUDENTS + 1))


@inlined
def batch_sums(rng, factor, layer, own: Composition, loss, rule: Rule, work, fields, gradient, gram):
    """Sums over one fresh batch: ``Σ c zᵀ / n_b`` (p, held + p), along the directions held and, as ends of the walk,
    in some basis outside.

    ``factor`` has the points of the gradient in its first p rows, lower triangular beside the teacher; ``fields``
    (p, 5) receives λ, c and, summed over the batch, ``Σ c_j λ_j / n_b`` in its columns. No use for ``gram``.
    """
    p, k = STUDENTS, TEACHERS
    batch_size, deviation, (inputs, parts, noises, sums) = own.batch_size, sqrt(own.noise), work
    degrees = float(own.dimension - KNOWN)
    for j in range(p):
        fields[j, 2] = 0.0
        for r in range(KNOWN):
            gradient[j, r] = 0.0
        for r in range(p + 1):
            sums[j, r] = 0.0
    for start in range(0, batch_size, CHUNK):
        count = min(CHUNK, batch_size - start)
        for i in range(count):
            for r in range(KNOWN):
                inputs[i, r] = rng.standard_normal()
        if deviation > 0.0:
            for i in range(count):
                noises[i] = deviation * rng.standard_normal()
        for i in range(count):
            draw_parts(rng, parts, i, min(p, start + i), degrees)
        for i in range(count):
            rank = min(p, start + i)
            square = squared_length(parts, i, rank)
            for r in range(KNOWN):
                square += inputs[i, r] * inputs[i, r]
            for j in range(p):
                field = 0.0
                for r in range(k + j + 1):
                    field += factor[j, r] * inputs[i, r]
                fields[j, 0] = field
            weigh(own, rule, loss, target(inputs[i, :k]) + noises[i], square, layer, fields)
            for j in range(p):
                c = fields[j, 1]
                fields[j, 2] += c * fields[j, 0]
                for r in range(KNOWN):
                    gradient[j, r] += c * inputs[i, r]
            walk(sums, fields, 1, parts, i, rank, p)
    share = 1.0 / batch_size
    for j in range(p):
        fields[j, 2] *= share
        for r in range(KNOWN):
            gradient[j, r] *= share
        for r in range(p):
            gradient[j, KNOWN + r] = share * sums[j, r]


# </sums>
