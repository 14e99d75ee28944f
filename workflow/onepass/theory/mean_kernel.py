"""The mean process of one-pass SGD, compiled: Gaussian means of a step, the step, and the run.

Two families of models have means that a loop of a few hundred operations finds exactly: erf committees and
polynomials.
"""

from math import isfinite, sqrt
from typing import NamedTuple

import numpy as np

from onepass.protocol import Loss, Schedule, Update
from onepass.simulation.jit import compiled
from onepass.simulation.parameters import Parameters
from onepass.theory.erf_moments import erf_moments
from onepass.theory.polynomial_moments import polynomial_moments
from onepass.theory.rule import Moments, Rule


class Scales(NamedTuple):
    """Weights of the terms of a step, each beside its power of γ."""

    first: float  # ψ and φGF, times γ
    hd: float  # these three times γ²
    length: float
    bc: float
    decay: float = 0.0  # weight decay ω; this and the next count beside ψ, as `first` does
    second_layer: float = 0.0  # learning rate of the second layer in units of γ


RECORDED, DIVERGED = 0, 1


@compiled
def write_moments(rule: Rule, overlap, gram, loss, out: Moments):
    """Write the means of a model at one state into `out`, return its population risk."""
    if rule.closed:
        return erf_moments(rule, overlap, gram, loss, out)
    return polynomial_moments(rule, overlap, gram, loss, out)


@compiled
def increments(overlap, gram, layer, moments: Moments, scales: Scales, rate, update, d_overlap, d_gram):
    """Write the mean change of M and Q in one step before the norms are restored.

    The spherical update moves along ``z − λ_j w_j`` in place of z: every inner product of two such directions is
    one of moments that are known. Weight decay multiplies W by ``1 − γω`` before the step is added.
    """
    p, k = overlap.shape
    square, spherical = rate * rate, update == Update.SPHERICAL
    lost = rate * scales.first * scales.decay
    for j in range(p):
        s = moments.gf[j, j] if spherical else 0.0
        for r in range(k):
            d_overlap[j, r] = rate * scales.first * layer[j] * (moments.psi[j, r] - s * overlap[j, r])
            d_overlap[j, r] -= lost * overlap[j, r]
        for i in range(p):
            t = moments.gf[i, i] if spherical else 0.0
            first = layer[j] * (moments.gf[j, i] - s * gram[j, i]) + layer[i] * (moments.gf[i, j] - t * gram[j, i])
            length = moments.length[j, i] - (moments.radial[j, i] if spherical else 0.0)
            bc = moments.bc[j, i] - t * moments.gf[j, i] - s * moments.gf[i, j] + s * t * gram[j, i]
            second = scales.hd * moments.hd[j, i] + scales.length * length + scales.bc * bc
            d_gram[j, i] = (1.0 - lost) * rate * scales.first * first + square * layer[j] * layer[i] * second
            d_gram[j, i] -= lost * (2.0 - lost) * gram[j, i]


@compiled
def learn(layer, moments: Moments, scales: Scales, rate):
    """Add to a/p (p,), in place, the mean change that one step makes."""
    for j in range(layer.size):
        layer[j] += rate * scales.first * scales.second_layer * moments.value[j] / layer.size**2


@compiled
def advance(overlap, gram, d_overlap, d_gram, update):
    """Add the changes to M and Q, in place; False if a squared norm is then no positive number.

    All but the plain update restore the norms.
    """
    p, k = overlap.shape
    share = np.empty(p)
    for j in range(p):
        norm = gram[j, j] + d_gram[j, j]
        if not (isfinite(norm) and norm > 0.0):
            return False
        share[j] = 1.0 if update == Update.PLAIN else 1.0 / sqrt(norm)
    for j in range(p):
        for r in range(k):
            overlap[j, r] = (overlap[j, r] + d_overlap[j, r]) * share[j]
        for i in range(p):
            gram[j, i] = (gram[j, i] + d_gram[j, i]) * share[j] * share[i]
        if update != Update.PLAIN:
            gram[j, j] = 1.0
    return True


@compiled
def run(
    rule: Rule,
    overlap,
    gram,
    scales: Scales,
    parameters: Parameters,
    moments: Moments,
    record_steps,
    overlaps,
    grams,
    risks,
    layers,
):
    """Run the process from M and Q and the rule's second layer, all changed in place, and write the records; ends with
    the steps run, and how.

    Of ``parameters`` the learning rate and its schedule, the loss, the update and the steps are read. The
    records are (records, p, k), (records, p, p), (records,) and, of a/p, (records, p).
    """
    p, k = overlap.shape
    d_overlap, d_gram = np.empty((p, k)), np.empty((p, p))
    rate, loss, switch = parameters.learning_rate, parameters.loss, -1.0
    step, recorded = 0, 0
    while True:
        risk = write_moments(rule, overlap, gram, loss, moments)
        if record_steps[recorded] == step:
            overlaps[recorded], grams[recorded], risks[recorded] = overlap, gram, risk
            layers[recorded] = rule.layer
            recorded += 1
        if step == parameters.steps:
            return step, RECORDED
        if parameters.schedule == Schedule.ADAPTIVE:
            if step == 0:
                switch = parameters.risk_fraction * risk
            if risk < switch:
                rate *= parameters.decay * (parameters.drop if loss == Loss.CORRELATION else 1.0)
                if loss == Loss.CORRELATION:
                    loss = Loss.SQUARE.value
                    write_moments(rule, overlap, gram, loss, moments)
        increments(overlap, gram, rule.layer, moments, scales, rate, parameters.update, d_overlap, d_gram)
        learn(rule.layer, moments, scales, rate)
        if not advance(overlap, gram, d_overlap, d_gram, parameters.update):
            return step, DIVERGED
        step += 1
