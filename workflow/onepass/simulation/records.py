"""What a simulation records: at which steps, and the labelled data set of it."""

from __future__ import annotations

import numpy as np

from onepass.gaussian.risk import population_risk
from onepass.simulation.parameters import LARGEST_COUNT


def log_spaced(steps: int, records: int) -> np.ndarray:
    """Distinct whole steps from 0 to the budget, `records` of them spaced evenly in the logarithm.

    Of budgets beyond 2**53, as floats: their last digits are not counted.
    """
    kind = np.int64 if steps <= LARGEST_COUNT else np.float64
    steps = kind(steps)
    spaced = np.geomspace(1, max(steps, 1), max(records, 1)).round().astype(kind)
    return np.unique(np.concatenate([[0], spaced[:records][spaced[:records] < steps], [steps]])).astype(kind)


def dataset_of(model, record_steps, overlaps, grams, last, recovered, leaps, attributes):
    """The data set of a run; `leaps` (replica) are None where there are none."""
    import xarray as xr

    kept = np.append(np.flatnonzero(record_steps < last.max()), record_steps.size - 1)
    overlaps, grams = overlaps[:, kept], grams[:, kept]
    step = record_steps[kept]
    step[-1] = last.max()
    dims = ("replica", "step", "student")
    dataset = xr.Dataset(
        {
            "overlap": ((*dims, "teacher"), overlaps, {"long_name": "overlap M = W W*ᵀ", "units": "1"}),
            "student_gram": (
                (*dims, "other_student"),
                grams,
                {"long_name": "Gram matrix Q = W Wᵀ", "units": "1"},
            ),
            "risk": (
                dims[:2],
                population_risk(model, overlaps, grams),
                {"long_name": "excess population risk ½ E[(f* − f)²]", "units": "1"},
            ),
            "recovery_step": (
                "replica",
                last,
                {"long_name": "steps to weak recovery, or run without it", "units": "steps"},
            ),
            "recovered": (
                "replica",
                recovered,
                {"long_name": "whether the threshold was reached", "units": "1"},
            ),
        },
        coords={"step": ("step", step, {"long_name": "SGD step", "units": "steps"})},
    )
    if leaps is not None:
        about = {"long_name": "leaps, single steps among them", "units": "1"}
        dataset["leaps"] = "replica", leaps, about
    dataset.attrs = attributes
    return dataset
