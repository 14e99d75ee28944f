"""The engine for very long runs: the chain in leaps of many steps, at a cost that knows neither d nor the rate.

As long as the state hardly changes, K steps at rate γ and batch n_b are one step with their means times K and their
covariances times K. What only rescales w must be taken out first, or leaps would have to resolve it: with radial s,
``(1 + γs) w + γt`` has the direction of ``w + γ_e t``, ``γ_e = γ/(1 + γR)`` and R the mean of s. Then leaps are limited
by drift, growth of the norm and noise, each a small part of the overlap: their number grows as log d.

Leaps are of second order (Heun's rule, noise included), and end where the threshold is met: `limits` says how long they
are. Where a leap is one step, or of so few samples that their sums are not Gaussian, steps are those of the chain
or, for large batches, of its Gaussian form. `leap` is one of them in array form, for reading and for tests;
`leap_kernel` is the run, compiled.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from onepass.choices import BASIC_LOSSES
from onepass.errors import OnepassError
from onepass.gaussian.risk import risk_series
from onepass.model import Model
from onepass.protocol import Loss, Update
from onepass.simulation.chain import limits
from onepass.simulation.chain.batch_law import Law, batch_law
from onepass.simulation.chain.build import model_kernel
from onepass.simulation.chain.drift import descent
from onepass.simulation.chain.kernel import DIVERGED, RECOVERED
from onepass.simulation.chain.leap_kernel import STALLED
from onepass.simulation.chain.leap_nodes import MANY
from onepass.simulation.chain.wishart import bartlett, semidefinite_cholesky
from onepass.simulation.parameters import LARGEST_COUNT, Parameters
from onepass.simulation.ticker import tick

ROUNDING = 1e-13  # of a coefficient of the drift, relative to the largest: those below are none
TAILS = (
    10.0  # samples of a single step that is drawn as Gaussian, over the kurtosis of one: below, squares turn negative
)
PLACES = (0.0, 0.5)  # overlaps at which that is looked at


class StallError(OnepassError, ValueError):
    """Single steps where their count is too large to be changed by one."""


def leap_law(model: Model) -> tuple[str, Law, float]:
    """As `batch_law`, with the drift of one student of one direction as a polynomial of its overlap.

    Raises
    ------
    BatchError
        For a model whose batches have no law.
    """
    form, law, error = batch_law(model)
    if form == "nodes":
        return form, law, error
    series, climb = risk_series(model), np.zeros(1)
    if series.cross.size:
        climb = np.zeros(max(int(series.cross_powers.max()), 1))
    for (power,), value in zip(series.cross_powers, series.cross, strict=True):
        if power > 0 and abs(value) > ROUNDING * abs(series.cross).max():
            climb[power - 1] = model.output_weights[0] * power * value
    return form, law._replace(climb=climb), error


def tails(model: Model, loss: int, form: str, law: Law) -> float:
    """The kurtosis ``E[c⁴]/E[c²]²`` of one sample, on which it depends how many have a Gaussian sum of squares."""
    if form == "series":
        own = law.pieces[loss]
        found = (own[int(len(own) * (1 + m) / 2), 0] for m in PLACES)  # in the middle of a cell
        return max(moments[8] / moments[2] ** 2 for moments in found)
    fields, noise = law.points[:, model.teachers :], model.noise  # of students apart from the teacher and each other
    error = model.target_formula.array(np)(law.points[:, : model.teachers])
    if loss == Loss.SQUARE:
        error = error - model.activation_formula.array(np)(fields) @ model.output_weights
    slopes = model.activation_formula.array(np, derivative=True)(fields)
    second = law.weights @ (slopes**2 * (error**2 + noise)[:, None])
    fourth = law.weights @ (slopes**4 * (error**4 + 6 * noise * error**2 + 3 * noise**2)[:, None])
    return float((fourth / second**2).max())


def run(
    model: Model,
    parameters: Parameters,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
    record_steps: np.ndarray,
    tolerance: float = limits.TOLERANCE,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Run every replica in leaps; parameters and results as in `overlap_chain.run`, and the leaps of each replica.

    Steps of runs of more than 2**53 come back as floats, exact to a relative 1e-16.

    Raises
    ------
    FloatingPointError
        If a replica's overlaps overflow; names the replica and the step.
    StallError
        Where a replica needs single steps beyond step 2**53.
    """
    form, law, _ = leap_law(model)
    kurtosis = max(tails(model, loss, form, law) for loss in BASIC_LOSSES)  # an adaptive schedule has both
    limit = limits.Limits.of(tolerance, kurtosis)
    gaussian = parameters.batch_size >= max(limit.samples, TAILS * kurtosis)
    single = form if gaussian else "samples"
    compiled, series, layer = model_kernel(model, single, form), risk_series(model), model.output_weights
    own, budget = parameters._replace(steps=0), float(parameters.steps)  # its type must not depend on the steps
    steps, records = record_steps.astype(float), np.empty((len(factors), record_steps.size, *factors.shape[1:]))
    last, leaps = np.empty(len(factors)), np.empty(len(factors), dtype=np.int64)
    recovered = np.empty(len(factors), dtype=bool)
    for r, (factor, stream) in enumerate(zip(factors, streams, strict=True)):
        last[r], status, leaps[r] = compiled.run_leaps(
            stream, factor.copy(), layer, own, law, series, limit, budget, steps, records[r]
        )
        if status == DIVERGED:
            raise FloatingPointError(f"replica {r} diverged at step {last[r]:.0f}")
        if status == STALLED:
            raise StallError(
                f"replica {r} needs single steps at step {last[r]:.3g}, where numbers of steps are no longer exact; "
                f"allowed: up to 2**53 = {LARGEST_COUNT:.3g} steps where a leap is one step"
            )
        recovered[r] = status == RECOVERED
        tick(r + 1, len(factors))
    last = last.astype(np.int64) if budget <= LARGEST_COUNT else last
    return records[..., : model.teachers], records @ records.swapaxes(-1, -2), last, recovered, leaps


