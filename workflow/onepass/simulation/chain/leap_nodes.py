"""A leap of any number of students and teachers: what `leap_kernel` has between its marks, over quadrature nodes.

Means over one sample go over the nodes of a rule (`batch_law`), as in `sums_nodes`. The samples of a leap fall on
the nodes by a Poisson law, a Gaussian one where they are many: so sums keep their sign, and no covariance is formed.
What lies outside span(W, W*) is kept in p further coordinates until a leap is done.
"""

from math import inf, sqrt

import numpy as np

from onepass.protocol import Loss, Update
from onepass.simulation.chain.batch_law import Law
from onepass.simulation.chain.drift import dot, tangents
from onepass.simulation.chain.kernel import STUDENTS, TEACHERS, activation, derivative, target
from onepass.simulation.chain.limits import FLOOR
from onepass.simulation.chain.wishart import bartlett, semidefinite_cholesky
from onepass.simulation.jit import compiled
from onepass.simulation.parameters import Parameters

# <leap>

MANY = 100.0  # samples at a node from which their number is drawn from a Gaussian


@compiled
def memory(law: Law):
    """Of the nodes slopes and fields (nodes, p), errors and numbers of samples (nodes, 2); the rest of the students."""
    p, width, nodes = STUDENTS, STUDENTS + TEACHERS, law.weights.size
    per_node = np.empty((nodes, p)), np.empty((nodes, p)), np.empty((nodes, 2))
    means = np.empty(p), np.empty((p, p)), np.empty(p), np.empty((p, p)), np.empty((p, width))
    moved = np.empty((p, width)), np.zeros((p, width + p)), np.zeros((p, width + p)), np.empty((p, width))
    squares = np.zeros((p, p)), np.zeros((p, p)), np.empty((p, p)), np.empty((p, p))
    return per_node, means, moved, squares


@compiled
def sweep(factor, layer, noise, loss, law: Law, per_node, radial, second):
    """Fill in what each node adds at a state, its radial means ``E[c λ]`` (p,) and lower ``E[c cᵀ]`` (p, p)."""
    p, k = STUDENTS, TEACHERS
    slopes, fields, at = per_node
    radial[:], second[:] = 0.0, 0.0
    for i in range(law.weights.size):
        u, weight = law.points[i], law.weights[i]
        error = target(u[:k])
        for j in range(p):
            field = 0.0
            for r in range(k + j + 1):
                field += factor[j, r] * u[r]
            fields[i, j] = field
            slopes[i, j] = layer[j] * derivative(field)
            if loss == Loss.SQUARE:
                error -= layer[j] * activation(field)
        at[i, 0] = error
        square = weight * (error * error + noise)
        for j in range(p):
            radial[j] += weight * error * slopes[i, j] * fields[i, j]
            for m in range(j + 1):
                second[j, m] += square * slopes[i, j] * slopes[i, m]


@compiled
def look(factor, layer, parameters: Parameters, loss, rate, law: Law, series, unsteady, own):
    """As in `leap_series`, over every overlap and every pair of students; the means stay in the memory."""
    p, k, width = STUDENTS, TEACHERS, STUDENTS + TEACHERS
    per_node, (radial, second, effective, _, twist), (drift, _, _, _), _ = own
    slopes, fields, at = per_node
    sweep(factor, layer, parameters.noise, loss, law, per_node, radial, second)
    tangents(factor, np.ones(p), layer, loss == Loss.SQUARE, series, drift)
    squares, crossed, along = np.zeros((p, width)), np.zeros((p, width)), np.zeros(p)
    for i in range(law.weights.size):
        square = law.weights[i] * (at[i, 0] ** 2 + parameters.noise)
        for j in range(p):
            c, field = square * slopes[i, j] ** 2, fields[i, j]
            along[j] += c * field * field
            for r in range(width):
                u = law.points[i, r]
                squares[j, r] += c * u * u
                crossed[j, r] += c * field * u
    degrees, floor, speed = parameters.dimension - width, 1.0 / sqrt(parameters.dimension), 0.0
    for j in range(p):
        own_rate, steadiness = rate, 0.0
        if parameters.update == Update.PROJECTED:
            own_rate = rate / (1.0 + rate * radial[j])
            steadiness = own_rate**2 * (along[j] - radial[j] ** 2) / parameters.batch_size
        share = own_rate**2 / parameters.batch_size
        speed = max(speed, share * second[j, j] * degrees)
        for r in range(width):
            twist[j, r] = crossed[j, r] - factor[j, r] * along[j] - radial[j] * drift[j, r]
        for r in range(k):
            m = factor[j, r]
            scale = max(abs(m), FLOOR * floor)
            variance = squares[j, r] - 2.0 * m * crossed[j, r] + m * m * along[j] - drift[j, r] ** 2
            speed = max(speed, own_rate * abs(drift[j, r]) / scale, share * variance / scale**2)
        effective[j] = own_rate
        if own_rate <= 0.0 or steadiness > unsteady:
            return inf, 0.0
    for j in range(p):
        for i in range(j):
            scale = max(abs(dot(factor[i], factor[j])), floor)
            change = effective[j] * dot(drift[j], factor[i]) + effective[i] * dot(drift[i], factor[j])
            noise = effective[j] ** 2 * second[j, j] + effective[i] ** 2 * second[i, i]
            speed = max(speed, abs(change) / scale, noise / parameters.batch_size / scale**2)
    return speed, 0.0


