"""The cells of an experiment as one data set."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from onepass.formulas.formula import Formula
from onepass.gaussian.information import leap_index
from onepass.inputs.described import inputs_of
from onepass.pipeline import store
from onepass.pipeline.feasible import layer_of
from onepass.pipeline.grid import cells_of
from onepass.pipeline.inputs import inputs_name_of
from onepass.pipeline.row_exponents import row_exponents
from onepass.pipeline.verify import DamageError
from onepass.protocol import Protocol, Update
from onepass.simulation.records import ABOUT, labelled
from onepass.theory.climb import start_norm

AXES = {
    "recovery": ("protocol", "mu", "dimension"),
    "map": ("protocol", "mu", "delta", "dimension"),
    "trajectories": ("protocol", "mu", "dimension"),
    "exactness": ("protocol", "students", "batch_size", "dimension", "engine"),
    "leaps": ("protocol", "gamma0", "batch_size", "dimension", "leap_tolerance"),
    "tuned": ("protocol", "mu", "dimension"),
}
_MEANING = ABOUT | {
    "protocol": ("training protocol", ""),
    "mu": ("exponent of the batch size", "1"),
    "delta": ("exponent of the learning rate", "1"),
    "dimension": ("input dimension d", "1"),
    "students": ("number of students p", "1"),
    "batch_size": ("batch size n_b", "samples"),
    "engine": ("simulator", ""),
    "gamma0": ("prefactor of the learning rate", "1"),
    "leap_tolerance": ("relative error that leaps may make of median times; 0 for single steps", "1"),
    "overlap": ("overlap of the first student with the first teacher at the end", "1"),
    "overlaps": ("overlaps M = W W*ᵀ of the students with the teachers", "1"),
    "overlap_norm": ("Frobenius norm of the overlaps M", "1"),
    "step": ("SGD step of each record", "steps"),
    "gram_sum": ("sum of the students' Gram matrix Q at the end", "1"),
    "start_norm": ("norm of a student's overlaps at the start, on the sphere the median", "1"),
    "effective_dimension": ("effective dimension tr Σ w*ᵀΣw* / w*ᵀΣ²w* of inputs that are not isotropic", "1"),
    "theta_theory": ("time exponent of the theory, nan of a protocol or inputs that it does not know", "1"),
    "diverged_fraction": ("fraction of replicas that diverged: none of them recovers", "1"),
    "outcome": ("what a search of the best rate found, in words", ""),
}


def aggregate(name: str, experiment, files: Sequence[str], rebuild: str = "remove"):
    """Gather the files of an experiment's cells, in any order; their names end as `Cell.path` does.

    Cells that are missing, damaged, of other parameters or made by other code are a `DamageError`, which says how to
    `rebuild` them.

    Replicas that diverged have not recovered, their times are censored at the budget.

    Returns
    -------
    xarray.Dataset
        ``recovery_step`` and ``recovered`` (protocol, mu, dimension, replica) with ``batch_size``, ``learning_rate``,
        ``start_norm`` (dimension), ``delta`` and ``theta_theory`` (protocol, mu); for a map without the last, and with
        a dimension ``delta`` after mu; for trajectories ``overlap_norm`` and ``risk`` (protocol, mu, dimension,
        replica, record) and ``overlaps`` (the same, student, teacher) at ``step`` (protocol, mu, dimension, record), a
        shorter list of records repeating its last; for an exactness grid the times and the final ``overlap``,
        ``overlap_norm`` and ``gram_sum`` (protocol, students, batch_size, dimension, engine, replica); for leaps the
        times and ``leaps`` (protocol, gamma0, batch_size, dimension, leap_tolerance, replica); for tuned rates times
        (protocol, mu, dimension, rate, replica) with ``learning_rate``, ``budget`` and ``tolerance`` (protocol, mu,
        dimension, rate), the rates of a shorter search followed by rates of 0, ``best_step`` and ``best_recovered``
        (protocol, mu, dimension, replica), and ``outcome`` in words. Of experiments with a protocol that is not basic,
        ``diverged`` (…, replica) and ``diverged_fraction`` (…); trajectories with one whose norms move also have
        ``student_gram`` (…, replica, record, student, other_student), with one whose second layer does ``second_layer``
        (…, replica, record, student). Times of inputs that are not isotropic come with ``effective_dimension``
        (dimension).
    """
    import xarray as xr

    paths = {Path(file).name: file for file in files}
    cells, dims = cells_of(name, experiment), AXES[experiment.kind]
    axes = {dim: list(dict.fromkeys(_coordinate(cell, dim) for cell in cells)) for dim in dims}
    shape = tuple(len(values) for values in axes.values())
    data: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    faults: dict[str, store.StoreError] = {}
    replicas = None
    for cell in cells:
        place = tuple(values.index(_coordinate(cell, dim)) for dim, values in axes.items())
        path = paths.get(Path(cell.path).name, cell.path)
        try:
            runs = store.read_cell(cell, path)
            replicas = replicas or runs.sizes["replica"]
            if runs.sizes["replica"] != replicas:
                raise store.StoreError(f"{path} holds {runs.sizes['replica']} replicas, others {replicas}")
            found = _measured(experiment, runs)
        except store.StoreError as error:
            faults[path] = error
            continue
        found.setdefault("learning_rate", ((), np.float64(cell.learning_rate)))
        for key, (own, values) in found.items():
            if key not in data:
                data[key] = ((*dims, *own), np.zeros(shape + values.shape, dtype=values.dtype))
            data[key] = _widened(*data[key], values.shape)
            names, whole = data[key]
            if not np.can_cast(values.dtype, whole.dtype):  # steps are floats where one of the budgets is above 2**53
                data[key] = names, whole.astype(np.result_type(values, whole))
            data[key][1][(*place, *map(slice, values.shape))] = values
    if faults:
        raise DamageError(faults, rebuild)

    settings = experiment.model_dump(mode="json")
    model = settings.pop("model")
    attributes = {"experiment": name, **model, **settings, "information_exponent": leap_index(model["target"])}
    for grid in (*dims, "dimensions", "batch_sizes", "protocols", "engines", "deltas", "gamma0s", "tolerances"):
        attributes.pop(grid, None)
    dataset = xr.Dataset(data, coords=axes, attrs=attributes | store.provenance())
    dataset.attrs["replicas"] = dataset.sizes["replica"]  # of the last round, where there are some
    if "mu" in dims:
        sizes = {(cell.mu, cell.dimension): cell.batch_size for cell in cells}
        table = [[sizes[mu, d] for d in axes["dimension"]] for mu in axes["mu"]]
        dataset["batch_size"] = (("mu", "dimension"), np.array(table))
    if "diverged" in dataset:
        dataset["diverged_fraction"] = dataset.diverged.mean("replica")
    if experiment.kind in ("recovery", "map", "tuned"):
        starts, teachers = {cell.dimension: cell.initial for cell in cells}, Formula.target(model["target"]).arity
        if (inputs := inputs_name_of(experiment)) is not None:
            covariances = [inputs_of(inputs).at(d, teachers) for d in axes["dimension"]]
            found = [covariance.effective_dimension for covariance in covariances]
            dataset["effective_dimension"] = "dimension", found
        dataset["start_norm"] = "dimension", [start_norm(starts[d], teachers, d) for d in axes["dimension"]]
    if experiment.kind == "recovery":
        found = [[row_exponents(experiment, protocol, mu) for mu in axes["mu"]] for protocol in axes["protocol"]]
        for key, values in zip(("delta", "theta_theory"), np.moveaxis(found, -1, 0), strict=True):
            dataset[key] = (("protocol", "mu"), values)
    return labelled(dataset, _MEANING)


def _unusual(experiment, runs) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """What some protocols of the experiment move along the runs and others do not: norms, the second layer."""
    protocols, found = [Protocol.named(name) for name in experiment.protocols], {}
    if any(protocol.update == Update.PLAIN for protocol in protocols):
        found["student_gram"] = ("replica", "record", "student", "other_student"), runs.student_gram.values
    if any(protocol.second_layer_rate for protocol in protocols):
        fixed = layer_of(experiment.model) or (1.0,) * experiment.model.students
        layer = runs.second_layer.values if "second_layer" in runs else np.broadcast_to(fixed, runs.overlap.shape[:3])
        found["second_layer"] = ("replica", "record", "student"), layer
    return found


def _widened(names, whole, shape):
    """Room for values of this shape at the end: of a search more rates than those before it had."""
    more = [(0, 0)] * (whole.ndim - len(shape)) + [
        (0, max(0, new - old)) for old, new in zip(whole.shape[whole.ndim - len(shape) :], shape, strict=True)
    ]
    return names, np.pad(whole, more)


def _coordinate(cell, dim: str):
    """Where a cell stands along an axis; single steps at a tolerance of 0 (whose name alone is an option of `sel`)."""
    return (cell.tolerance or 0.0) if dim == "leap_tolerance" else getattr(cell, dim)


def _measured(experiment, runs) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """What an experiment keeps of a cell: arrays with the names of their dimensions."""
    if experiment.kind == "tuned":
        kept = ("recovery_step", "recovered", "learning_rate", "budget", "tolerance", "best_step", "best_recovered")
        found = {key: (runs[key].dims, runs[key].values) for key in kept}
        return found | {"outcome": ((), np.array(runs.attrs["outcome"]))}
    times = {key: (("replica",), runs[key].values) for key in ("recovery_step", "recovered", "diverged") if key in runs}
    if experiment.kind in ("recovery", "map"):
        return times
    if experiment.kind == "leaps":
        return times | {"leaps": (("replica",), runs.get("leaps", runs.recovery_step).values)}
    if experiment.kind == "trajectories":
        # A short run has fewer distinct steps than records.
        runs = runs.isel(step=np.minimum(np.arange(experiment.records + 2), runs.sizes["step"] - 1))
        found = {
            "overlaps": (("replica", "record", "student", "teacher"), runs.overlap.values),
            "overlap_norm": (("replica", "record"), np.linalg.norm(runs.overlap.values, axis=(2, 3))),
            "risk": (("replica", "record"), runs.risk.values),
            "step": (("record",), runs.step.values),
        }
        return found | _unusual(experiment, runs) | {key: times[key] for key in ("diverged",) if key in times}
    last = runs.isel(step=-1)
    found = {
        "overlap": last.overlap.values[:, 0, 0],
        "overlap_norm": np.linalg.norm(last.overlap.values, axis=(1, 2)),
        "gram_sum": last.student_gram.values.sum(axis=(1, 2)),
    }
    return {key: (("replica",), values) for key, values in found.items()} | times
