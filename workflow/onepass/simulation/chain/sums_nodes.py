"""Sums over a very large batch, any p and k: what `kernel` has between its marks, Gaussian.

A step goes over the nodes of a quadrature rule (`batch_law`) as if they were samples, each with a random weight:
by the central limit theorem the number of samples at a node is Gaussian, so that means and covariances are those of
the rule, and nothing needs their matrix.
"""

from math import sqrt

import numpy as np

from onepass.protocol import Loss
from onepass.simulation.chain.batch_law import Law
from onepass.simulation.chain.kernel import STUDENTS, TEACHERS, activation, derivative, target
from onepass.simulation.jit import compiled, inlined
from onepass.simulation.parameters import Parameters

# <sums>


@compiled
def workspace(law: Law):
    """Arrays for the random weights of the nodes and their label noise."""
    return np.empty(law.weights.size), np.zeros((law.weights.size, 2))


@inlined
def batch_sums(rng, factor, layer, parameters: Parameters, loss, law: Law, work, fields, drift, gram):
    """Draw ``drift`` and ``gram`` as sums over quadrature nodes, each visited a Gaussian number of times."""
    p, k, width = STUDENTS, TEACHERS, STUDENTS + TEACHERS
    weights, noises = work
    share, deviation = 1.0 / parameters.batch_size, sqrt(parameters.noise)
    root, common = sqrt(share), 0.0
    for i in range(weights.size):
        weights[i] = rng.standard_normal()
        common += sqrt(law.weights[i]) * weights[i]
    if deviation > 0.0:  # the sum and the sum of squares of the noise at a node
        for i in range(weights.size):
            noises[i, 0] = deviation * rng.standard_normal()
            noises[i, 1] = deviation * deviation * sqrt(2.0) * rng.standard_normal()
    for j in range(p):
        fields[j, 2] = 0.0
        for r in range(width):
            drift[j, r] = 0.0
        for i in range(p):
            gram[j, i] = 0.0
    for i in range(weights.size):
        spread = root * sqrt(law.weights[i])
        # the weights keep their sum: a batch has n_b samples, wherever they fall
        weight = law.weights[i] + spread * (weights[i] - sqrt(law.weights[i]) * common)
        u = law.points[i]
        error = target(u[:k])
        for j in range(p):
            field = 0.0
            for r in range(k + j + 1):
                field += factor[j, r] * u[r]
            fields[j, 0] = field
            if loss == Loss.SQUARE:
                error -= layer[j] * activation(field)
        first = weight * error + spread * noises[i, 0]
        second = error * (first + spread * noises[i, 0]) + deviation * deviation * weight + spread * noises[i, 1]
        for j in range(p):
            slope = layer[j] * derivative(fields[j, 0])
            fields[j, 1] = slope
            fields[j, 2] += first * slope * fields[j, 0]
            for r in range(width):
                drift[j, r] += first * slope * u[r]
            for m in range(j + 1):
                gram[j, m] += second * slope * fields[m, 1]
    for j in range(p):
        for m in range(j + 1):
            gram[j, m] *= share


# </sums>
