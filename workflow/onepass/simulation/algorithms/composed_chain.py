"""Runs of composed protocols by compiled code: the law of `run.run` with lazy batches, at once for each replica.

A protocol gets a kernel of its own only for what stands in its inner loops: the formulas, whether there are velocities,
whether the output is needed, and what the sums over a batch are. All numbers, and the other choices, are told when it
runs.
"""

import inspect
import re
from collections.abc import Sequence

import numpy as np

from onepass.choices import BASIC_LOSSES, Lookahead, Loss, Schedule, Update
from onepass.formulas.named import NamedFormula
from onepass.gaussian.hermite import gaussian_norm
from onepass.gaussian.risk import RiskSeries, risk_series
from onepass.protocol import ADAPTIVE_DECAY, ADAPTIVE_DROP, ADAPTIVE_RISK_FRACTION, PSI
from onepass.simulation.algorithms import again_kernel, composed_kernel, lookahead_kernel, walk_kernel
from onepass.simulation.algorithms.algorithm import Algorithm
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.composed_step import Composition
from onepass.simulation.algorithms.lazy_kernel import Sizes
from onepass.simulation.algorithms.run import MEMORY, Outcome, Settings
from onepass.simulation.algorithms.walk_kernel import Rule
from onepass.simulation.chain.batch_law import NO_LAW, Law
from onepass.simulation.chain.build import RESPONSE, SAMPLES, SUMS, composed_module
from onepass.simulation.chain.kernel import DIVERGED, RECOVERED
from onepass.simulation.ticker import tick
from onepass.sources import code_version

# Read as this module is, like those of `chain.build`.
_KERNEL, _WALK = inspect.getsource(composed_kernel), inspect.getsource(walk_kernel)
_LOOKAHEAD, _AGAIN = inspect.getsource(lookahead_kernel), inspect.getsource(again_kernel)
PROTOCOL, RUN, MOVE, WEIGH = (
    re.compile(f"# <{part}>.*# </{part}>", re.DOTALL) for part in ("protocol", "run", "move", "weigh")
)
_RESPONSE = RESPONSE.search(_KERNEL).group()
# What the kernel needs beside the names that the chain's has.
_NEEDED = """from onepass.choices import Direction, Lookahead, Momentum, Velocity
from onepass.simulation.algorithms.composed_step import ASCENT, VALUE, Composition, accelerate, complete
from onepass.simulation.algorithms.composed_step import complete_one, frobenius, go_along, is_finite, keep
from onepass.simulation.algorithms.composed_step import make_tangent, progress, resize, resize_rows, transport
from onepass.simulation.algorithms.lazy_kernel import Sizes, add_fields, combine, open_batch
from onepass.simulation.algorithms.rows import inner, lower_triangular, polar
from onepass.simulation.algorithms.walk import draw_parts, squared_length, walk
from onepass.simulation.algorithms.walk_kernel import Rule
from onepass.simulation.chain.unit_risk import sphere_risk
"""


def takes(algorithm: Algorithm, settings: Settings) -> bool:
    """Whether the compiled form knows such runs; the array form knows all, at a hundred times the cost of a step.

    It does not know algorithms of one's own, inputs that are not isotropic, the risk of weights off the sphere, which
    the adaptive schedule asks for, dimensions that a batch of one combination uses up, and batches that are seen again
    and do not fit the memory.
    """
    if settings.dense or type(algorithm) is not ComposedSGD or not algorithm.model.inputs.is_isotropic:
        return False
    own, p = algorithm.protocol, algorithm.model.students
    if own.schedule == Schedule.ADAPTIVE and own.update == Update.PLAIN:
        return False
    held = algorithm.teachers + p * algorithm.vectors
    if _again(algorithm):
        return settings.dimension >= held and 8 * _sizes(algorithm, settings).numbers <= MEMORY
    used = min(p + 1 if _walks(algorithm) else p, settings.batch_size)  # walks keep one beyond
    return settings.dimension >= held + used


def _walks(algorithm: ComposedSGD) -> bool:
    """Whether weights know the norms of their samples."""
    return algorithm.protocol.smoothing > 0 or algorithm.protocol.lookahead == Lookahead.SAMPLE


def _again(algorithm: ComposedSGD) -> bool:
    """Whether it forms more than one combination of a batch."""
    return algorithm.combinations > 1


def _sizes(algorithm: ComposedSGD, settings: Settings) -> Sizes:
    p, held = algorithm.model.students, algorithm.teachers + algorithm.model.students * algorithm.vectors
    return Sizes.of(settings.batch_size, p, held, settings.dimension, algorithm.combinations)


