"""Sums over a very large batch of one student of one direction: what `kernel` has between its marks, Gaussian.

The state is a single overlap m, and the means and covariances of the sums are functions of it, kept as a polynomial for
each of many small intervals (`batch_law`): a step costs three normals, whatever d and n_b.
"""

from math import sqrt

import numpy as np

# <sums>
from onepass.simulation.chain.batch_law import ORDER, Law
from onepass.simulation.jit import compiled, inlined
from onepass.simulation.parameters import Parameters


@compiled
def workspace(law: Law):
    """None is needed; compiled code wants an array all the same."""
    return np.empty(0)


@inlined
def batch_sums(rng, factor, layer, parameters: Parameters, loss, law: Law, work, fields, drift, gram):
    """Draw ``drift`` and ``gram`` of one student of one direction from the moments at its overlap m."""
    m, rest = factor[0, 0], factor[0, 1]
    cells = law.pieces.shape[1]
    place = 0.5 * cells * (m + 1.0)
    cell = min(max(int(place), 0), cells - 1)
    t = place - cell - 0.5  # from the middle of the cell, in cells
    v0 = v1 = v2 = v3 = v4 = v5 = v6 = v7 = v8 = 0.0  # scalars, or they would go through memory at every power
    local = law.pieces[loss, cell]
    for n in range(ORDER, -1, -1):
        v0, v1, v2 = v0 * t + local[n, 0], v1 * t + local[n, 1], v2 * t + local[n, 2]
        v3, v4, v5 = v3 * t + local[n, 3], v4 * t + local[n, 4], v5 * t + local[n, 5]
        v6, v7, v8 = v6 * t + local[n, 6], v7 * t + local[n, 7], v8 * t + local[n, 8]
    # moments that are odd in the part outside the teacher's direction come divided by it
    mean_in, mean_out, mean_gram = v0, rest * v1, v2
    in_in, in_out, out_out = v3 - mean_in * mean_in, rest * v4 - mean_in * mean_out, v5 - mean_out * mean_out
    in_gram, out_gram, gram_gram = (
        v6 - mean_in * mean_gram,
        rest * v7 - mean_out * mean_gram,
        v8 - mean_gram * mean_gram,
    )
    # Cholesky, written out; a variance that rounding makes negative is none
    a = sqrt(max(in_in, 0.0))
    b, c = (in_out / a, in_gram / a) if a > 0.0 else (0.0, 0.0)
    e = sqrt(max(out_out - b * b, 0.0))
    f = (out_gram - b * c) / e if e > 0.0 else 0.0
    g = sqrt(max(gram_gram - c * c - f * f, 0.0))
    share = 1.0 / parameters.batch_size
    root = sqrt(share)
    x, y, z = root * rng.standard_normal(), root * rng.standard_normal(), root * rng.standard_normal()
    drift[0, 0] = mean_in + a * x
    drift[0, 1] = mean_out + b * x + e * y
    gram[0, 0] = max(share * (mean_gram + c * x + f * y + g * z), 0.0)
    fields[0, 2] = m * drift[0, 0] + rest * drift[0, 1]


# </sums>
