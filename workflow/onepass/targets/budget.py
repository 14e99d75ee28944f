"""Whether a run has the steps that recovery takes: a budget below the time from first principles can only fail."""

from onepass.model import Model
from onepass.protocol import Protocol, Update
from onepass.targets.remark import Remark
from onepass.theory import saddle
from onepass.theory.climb import start_norm
from onepass.theory.recovery_time import noiseless_time


def short_budget(
    model: Model,
    protocol: Protocol,
    *,
    dimension: int,
    learning_rate: float,
    steps: int,
    initial: str | float,
    threshold: float | None,
) -> Remark | None:
    """A remark where a run ends before an overlap without noise has climbed from its start to the threshold.

    None where nothing is known of the climb: of several students, of a sphere's start before several directions, where
    no threshold is asked for, or where the overlap does not climb, of which other remarks speak.
    """
    several = isinstance(initial, str) and model.teachers > 1  # every start has its own direction
    if threshold is None or model.students > 1 or several:
        return None
    start = float(start_norm(initial, model.teachers, dimension))
    if not 0 < start < threshold < 1:
        return None
    place = {"dimension": dimension, "learning_rate": learning_rate, "start": start, "threshold": threshold}
    time = _left_by_the_update(model, protocol, learning_rate) * noiseless_time(model, **place)
    if not steps < time < float("inf"):
        return None
    return Remark(
        "budget",
        time / steps,
        f"the budget of {steps} steps is below the {time:.3g} that an overlap takes without noise from {start:.2g} to "
        f"the threshold {threshold:g}: hardly a run recovers before its budget ends; raise it {time / steps:.2g} times "
        "and more",
    )


def _left_by_the_update(model: Model, protocol: Protocol, learning_rate: float) -> float:
    """What a step leaves of the student before the drift is added, 1 + γ R: the less, the faster the climb."""
    if protocol.update != Update.PROJECTED:
        return 1.0
    radial, _ = saddle.means_at_start(model, protocol.loss)
    return float(min(max(1 + learning_rate * radial[0], 0.0), 1.0))
