"""Grids for a target that nobody measured before: learning rates, dimensions and budgets from the theory.

The time τ(d) of the population flow from the start to the threshold replaces the constants of the theory: without
noise a climb takes ``T = τ/γ`` steps, ``τ̂ = τ d^(1 − h)`` tends to a constant (a logarithm at ℓ = 2), with
``h = max(ℓ, 2)/2``. At ``γ = γ0 n_b d^(−h)`` a run gathers the noise ``γ0 τ̂ V`` in units of ``s² = m0² d``, V that of
one sample (`saddle`).
"""

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import product
from math import floor, log10

import numpy as np

from onepass.choices import BASIC_LOSSES
from onepass.errors import OnepassError
from onepass.gaussian.information import leap_index
from onepass.model import Model
from onepass.pipeline.cost import gaussian_step_seconds, sample_seconds
from onepass.pipeline.experiments import GAUSSIAN_FROM
from onepass.pipeline.row_exponents import map_exponent
from onepass.protocol import PAPER_PROTOCOLS, Loss
from onepass.simulation.chain.batch_law import BatchError
from onepass.simulation.parameters import LARGEST_COUNT
from onepass.targets.warnings import missing_component
from onepass.theory import exponents, saddle
from onepass.theory.climb import flow_factor
from onepass.theory.exponents import half, saddle_exponent
from onepass.theory.recovery_time import drift_coefficient

GATHERED = 0.1  # noise of a run, in units of the squared overlap at the start
FEWEST_STEPS = 20  # of a climb whose time does not grow with d: fewer cannot be counted
INTERACTION = 0.1  # of the square loss with itself, as a fraction of what turns a student round
THRESHOLDS = (0.5, 0.35, 0.25)  # the first that the flow reaches in one climb
SMALLEST, LARGEST = 6, 16  # log2 of the largest dimension


class PlanError(OnepassError, ValueError):
    """A target and an activation for which no recovery can be planned."""


