"""The mean process for inputs with blocks: what a step changes of inner products of weights in each block, in the mean.

In block b teacher and students have the Gram matrix ``G_b`` (k + p, k + p); their fields have the covariance
``Ω = Σ_b s_b² G_b`` and are ``A u`` with white u. Given u the part z_b of a sample has the inner products ``H_b u``
with the weights there, ``H_b = s_b² G_b A⁻ᵀ``, and the mean squared norm ``s_b² d_b + uᵀ K_b u − tr K_b``,
``K_b = s_b² A⁻¹ H_b``. So a step takes the means of ``c u`` and of ``c cᵀ uuᵀ``, whatever the number of blocks.
"""

from typing import NamedTuple

import numpy as np

from onepass.choices import Loss, Schedule, Update
from onepass.gaussian.quadrature import COUNTS, exact_count, refined
from onepass.inputs.kind import Covariance
from onepass.model import Model
from onepass.protocol import ADAPTIVE_DECAY, ADAPTIVE_DROP, ADAPTIVE_RISK_FRACTION, Protocol
from onepass.simulation.simulate import DivergenceError
from onepass.theory.moment_quadrature import WhiteMoments, white_moments
from onepass.theory.moments import FEWEST, LARGEST_GRID, ROUNDING, ExpectationError

TOLERANCE = 1e-8  # of means that have no exact rule, relative to those of y²


class BlockRecords(NamedTuple):
    """States of the process, the records as their first axis."""

    overlaps: np.ndarray  # covariances of the students' fields with the teacher's (…, p, k)
    grams: np.ndarray  # and with each other (…, p, p)
    risks: np.ndarray
    layers: np.ndarray  # a/p (…, p)
    block_overlaps: np.ndarray  # W_b W*_bᵀ (…, B, p, k)
    block_grams: np.ndarray  # W_b W_bᵀ (…, B, p, p)
    errors: np.ndarray  # of the means


def start(covariance: Covariance, overlap: float, students: int, teachers: int) -> tuple[np.ndarray, np.ndarray]:
    """``W_b W*_bᵀ`` (B, p, k) and ``W_b W_bᵀ`` (B, p, p), means of the random start ("overlap", m) of
    `onepass.simulation.initial.block_factor`."""
    sizes, k = np.array(covariance.dimensions), teachers
    frame = np.array(covariance.teacher_frame)
    toward = np.array(covariance.variances) * frame
    toward /= np.linalg.norm(toward)
    rest = (1 - k * overlap**2) * (sizes - k * toward**2) / (sizes.sum() - k)
    overlaps = (overlap * toward * frame)[:, None, None] * np.ones((students, k))
    return overlaps, (k * (overlap * toward) ** 2)[:, None, None] + rest[:, None, None] * np.eye(students)


def iterate(
    model: Model,
    protocol: Protocol,
    covariance: Covariance,
    state: tuple[np.ndarray, np.ndarray],
    learning_rate: float,
    batch_size: int,
    intra_batch: bool,
    record_steps: np.ndarray,
) -> BlockRecords:
    """Records of the process from a state as `start` gives it, as of `onepass.theory.mean_process.iterate`."""
    overlaps, grams = state
    variances, frame = np.array(covariance.variances), np.array(covariance.teacher_frame)
    layer, rate, loss, switch, count = model.output_weights, learning_rate, protocol.loss, -1.0, None
    counts, bc, kept = _counts(model), (1 - 1 / batch_size) * intra_batch, []
    for step in range(record_steps[-1] + 1):
        gram = _whole(frame, overlaps, grams)
        fields = np.einsum("b,bij->ij", variances, gram)
        k = model.teachers
        at = model, fields[k:, :k], fields[k:, k:], layer
        known = step == record_steps[len(kept)]
        means, count, error = _means(loss, at, counts if known else (count,))
        if known:
            kept.append((*at[1:3], means.risk, layer, overlaps, grams, error))
        if step == record_steps[-1]:
            break
        if protocol.schedule == Schedule.ADAPTIVE:
            switch = ADAPTIVE_RISK_FRACTION * means.risk if step == 0 else switch
            if means.risk < switch:
                rate *= ADAPTIVE_DECAY * (ADAPTIVE_DROP if loss == Loss.CORRELATION else 1.0)
                if loss == Loss.CORRELATION:
                    loss = Loss.SQUARE
                    means, *_ = _means(loss, at, (count,))
        first, second = increments(means, gram, covariance, layer, batch_size, bc, protocol.update)
        stays, along = 1 - rate * protocol.weight_decay, first[:, :, k:]
        overlaps = stays * overlaps + rate * first[:, :, :k]
        grams = stays**2 * grams + stays * rate * (along + along.swapaxes(1, 2)) + rate**2 * second
        layer = layer + rate * protocol.second_layer_rate * means.value / layer.size**2
        norms = np.sqrt(np.einsum("bjj->j", grams).clip(0))
        if not (np.isfinite(norms) & (norms > 0)).all():
            raise DivergenceError(
                f"a squared norm of the students is no positive number after step {step} with learning rate "
                f"{learning_rate:g}; a smaller one keeps it positive"
            )
        if protocol.update != Update.PLAIN:
            overlaps, grams = overlaps / norms[:, None], grams / np.outer(norms, norms)
    return BlockRecords(*map(np.array, zip(*kept, strict=True)))


