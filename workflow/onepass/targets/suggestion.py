"""A learning rate and a budget for one run, from the theory, where none is given.

The learning rate is the one that the grids of a new target are planned with (`planning.Plan`): along a climb from the
start to the threshold noise moves a squared overlap by a tenth of what it was, and at no step the loss's interaction
of a student with itself takes more than a tenth of it. Momentum makes of a rate γ one of γ/(1 − β), so it is given the
rest. The budget is several times the climb without noise, ``T = τ/γ``.
"""

import math
from dataclasses import replace
from typing import NamedTuple

from onepass.errors import OnepassError
from onepass.gaussian.information import leap_index
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.simulation.parameters import LARGEST_COUNT
from onepass.targets.planning import GATHERED, INTERACTION, THRESHOLDS
from onepass.targets.warnings import missing_component
from onepass.theory import saddle
from onepass.theory.climb import flow_factor, start_norm
from onepass.theory.exponents import half

SLOW_RUNS = 4  # climbs without noise that a budget lasts: a tenth of random starts is five times below the median

FEWEST = 10  # steps of a budget


class SuggestionError(OnepassError, ValueError):
    """A run of which the theory does not know how long it climbs."""


class Suggestion(NamedTuple):
    """What a run may be given."""

    learning_rate: float
    steps: int
    climb: float  # steps from the start to the threshold without noise

    def told(self) -> str:
        """In words."""
        return f"learning rate {self.learning_rate:.3g}, a climb of {self.climb:.3g} steps without noise"


def suggested(
    model: Model,
    protocol: Protocol,
    *,
    dimension: int,
    batch_size: int,
    initial: str | float = "sphere",
    threshold: float | None = None,
    learning_rate: float | None = None,
) -> Suggestion:
    """Return a learning rate, if none is given, and the steps that a climb to the threshold takes at it.

    Parameters
    ----------
    dimension, batch_size : d and n_b.
    initial : "sphere", "norm_inverse_sqrt_d", or the overlap of every student with every direction at the start.
    threshold : norm of the overlaps of all students that counts as recovery; 0.5 √p if left out.

    Raises
    ------
    SuggestionError
        Where the theory knows no climb: of a protocol beyond gradient steps on the sphere by the square or the
        correlation loss, with or without momentum, and of a start that the drift does not take to the threshold.
    """
    steady = replace(protocol, momentum="none", beta=0.0, velocity="left")
    if not steady.is_basic:
        raise SuggestionError(
            f"no learning rate or number of steps is known for protocol {protocol.name!r}; allowed without them: the "
            "projected and the spherical update by the square or the correlation loss, with or without momentum"
        )
    loudest = max(model.second_layer, key=abs)
    order, one = leap_index(model.target_formula), Model(model.target, model.activation, 1, (loudest,), model.noise)
    if missing := missing_component(one):
        raise SuggestionError(missing.sentence)
    threshold = THRESHOLDS[0] if threshold is None else threshold / math.sqrt(model.students)  # of one student
    start, climb = float(start_norm(initial, model.teachers, dimension)), math.inf
    if 0 < start < threshold < 1 and (isinstance(initial, str) or initial > 0):
        climb = dimension ** (half(order) - 1) * flow_factor(one, dimension, start, threshold)
    if not math.isfinite(climb):
        raise SuggestionError(
            f"no climb is known from overlaps of norm {start:.3g} to the threshold {threshold:g}; allowed without "
            "learning rate and steps: a start above 0 from which the drift leads to a threshold below 1"
        )
    share = model.students * (1 - protocol.beta)  # output weights are a/p
    rate = learning_rate
    if rate is None:
        radial, noise = (float(mean[0]) for mean in saddle.means_at_start(one, protocol.loss))
        bounds = [GATHERED * start**2 * batch_size / (climb * noise)]
        if radial < 0:
            bounds.append(INTERACTION / -radial)
        rate = float(f"{share * min(bounds):.2g}")
    climb *= share / rate
    if climb * SLOW_RUNS > LARGEST_COUNT:
        raise SuggestionError(
            f"a climb takes {climb:.3g} steps; allowed: {LARGEST_COUNT:g}, of which {SLOW_RUNS} climbs"
        )
    return Suggestion(rate, max(FEWEST, math.ceil(float(f"{SLOW_RUNS * climb:.2g}"))), climb)