@compiled
def draw(rng, factor, parameters: Parameters, samples, law: Law, per_node, noise, gram):
    """Draw the sums of a leap of so many samples, each over their number.

    Deviations of ``Σ c u`` from its mean, ``noise`` (p, k + p), and ``Σ c cᵀ`` over the number once more.
    """
    p, width = STUDENTS, STUDENTS + TEACHERS
    slopes, _, at = per_node
    deviation, total = sqrt(parameters.noise), 0.0
    for i in range(law.weights.size):
        expected = samples * law.weights[i]
        at[i, 1] = expected + sqrt(expected) * rng.standard_normal() if expected > MANY else rng.poisson(expected)
        total += at[i, 1]
    noise[:], gram[:] = 0.0, 0.0
    for i in range(law.weights.size):
        error, number = at[i, 0], at[i, 1]
        first, square = (number / total - law.weights[i]) * error, number * error * error
        if deviation > 0.0 and number > 0.0:  # the sum and the sum of squares of the label noise at a node
            added = deviation * sqrt(number) * rng.standard_normal()
            first += added / total
            square += 2.0 * error * added
            square += deviation * deviation * (number + sqrt(2.0 * number) * rng.standard_normal())
        square = max(square, 0.0) / (total * samples)
        for j in range(p):
            for r in range(width):
                noise[j, r] += first * slopes[i, j] * law.points[i, r]
            for m in range(j + 1):
                gram[j, m] += square * slopes[i, j] * slopes[i, m]


@compiled
def triangular(rows, lengths, gram, factor):
    """The factor (p, k + p) of rows in more coordinates, each divided by its length."""
    p, k = STUDENTS, TEACHERS
    for j in range(p):
        lengths[j] = sqrt(dot(rows[j], rows[j]))
        rows[j] /= lengths[j]
    for j in range(p):
        factor[j, :k] = rows[j, :k]
        for i in range(j + 1):
            gram[j, i] = dot(rows[j, k:], rows[i, k:])
    semidefinite_cholesky(gram, p, factor, k)


@compiled
def norm_variance(factor, eta, noise_variance, samples, law: Law, per_node):
    """Variance of the noise that a leap adds to ‖M‖."""
    p, k = STUDENTS, TEACHERS
    slopes, fields, at = per_node
    mean = square = norm = 0.0
    for j in range(p):
        for r in range(k):
            norm += factor[j, r] ** 2
    for i in range(law.weights.size):
        value = 0.0
        for j in range(p):
            change = 0.0
            for r in range(k):
                change += factor[j, r] * (law.points[i, r] - fields[i, j] * factor[j, r])
            value += eta[j] * slopes[i, j] * change
        mean += law.weights[i] * at[i, 0] * value
        square += law.weights[i] * (at[i, 0] ** 2 + noise_variance) * value * value
    return max(square - mean * mean, 0.0) / (samples * norm) if norm > 0.0 else 0.0


@compiled
def leap(rng, factor, layer, parameters: Parameters, loss, rates, count, law: Law, series, seen, own):
    """As in `leap_series`: Heun's rule, in p + k coordinates of the span and p outside."""
    p, k, width = STUDENTS, TEACHERS, STUDENTS + TEACHERS
    per_node, (radial, second, eta, gram, twist), (drift, rows, pulled, noise), (root, wishart, outside, other) = own
    total, squares = rates
    mean_rate, projected = squares / total, parameters.update == Update.PROJECTED
    samples, degrees = parameters.batch_size * total / mean_rate, float(parameters.dimension - width)
    growth, lengths, first = np.empty(p), np.empty(p), np.empty((p, width))
    draw(rng, factor, parameters, samples, law, per_node, noise, gram)
    for j in range(p):
        eta[j] = total / (1.0 + mean_rate * radial[j]) if projected else total
        growth[j] = eta[j] ** 2 / samples * second[j, j] * degrees
    variance = norm_variance(factor, eta, parameters.noise, samples, law, per_node)
    rank = semidefinite_cholesky(gram, p, root, 0)
    wishart[:] = 0.0
    bartlett(rng, wishart, rank, degrees)
    for j in range(p):
        for r in range(p):
            outside[j, r] = dot(root[j], wishart[:, r])
        noise[j] = eta[j] * (noise[j] - dot(noise[j], factor[j]) * factor[j])
        outside[j] *= eta[j]
        first[j] = eta[j] * drift[j]
        if projected:
            twist[j] *= eta[j] ** 2 / samples
            first[j] -= twist[j]
        rows[j, :width] = factor[j] + first[j] + noise[j]
        rows[j, width:] = outside[j]

    there = np.empty((p, width))
    triangular(rows, lengths, other, there)
    sweep(there, layer, parameters.noise, loss, law, per_node, radial, second)
    tangents(rows, lengths, layer, loss == Loss.SQUARE, series, pulled)
    weight, change, moved = 0.5 * (count - 1.0) / count, 0.0, 0.0
    for j in range(p):
        eta_there = total / (1.0 + mean_rate * radial[j]) if projected else total
        pulled[j] *= eta_there
        if projected:
            pulled[j, :width] -= twist[j]
        growth_there = eta_there**2 / samples * second[j, j] * degrees
        for r in range(k):
            drift_here = first[j, r] - 0.5 * growth[j] * factor[j, r]
            drift_there = pulled[j, r] / lengths[j] - 0.5 * growth_there * rows[j, r]
            change += (drift_there - drift_here) ** 2
            moved += (rows[j, r] - factor[j, r]) ** 2
        wider = 1.0
        if growth[j] > 0.0:
            wider = sqrt((1.0 + 0.5 * growth[j]) * (1.0 + weight * (growth_there / growth[j] - 1.0)))
        rows[j] = weight * pulled[j]
        rows[j, :width] += factor[j] + (1.0 - weight) * first[j] + wider * noise[j]
        rows[j, width:] += wider * outside[j]
    triangular(rows, lengths, other, factor)
    return variance, (sqrt(change / moved) / count if moved > 0.0 else 0.0)


# </leap>