class Plan:
    """What the grids of one student of a target are made of.

    One that cannot leave the start by the drift at the first saddle is a `PlanError`.
    """

    def __init__(self, model: Model, protocols: Sequence[str] = ()) -> None:
        self.protocols = list(protocols)  # that were asked for
        self.known = [name for name in protocols if exponents.knows(name)] or list(PAPER_PROTOCOLS)  # to the theory
        if missing := missing_component(model):
            raise PlanError(missing.sentence)
        self.model, self.order = model, leap_index(model.target_formula)
        self.half, self.samples_exponent = half(self.order), saddle_exponent(self.order)
        self.scaled_start = 2.0 if self.order > 2 else 1.0  # s = m0 √d, of the norm m0 of the overlaps at the start
        self.threshold, self.climb = self._threshold()

    def _threshold(self) -> tuple[float, float]:
        """The threshold, and τ̂ from the start to it at a dimension of 1024."""
        for threshold in THRESHOLDS:
            if math.isfinite(climb := self.scaled_climb(1024, threshold)):
                return threshold, climb
        raise PlanError(
            f"a student {self.model.activation!r} of the target {self.model.target!r} does not climb from equal "
            f"positive overlaps to {THRESHOLDS[-1]} (drift β = {self.drift:.3g} along the start): the other sign of "
            "the activation, or of a coordinate in the target, may"
        )

    @cached_property
    def drift(self) -> float:
        """β along equal overlaps."""
        return drift_coefficient(self.model)

    def scaled_climb(self, dimension: float, threshold: float, scaled_start: float | None = None) -> float:
        """τ̂ of the flow from equal overlaps of norm ``s/√d`` to the threshold; inf where it takes too long."""
        scaled = self.scaled_start if scaled_start is None else scaled_start
        return flow_factor(self.model, dimension, scaled / math.sqrt(dimension), threshold)

    @cached_property
    def noise(self) -> float:
        """V of the loudest loss."""
        return max(float(saddle.means_at_start(self.model, loss)[1][0]) for loss in BASIC_LOSSES)

    @cached_property
    def interaction(self) -> float:
        """The learning rate at which the square loss turns a student round; inf where none does."""
        radial = float(saddle.means_at_start(self.model, Loss.SQUARE)[0][0])
        return -1 / radial if radial < 0 else math.inf

    def rate(self, *, steps: int = 0) -> float:
        """γ0, of one digit: little noise, a weak interaction and, where that is asked, climbs of so many steps."""
        bounds = [GATHERED * self.scaled_start**2 / (self.climb * self.noise), INTERACTION * self.interaction]
        return _digit(min(bounds + ([self.climb / steps] if steps else [])))

    def edge(self, loss: Loss) -> float:
        """γ0 of the line on which noise takes from the overlap ``1/√d`` what a step adds; below the interaction's."""
        gain = self.drift if self.drift > 0 else saddle.steepest_drift(self.model)
        # d = n_b = 1 and an overlap of 1 give the prefactor of n_b d^(−h); at ℓ = 1 it is met at the threshold.
        overlap = 1.0 if self.order > 1 else self.threshold
        bound = float(saddle.noise_bound(self.model, loss, dimension=1, batch_size=1, overlap=overlap, gain=gain)[0])
        return _digit(min(bound, self.interaction if loss == Loss.SQUARE else math.inf))

    @cached_property
    def gaussian_step(self) -> float:
        """Seconds that the engine gaussian takes for a step; inf where it does not know the law of a batch."""
        try:
            return gaussian_step_seconds(self.model)
        except BatchError:
            return math.inf

    @cached_property
    def gaussian_from(self) -> int | None:
        """Smallest batch for which it is the faster one, and exact enough; None for never."""
        if not math.isfinite(self.gaussian_step):
            return None
        return max(GAUSSIAN_FROM, math.ceil(float(f"{self.gaussian_step / sample_seconds(self.model):.1g}")))

    def step_cost(self, batch: float) -> float:
        """Seconds a step of one replica."""
        large = self.gaussian_from is not None and batch >= self.gaussian_from
        return self.gaussian_step if large else batch * sample_seconds(self.model)

    def recovery_cost(self, protocol: str, mu: float, dimension: float, rate: float, replicas: int) -> float:
        """Seconds of a cell of recovery times, on one core."""
        delta = exponents.optimal_learning_rate_exponent(protocol, self.order, mu)
        theta = exponents.recovery_exponent(protocol, self.order, mu, delta)
        return replicas * self.climb / rate * dimension**theta * self.step_cost(dimension**mu)

    def dimensions(self, mus, rate: float, replicas: int, budget: float, smallest: int, count: int = 5) -> list[int]:
        """Dimensions, evenly in their logarithm, as large as fit into so many seconds for all protocols and μ."""
        for power in range(min(LARGEST, floor(math.log2(LARGEST_COUNT) / max(1.0, *mus))), SMALLEST, -1):
            largest = 2**power
            least = max(smallest, 2 ** math.ceil(power / 2))
            listed = sorted({round(d) for d in np.geomspace(least, largest, count)})
            cells = product(self.known, mus, listed)
            if sum(self.recovery_cost(protocol, mu, d, rate, replicas) for protocol, mu, d in cells) <= budget:
                return listed
        return sorted({round(d) for d in np.geomspace(smallest, max(2**SMALLEST, 2 * smallest), count)})

    def map_cost(self, mu: float, deltas: int, dimensions, replicas: int, budget: float, rate: float) -> float:
        """Seconds of a row of a map, none of whose cells recovers."""
        theta = map_exponent(self.order, mu)
        steps = sum(max(1, budget / rate * d**theta) * self.step_cost(max(1, d**mu)) for d in dimensions)
        return deltas * replicas * steps


def _digit(value: float) -> float:
    """A number of one significant digit, not above the value."""
    scale = 10.0 ** floor(log10(value))
    return float(f"{floor(value / scale * (1 + 1e-9)) * scale:.1g}")
