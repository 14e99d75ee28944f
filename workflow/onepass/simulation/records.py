"""What a simulation records: at which steps, and the labelled data set of it."""

from collections.abc import Sequence

import numpy as np

from onepass.gaussian.risk import population_risk
from onepass.inputs.kind import Covariance
from onepass.simulation.parameters import LARGEST_COUNT

ABOUT = {  # of every variable its meaning and units
    "step": ("SGD step", "steps"),
    "overlap": ("overlap M = W W*ᵀ", "1"),
    "student_gram": ("Gram matrix Q = W Wᵀ", "1"),
    "risk": ("excess population risk ½ E[(f* − f)²]", "1"),
    "recovery_step": ("steps to weak recovery, or run without it", "steps"),
    "recovered": ("whether the threshold was reached", "1"),
    "leaps": ("leaps, single steps among them", "1"),
    # of a search of the best learning rate
    "learning_rate": ("learning rate", "1"),
    "budget": ("steps allowed a replica", "steps"),
    "tolerance": ("relative error that leaps may make of median times", "1"),
    "best_rate": ("learning rate of the shortest median time", "1"),
    "best_step": ("steps to weak recovery at the best rate, or run without it, of replicas apart", "steps"),
    "best_recovered": ("whether the threshold was reached there", "1"),
    "second_layer": ("second layer a", "1"),
    "diverged": ("whether it stopped before a step that left the finite numbers", "1"),
    # of inputs with blocks
    "block_overlap": ("overlap W_b W*_bᵀ in each block of inputs", "1"),
    "block_gram": ("Gram matrix W_b W_bᵀ in each block of inputs", "1"),
    "block_dimension": ("directions of a block of inputs", "1"),
    "block_variance": ("variance of inputs in a block", "1"),
    "block_teacher": ("share of a block in the squared norm of the teacher's rows", "1"),
}
OF_FIELDS = {  # what they are where inputs are not isotropic
    "overlap": ("covariance E[λ λ*ᵀ] of the fields of students and teacher", "1"),
    "student_gram": ("covariance E[λ λᵀ] of the fields of students", "1"),
}
DIMENSIONS = ("replica", "step", "student")
LAST = {"overlap": ("teacher",), "student_gram": ("other_student",)}  # the dimension of what has a fourth
IN_BLOCKS = {"block_overlap": "overlap", "block_gram": "student_gram"}  # what has one more, before the students


def log_spaced(steps: int, records: int) -> np.ndarray:
    """Distinct whole steps from 0 to the budget, `records` of them spaced evenly in the logarithm.

    Of budgets beyond 2**53, as floats: their last digits are not counted.
    """
    kind = np.int64 if steps <= LARGEST_COUNT else np.float64
    steps = kind(steps)
    spaced = np.geomspace(1, max(steps, 1), max(records, 1)).round().astype(kind)
    return np.unique(np.concatenate([[0], spaced[:records][spaced[:records] < steps], [steps]])).astype(kind)


def labelled(dataset, about):
    """The data set with the meaning and the units of each of its variables, as `about` has them by name."""
    for name in dataset.variables:
        dataset[name].attrs = dict(zip(("long_name", "units"), about[name], strict=True))
    return dataset


def dataset_of(model, record_steps, overlaps, grams, last, recovered, leaps, attributes):
    """What `onepass.simulate` returns, from the results of a simulator; `leaps` (replica) or None."""
    kept, step = kept_records(record_steps, last)
    overlaps, grams = overlaps[:, kept], grams[:, kept]
    states = {"overlap": overlaps, "student_gram": grams, "risk": population_risk(model, overlaps, grams)}
    runs = {"recovery_step": last, "recovered": recovered} | ({} if leaps is None else {"leaps": leaps})
    return of_runs(step, states, runs, attributes)


def kept_records(record_steps: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which records are worth keeping, and their steps: the last one is that of the last step run by any replica."""
    kept = np.append(np.flatnonzero(record_steps < last.max()), record_steps.size - 1)
    step = record_steps[kept]
    step[-1] = last.max()
    return kept, step


def joined(parts: Sequence, order: Sequence[int]):
    """Replicas of several data sets of the same runs as one, in an order of theirs behind each other.

    It is what one run of all of them returns: a part's records after its last step hold its last state. The steps of
    the parts' records agree as far as they go. `risk_truncation` bounds that of all replicas that were run.
    """
    import xarray as xr

    longest = max(parts, key=lambda part: part.recovery_step.max())
    _, step = kept_records(longest.step.values, longest.recovery_step.values)
    places = np.arange(step.size - 1)
    widened = [
        part.isel(step=np.append(np.minimum(places, part.sizes["step"] - 1), -1)).assign_coords(
            step=("step", step, longest.step.attrs)
        )
        for part in parts
    ]
    whole = xr.concat(widened, "replica", combine_attrs="override").isel(replica=list(order))
    bound = max(part.attrs["risk_truncation"] for part in parts)
    return whole[list(parts[0].variables)].assign_attrs(risk_truncation=bound)  # in the order of theirs


def of_runs(step: np.ndarray, states: dict, runs: dict, attributes: dict, covariance: Covariance | None = None):
    """The data set of states (replica, step, …) and of what is one number a replica, by the names of `ABOUT`."""
    import xarray as xr

    data = {name: (_dimensions(name)[: values.ndim], values) for name, values in states.items()}
    data |= {name: (DIMENSIONS[:1], values) for name, values in runs.items()}
    coordinates, about = {"step": step}, ABOUT
    if covariance is not None:
        of_blocks = zip(("dimension", "variance", "teacher"), covariance, strict=True)
        coordinates |= {f"block_{name}": ("block", list(values)) for name, values in of_blocks}
        about = ABOUT | OF_FIELDS
    return labelled(xr.Dataset(data, coords=coordinates, attrs=attributes), about)


def _dimensions(name: str) -> tuple[str, ...]:
    *outer, student = DIMENSIONS
    if name in IN_BLOCKS:
        return (*outer, "block", student, *LAST[IN_BLOCKS[name]])
    return (*DIMENSIONS, *LAST.get(name, ()))