def leap(
    model: Model, parameters: Parameters, factor: np.ndarray, count: int, law: Law, rng: np.random.Generator
) -> np.ndarray:
    """One leap of `count` steps of a constant rate, in array form: factor (p, k + p) to the next factor.

    Over the nodes of a rule, as `leap_nodes`, and by the same random numbers.
    """
    p, k, series, layer = model.students, model.teachers, risk_series(model), model.output_weights
    projected, noise = parameters.update == Update.PROJECTED, parameters.noise
    samples, degrees = parameters.batch_size * float(count), float(parameters.dimension - k - p)

    def sweep(factor):
        """Error, slopes and fields of each node; effective rate and norm outside of the leap, (p,)."""
        fields = law.points @ factor.T
        error = model.target_formula.array(np)(law.points[:, :k])
        if parameters.loss == Loss.SQUARE:
            error = error - model.activation_formula.array(np)(fields) @ layer
        slopes = layer * model.activation_formula.array(np, derivative=True)(fields)
        radial = (law.weights * error) @ (slopes * fields)
        second = (law.weights * (error**2 + noise)) @ slopes**2
        eta = count * parameters.learning_rate / (1 + parameters.learning_rate * radial * projected)
        return error, slopes, fields, radial, eta, eta**2 / samples * second * degrees

    def tangents(rows):
        """Mean motion of unit rows at a rate of 1."""
        pull, push = np.empty((p, k)), np.empty((p, p))
        descent(rows[:, :k].copy(), rows @ rows.T, layer, parameters.loss == Loss.SQUARE, series, pull, push)
        drift = push @ rows
        drift[:, :k] += pull
        return drift - (drift * rows).sum(axis=1, keepdims=True) * rows

    error, slopes, fields, radial, eta, growth = sweep(factor)
    drift = tangents(factor)

    # The samples fall on the nodes; the sums over them and their squares, label noise included.
    number = np.empty(len(law.weights))
    for i, expected in enumerate(samples * law.weights):
        number[i] = expected + sqrt(expected) * rng.standard_normal() if expected > MANY else rng.poisson(expected)
    total = number.sum()
    first, square = (number / total - law.weights) * error, number * error**2
    if noise > 0:
        for i in np.flatnonzero(number > 0):
            added = sqrt(noise * number[i]) * rng.standard_normal()
            first[i] += added / total
            square[i] += 2 * error[i] * added + noise * (number[i] + sqrt(2 * number[i]) * rng.standard_normal())
    spread = (slopes * first[:, None]).T @ law.points
    spread -= (spread * factor).sum(axis=1, keepdims=True) * factor
    gram = (slopes * np.maximum(square, 0)[:, None]).T @ slopes / (total * samples)
    root, wishart = np.zeros((p, p)), np.zeros((p, p))
    rank = semidefinite_cholesky(gram, p, root, 0)
    bartlett(rng, wishart, rank, degrees)
    outside = eta[:, None] * root @ wishart

    # What the norm within a batch has to do with the motion: of second order in the rate, not in the leap.
    chances = law.weights * (error**2 + noise)
    twist = (chances[:, None] * slopes**2 * fields).T @ law.points
    twist -= (chances @ (slopes * fields) ** 2)[:, None] * factor + radial[:, None] * drift
    twist *= projected * (eta**2 / samples)[:, None]

    # Heun's rule, in p + k coordinates of the span and p outside.
    first = np.pad(eta[:, None] * drift - twist, ((0, 0), (0, p)))
    spread, here = np.hstack([eta[:, None] * spread, outside]), np.pad(factor, ((0, 0), (0, p)))
    guess = here + first + spread
    length = np.linalg.norm(guess, axis=1, keepdims=True)
    *_, eta_there, growth_there = sweep(_triangular(guess / length, k))
    there = eta_there[:, None] * length * tangents(guess / length) - np.pad(twist, ((0, 0), (0, p)))
    weight = 0.5 * (count - 1) / count
    wider = np.sqrt((1 + 0.5 * growth) * (1 + weight * (growth_there / growth - 1)))[:, None]
    rows = here + (1 - weight) * first + weight * there + wider * spread
    return _triangular(rows / np.linalg.norm(rows, axis=1, keepdims=True), k)


def _triangular(rows: np.ndarray, k: int) -> np.ndarray:
    """The factor of unit rows in any number of coordinates, the first k those of the teachers."""
    rest = np.zeros((len(rows), len(rows)))
    semidefinite_cholesky(rows[:, k:] @ rows[:, k:].T, len(rows), rest, 0)
    return np.hstack([rows[:, :k], rest])
