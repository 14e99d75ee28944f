"""Runs of composed protocols with blocks of inputs by compiled code: the law of `run.run`, at once for each replica."""

import inspect
from collections.abc import Sequence

import numpy as np

from onepass.simulation.algorithms import block_kernel, composed_chain, composed_kernel
from onepass.simulation.algorithms.algorithm import Algorithm
from onepass.simulation.algorithms.block_step import BlockLaw
from onepass.simulation.algorithms.blocks import BlockRows
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.composed_chain import MOVE, RUN, composition, kernel_of
from onepass.simulation.algorithms.run import Outcome, Settings
from onepass.simulation.chain.batch_law import NO_LAW
from onepass.simulation.chain.kernel import DIVERGED, RECOVERED
from onepass.simulation.ticker import tick
from onepass.sources import code_version

# Read as this module is, like those of `chain.build`.
_RUN = f"""from onepass.simulation.algorithms.block_step import BlockLaw, complete_blocks, field_progress
from onepass.simulation.algorithms.block_step import settle, to_fields

{RUN.search(inspect.getsource(block_kernel)).group()}"""
_MOVE = MOVE.search(inspect.getsource(composed_kernel)).group()
_RUN = MOVE.sub(lambda _: _MOVE, _RUN)


def takes(algorithm: Algorithm, settings: Settings) -> bool:
    """Whether the compiled form knows such runs: of protocols that see a sample once, and know neither
    norms of samples nor the risk."""
    if settings.dense or type(algorithm) is not ComposedSGD or algorithm.model.inputs.is_isotropic:
        return False
    return not (algorithm.protocol.repeats or algorithm.smoothing or algorithm.adaptive)


def run(
    algorithm: ComposedSGD,
    settings: Settings,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
    record_steps: np.ndarray,
) -> Outcome:
    """Run every replica from its factor (replicas, p, B, k + p), by numbers of its stream alone, as `run.run`."""
    model, count = algorithm.model, len(factors)
    p, k = model.students, model.teachers
    covariance = model.inputs.at(settings.dimension, k)
    each = k + p * (algorithm.vectors + 1)
    if covariance.variances == (1.0,) and settings.dimension >= each:  # isotropic, at less than half of the cost
        found = composed_chain.run(algorithm, settings, factors[:, :, 0], streams, record_steps)
        return found._replace(block_overlaps=found.overlaps[:, :, None], block_grams=found.grams[:, :, None])
    kernel, own = kernel_of(algorithm, _RUN, code_version(__name__)), composition(algorithm, settings, 0.0)
    deviations = np.sqrt(covariance.variances)
    blocks = len(deviations)
    scales = np.repeat(deviations, each)
    law = BlockLaw(np.array(covariance.dimensions), scales, deviations * covariance.teacher_frame)
    starts = np.zeros((count, p, blocks, each))
    starts[..., : k + p] = factors
    starts = starts.reshape(count, p, -1)
    states = np.empty((count, record_steps.size, p, blocks * each))
    layers = np.empty((count, record_steps.size, p))
    last, status = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    for r, (start, stream) in enumerate(zip(starts, streams, strict=True)):
        layer = model.output_weights.copy()
        last[r], status[r] = kernel.run_blocks(
            stream, start, layer, own, NO_LAW, law, record_steps, states[r], layers[r]
        )
        tick(r + 1, count)
    last[status == DIVERGED] = settings.steps
    rows = BlockRows(covariance, k, [each] * blocks)
    students = rows.seen(states)
    return Outcome(
        students[..., :k],
        students @ students.swapaxes(-1, -2),
        layers * p,
        last,
        status == RECOVERED,
        status == DIVERGED,
        *rows.by_block(states),
    )
