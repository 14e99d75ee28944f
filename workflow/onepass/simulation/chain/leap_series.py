"""A leap of one student of one direction: what `leap_kernel` has between its marks, on a table of means.

The state is the overlap m, ``w = m e + ρ n`` with ``ρ = √(1 − m²)``. In the tangent plane of w the teacher's direction
e leaves one direction inside span(w, e); all else lies outside it. The nine means of one sample at m, of which
`sums_series` draws single steps, are here the drift and the noise of many.
"""

from math import exp, inf, log1p, sqrt

import numpy as np

from onepass.protocol import Update
from onepass.simulation.chain.batch_law import ORDER, Law
from onepass.simulation.chain.limits import FLOOR
from onepass.simulation.jit import compiled, inlined
from onepass.simulation.parameters import Parameters

# <leap>


@compiled
def memory(law: Law):
    """None is needed; compiled code wants an array all the same."""
    return np.empty(0)


@inlined
def gain(law: Law, m):
    """Mean motion along the tangent towards the teacher over ρ, at m, for a rate of 1: exact at the smallest m."""
    value = 0.0
    for n in range(law.climb.size - 1, -1, -1):
        value = value * m + law.climb[n]
    return value


@inlined
def three(law: Law, loss, m):
    """Radial mean ``E[c λ]`` and ``E[c²]`` at overlap m."""
    cells = law.pieces.shape[1]
    place = 0.5 * cells * (m + 1.0)
    cell = min(max(int(place), 0), cells - 1)
    t, local = place - cell - 0.5, law.pieces[loss, cell]
    v0 = v1 = v2 = 0.0
    for n in range(ORDER, -1, -1):
        v0, v1, v2 = v0 * t + local[n, 0], v1 * t + local[n, 1], v2 * t + local[n, 2]
    return m * v0 + (1.0 - m * m) * v1, v2


@inlined
def look(factor, layer, parameters: Parameters, loss, rate, law: Law, series, unsteady, own):
    """The largest relative change of the state in a step, and the means behind it for `leap`.

    Relative to the overlap, which counts as `FLOOR`/√d at least: drift, growth of the norm, variance of the noise.
    Infinite where a step is not small: where the norm within a batch does not keep to its mean.
    """
    m, rest = factor[0, 0], factor[0, 1]
    cells = law.pieces.shape[1]
    place = 0.5 * cells * (m + 1.0)
    cell = min(max(int(place), 0), cells - 1)
    t, local = place - cell - 0.5, law.pieces[loss, cell]
    v0 = v1 = v2 = v3 = v4 = v5 = v6 = v7 = v8 = 0.0
    for n in range(ORDER, -1, -1):
        v0, v1, v2 = v0 * t + local[n, 0], v1 * t + local[n, 1], v2 * t + local[n, 2]
        v3, v4, v5 = v3 * t + local[n, 3], v4 * t + local[n, 4], v5 * t + local[n, 5]
        v6, v7, v8 = v6 * t + local[n, 6], v7 * t + local[n, 7], v8 * t + local[n, 8]
    radial = m * v0 + rest * rest * v1
    tangent = rest * gain(law, m)
    # second moments of one sample along the tangent, across it, and of c² with the tangent
    variance = max(rest * rest * v3 - 2.0 * m * rest * rest * v4 + m * m * v5 - tangent * tangent, 0.0)
    twist = steadiness = 0.0
    effective = rate
    if parameters.update == Update.PROJECTED:
        effective = rate / (1.0 + rate * radial)
        twist = rest * (m * v3 + (rest * rest - m * m) * v4 - m * v5) - radial * tangent
        along = m * m * v3 + 2.0 * m * rest * rest * v4 + rest * rest * v5 - radial * radial
        steadiness = effective * effective * along / parameters.batch_size
    third = rest * v6 - m * rest * v7 - v2 * tangent
    kurtosis = v8 / (v2 * v2) - 1.0 if v2 > 0.0 else 0.0
    share = effective * effective / parameters.batch_size
    growth = share * (v2 * (parameters.dimension - 2.0) + variance)
    scale = max(abs(m), FLOOR / sqrt(parameters.dimension))
    speed = max(abs(effective * tangent) * rest / scale, growth, share * variance * (rest / scale) ** 2)
    if effective <= 0.0 or steadiness > unsteady:
        speed = inf
    return speed, (radial, tangent, variance, twist, third, kurtosis, v2)


@inlined
def leap(rng, factor, layer, parameters: Parameters, loss, rates, count, law: Law, series, seen, own):
    """Move `factor` by `count` steps with the rates' sum and sum of squares.

    Heun's rule in the space that w lies in, its length free: the drift is a mean of that here and that where a
    first guess leads, noise included. Between the first step and the last lie count − 1, so that one step is Euler's.

    Returns
    -------
    variance of the overlap's noise, and how fast the drift changes with the overlap, a step.
    """
    m, rest = factor[0, 0], factor[0, 1]
    total, squares = rates
    radial, tangent, variance, twist, third, kurtosis, second = seen
    projected = parameters.update == Update.PROJECTED
    mean_rate = squares / total
    samples = parameters.batch_size * total / mean_rate  # n_b count where the rate is constant
    degrees = parameters.dimension - 2.0
    eta = total / (1.0 + mean_rate * radial) if projected else total
    share = eta * eta / samples
    drift = eta * tangent - share * twist  # of the whole leap, along the tangent
    growth = share * (second * degrees + variance)

    # ‖outside‖² is positive with long tails: log-normal, of the right mean, variance and covariance with the noise
    spread = kurtosis / samples + 2.0 / degrees
    common = third / (second * sqrt(variance * samples)) if second * variance > 0.0 else 0.0
    spread = max(spread, common * common)
    x, y = rng.standard_normal(), rng.standard_normal()
    noise = sqrt(share * variance) * x
    logarithm = log1p(spread)
    z = (common * x + sqrt(spread - common * common) * y) * sqrt(logarithm / spread)
    outside = share * second * degrees * exp(z - 0.5 * logarithm)

    # a first guess, by Euler's rule: its coordinates along e, n and outside
    along = drift + noise
    length = sqrt(1.0 + along * along + outside)
    e, n, o = m + rest * along, rest - m * along, sqrt(outside)
    guess = e / length
    there, second_there = three(law, loss, guess)
    eta_there = total / (1.0 + mean_rate * there) if projected else total
    pull = eta_there * gain(law, guess) - (share * twist / rest if rest > 0.0 else 0.0)
    growth_there = eta_there * eta_there / samples * (second_there * degrees + variance)

    weight = 0.5 * (count - 1.0) / count
    here = (1.0 - weight) * drift
    # while the norm grows the noise grows with it
    wider = sqrt((1.0 + 0.5 * growth) * (1.0 + weight * (growth_there / growth - 1.0))) if growth > 0.0 else 1.0
    noise *= wider
    new_e = m + rest * (here + noise) + weight * pull * (length - guess * e)
    new_n = rest - m * (here + noise) - weight * pull * guess * n
    new_o = o * wider - weight * pull * guess * o
    across = sqrt(new_n * new_n + new_o * new_o)
    length = sqrt(new_e * new_e + across * across)
    factor[0, 0], factor[0, 1] = new_e / length, across / length

    change = pull * (1.0 - guess * guess) - 0.5 * growth_there * guess - (drift * rest - 0.5 * growth * m)
    moved = abs(guess - m)
    return share * variance * rest * rest, (abs(change) / (moved * count) if moved > 0.0 else 0.0)


# </leap>