def increments(
    means: WhiteMoments, gram: np.ndarray, covariance: Covariance, layer: np.ndarray, batch_size: int, bc: float, update
) -> tuple[np.ndarray, np.ndarray]:
    """What a step along −gradient does before norms are restored, over γ and γ²: mean inner products with the weights
    in each block (B, p, k + p), and mean inner products of two such directions (B, p, p).

    ``gram`` (B, k + p, k + p) is G; ``bc`` weighs pairs of samples, 1 − 1/n_b if they count.
    """
    factor, p = means.factor, layer.size
    k = factor.shape[0] - p
    inverse, students = np.linalg.pinv(factor), factor[k:]
    s2, d = np.array(covariance.variances)[:, None, None], np.array(covariance.dimensions)[:, None, None]
    inner = s2 * gram @ inverse.T  # H
    lengths = s2 * inverse @ inner  # K
    drift = layer[:, None] * means.drift
    square = np.outer(layer, layer)[:, None, :, None] * means.square  # (p, k + p, p, k + p): E[c_j c_i u uᵀ]
    pair = np.outer(layer, layer) * means.pair
    first = drift @ inner.swapaxes(1, 2)
    own = (
        np.einsum("bxy,jxiy->bji", lengths, square)
        + (s2 * d - np.trace(lengths, axis1=1, axis2=2)[:, None, None]) * pair
    )
    between = drift @ lengths @ drift.T
    if update == Update.SPHERICAL:  # along z − λ_j w_j in place of z
        radial, blocks = np.einsum("jx,jx->j", drift, students), gram[:, k:, k:]
        along = first[:, :, k:]  # of E[c_j z_b] with w_i
        between = between - along * radial - (along * radial).swapaxes(1, 2) + np.outer(radial, radial) * blocks
        mixed = np.einsum("bix,jxiy,iy->bji", inner[:, k:], square, students)
        own = own - mixed - mixed.swapaxes(1, 2) + np.einsum("jx,jxiy,iy->ji", students, square, students) * blocks
        first = first - radial[:, None] * gram[:, k:]
    return first, own / batch_size + bc * between


def _whole(frame: np.ndarray, overlaps: np.ndarray, grams: np.ndarray) -> np.ndarray:
    """G (B, k + p, k + p)."""
    teacher = frame[:, None, None] ** 2 * np.eye(overlaps.shape[2])
    return np.block([[teacher, overlaps.swapaxes(1, 2)], [overlaps, grams]])


def _counts(model: Model) -> tuple[int, ...]:
    """Nodes of the rules that can be afforded; a single one is exact."""
    exact, fields = exact_count(model), model.students + model.teachers
    counts, fewest = (COUNTS, FEWEST) if exact is None else ((exact,), exact)
    counts = tuple(count for count in counts if count**fields <= LARGEST_GRID)
    if not counts or counts[-1] < fewest:
        raise ExpectationError(
            f"target {model.target!r} with activation {model.activation!r}: quadrature over {fields} fields cannot be "
            "afforded with inputs that have blocks; simulate it with engine 'chain'"
        )
    return counts


def _means(loss: Loss, at, counts: tuple[int, ...]) -> tuple[WhiteMoments, int, float]:
    """The means at a state, the nodes of their rule, and their largest absolute error."""
    scale = 1.0
    if len(counts) > 1:
        scale = abs(white_moments(Loss.CORRELATION, *at, counts[0]).square).max()
    found = refined(
        lambda count: white_moments(loss, *at, count),
        counts,
        max(TOLERANCE, ROUNDING) * scale,
        lambda coarse, fine: max(abs(a - b).max() for a, b in zip(coarse[1:4], fine[1:4], strict=True)),
    )
    return found.value, found.fine, found.error