def run(
    algorithm: ComposedSGD,
    settings: Settings,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
    record_steps: np.ndarray,
) -> Outcome:
    """Run every replica from its factor [M | L] (replicas, p, k + p), by numbers of its stream alone, as `run.run`."""
    model, count = algorithm.model, len(factors)
    p, k = model.students, model.teachers
    (series, missing), law = _series(algorithm), _law(algorithm, settings)
    kernel, own = kernel_of(algorithm), composition(algorithm, settings, missing)
    width = law.width if isinstance(law, Sizes) else k + p * (algorithm.vectors + 1)
    states = np.empty((count, record_steps.size, p, width))
    layers = np.empty((count, record_steps.size, p))
    last, status = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    for r, (factor, stream) in enumerate(zip(factors, streams, strict=True)):
        layer = model.output_weights.copy()
        last[r], status[r] = kernel.run_composed(
            stream, factor, layer, own, law, series, record_steps, states[r], layers[r]
        )
        tick(r + 1, count)
    last[status == DIVERGED] = settings.steps
    return Outcome(
        states[..., :k], states @ states.swapaxes(-1, -2), layers * p, last, status == RECOVERED, status == DIVERGED
    )


def kernel_of(algorithm: ComposedSGD, run: str = "", code: str = ""):
    """The module of `composed_kernel` for a model and a protocol; or of the source of another `run` in the place of its
    own, with the version of the code that this is of."""
    own, model = algorithm.protocol, algorithm.model
    basic = own.loss in BASIC_LOSSES  # one kernel: the response knows the square loss
    psi = NamedFormula.of(PSI[Loss.CORRELATION], "y", "f") if basic else own.psi
    label = NamedFormula.of(own.label or "y", "y")
    adaptive, learns = own.schedule == Schedule.ADAPTIVE, own.second_layer_rate > 0
    output = learns or adaptive or own.psi.reads("f")
    functions = [label.source("transformed"), psi.source("psi")]
    walks, again = _walks(algorithm), _again(algorithm)
    facts = f"VECTORS, OUTPUT, WALKS, AGAIN = {algorithm.vectors}, {output}, {walks}, {again}"
    block = "\n\n".join([facts, *(f"@njit\n{f}" for f in functions)])
    sums, weights = SAMPLES, _RESPONSE
    if walks:
        sums = SUMS.search(_WALK).group()
        weights += f"\n\n{WEIGH.search(_LOOKAHEAD).group()}"
    elif again:
        sums = SUMS.search(_AGAIN).group()
    if not own.smoothing:
        sums = RESPONSE.sub(lambda _: weights, sums)
    sums = f"{_NEEDED}\n{PROTOCOL.sub(lambda _: block, sums)}"
    return composed_module(model, sums, run or RUN.search(_KERNEL).group(), code or code_version(__name__))


def _law(algorithm: ComposedSGD, settings: Settings) -> Law | Rule | Sizes:
    """What the sums over a batch read: of smoothed landscapes the rule of their means, of batches seen again sizes."""
    if _again(algorithm):
        return _sizes(algorithm, settings)
    if algorithm.smoothing is None:
        return NO_LAW
    own = algorithm.smoothing
    return Rule(own.nodes, own.weights, own.radius, own.sphere)


def _series(algorithm: ComposedSGD) -> tuple[RiskSeries, float]:
    """The risk that the adaptive schedule asks for, and what of E[σ²] is beyond its series; others ask for none."""
    model = algorithm.model
    if not algorithm.adaptive:
        return RiskSeries(0.0, np.empty((0, model.teachers), dtype=np.int64), np.empty(0), np.empty(0)), 0.0
    series = risk_series(model)
    return series, max(0.0, gaussian_norm(model.activation_formula) - series.pair.sum())


def composition(algorithm: ComposedSGD, settings: Settings, missing: float) -> Composition:
    """What the kernel is told of a protocol and its run."""
    own = algorithm.protocol
    return Composition(
        dimension=settings.dimension,
        batch_size=settings.batch_size,
        learning_rate=algorithm.learning_rate,
        steps=settings.steps,
        threshold=settings.threshold,
        by_cosine=settings.recovery == "cosine",
        noise=float(algorithm.model.noise),
        loss=int(own.loss) if isinstance(own.loss, Loss) else -1,
        update=int(own.update),
        schedule=int(own.schedule),
        direction=int(own.direction),
        momentum=int(own.momentum),
        velocity=int(own.velocity),
        beta=own.beta,
        clip=own.clip or 0.0,
        weight_decay=own.weight_decay,
        second_layer_rate=own.second_layer_rate,
        lookahead=int(own.lookahead),
        lookahead_rate=own.lookahead_rate,
        passes=own.passes,
        risk_fraction=ADAPTIVE_RISK_FRACTION,
        drop=ADAPTIVE_DROP,
        decay=ADAPTIVE_DECAY,
        missing=float(missing),
    )
