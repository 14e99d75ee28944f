"""Sums over a very large batch of one student of one direction: what `overlap_kernel` has between its marks, Gaussian.

The state is a single overlap m, and the means and covariances of the sums are functions of it, kept as Chebyshev series
(`batch_gaussian`): a step costs three normals, whatever d and n_b.
"""

from math import sqrt

import numpy as np

from onepass.overlap_kernel import compiled, inlined

# <sums>


@compiled
def workspace(law):
    """Arrays for Clenshaw's recursion over all moments at once."""
    return np.empty(law.series.shape[2]), np.empty(law.series.shape[2])


@inlined
def batch_sums(rng, factor, layer, settings, correlation, law, work, fields, drift, gram):
    """Draw ``drift`` and ``gram`` of one student of one direction from the moments' Chebyshev series in m."""
    m, rest = factor[0, 0], factor[0, 1]
    series = law.series[1 if correlation else 0]
    value, last = work
    count = value.size
    for i in range(count):
        value[i] = last[i] = 0.0
    for n in range(series.shape[0] - 1, 0, -1):
        for i in range(count):
            value[i], last[i] = series[n, i] + 2.0 * m * value[i] - last[i], value[i]
    for i in range(count):
        value[i] = series[0, i] + m * value[i] - last[i]
    # moments that are odd in the part outside the teacher's direction come divided by it
    mean_in, mean_out, mean_gram = value[0], rest * value[1], value[2]
    in_in, in_out, out_out = value[3] - mean_in**2, rest * value[4] - mean_in * mean_out, value[5] - mean_out**2
    in_gram, out_gram = value[6] - mean_in * mean_gram, rest * value[7] - mean_out * mean_gram
    gram_gram = value[8] - mean_gram**2
    # Cholesky, written out; a variance that rounding makes negative is none
    a = sqrt(max(in_in, 0.0))
    b, c = (in_out / a, in_gram / a) if a > 0.0 else (0.0, 0.0)
    e = sqrt(max(out_out - b * b, 0.0))
    f = (out_gram - b * c) / e if e > 0.0 else 0.0
    g = sqrt(max(gram_gram - c * c - f * f, 0.0))
    share = 1.0 / settings.batch_size
    root = sqrt(share)
    x, y, z = root * rng.standard_normal(), root * rng.standard_normal(), root * rng.standard_normal()
    drift[0, 0] = mean_in + a * x
    drift[0, 1] = mean_out + b * x + e * y
    gram[0, 0] = max(share * (mean_gram + c * x + f * y + g * z), 0.0)
    fields[0, 2] = m * drift[0, 0] + rest * drift[0, 1]


# </sums>
