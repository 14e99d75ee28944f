"""What one step of the mean process gains at the start: the edge of learning at a finite dimension."""

import numpy as np

from onepass.gaussian.quadrature import exact_count
from onepass.model import Model
from onepass.protocol import Protocol, Update
from onepass.simulation.chain.batch_law import moments

NODES = 60  # for functions that are no polynomials


def first_step_gain(model: Model, protocol: Protocol, dimension, batch_size, learning_rate, start):
    """Relative gain of the overlap m at the start in one step, ``E[m'] / m - 1`` with sums replaced by their means.

    The model is of one student of one direction; d and m are numbers, batch sizes, which need not be whole, and
    learning rates arrays of which the result has the shape.

    ``w + γ E[c z]`` has overlap ``m + γ E[c λ*]`` with the teacher; its norm counts the noise of the batch,
    ``γ² E[c²] (d - 2) / n_b`` outside the plane of student and teacher.  A negative gain is a step that loses overlap.
    """
    protocol.require_basic("first_step_gain")
    m, rest = start, np.sqrt(1 - start**2)
    along, across, square = _means(model, protocol.loss, m)
    radial = m * along + rest * across if protocol.update == Update.SPHERICAL else 0.0
    parallel = m + learning_rate * (along - radial * m)
    orthogonal = rest + learning_rate * (across - radial * rest)
    outside = learning_rate**2 * square * (dimension - 2) / batch_size
    return parallel / np.sqrt(parallel**2 + orthogonal**2 + outside) / m - 1


def _means(model, loss, m):
    """Means of ``c λ*``, ``c v`` and ``c²`` at overlap m."""
    found = moments(model, loss, m, exact_count(model) or NODES)
    return found[0], found[1] * np.sqrt(1 - m**2), found[2]
