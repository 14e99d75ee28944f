"""The overlap chain: one-pass SGD exactly in law, at a cost that does not know the dimension.

Write the students as ``W = [M | L]`` in an orthonormal basis of the teacher's span and of what the students
add to it. A batch enters a step in two ways: through its coordinates u in that span, p + k normals a sample, and
through its part outside, which is independent of everything the students compute. Of that part only the Gram
matrix matters, and it is a Wishart matrix dressed with the batch's second moment of c.

`step` is that sentence in array form, for reading and for tests; `overlap_kernel.run` is the same, compiled, and
draws the same numbers in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onepass import gaussian_nodes, gaussian_series, overlap_kernel
from onepass.batch_gaussian import NO_LAW, batch_law
from onepass.compiled import kernel
from onepass.model import Model
from onepass.overlap_kernel import CHUNK, DIVERGED, RECOVERED, bartlett, semidefinite_cholesky
from onepass.risk import risk_series
from onepass.settings import Settings, smallest_dimension
from onepass.ticker import tick


class ChainError(ValueError):
    """A setting in which the chain is not defined."""


def check(model: Model, settings: Settings) -> None:
    """The rest of the input space must hold the batch: ``d ≥ p + k + min(p, n_b)``."""
    p, k = model.students, model.teachers
    smallest = smallest_dimension("chain", p, k, settings.batch_size)
    if settings.dimension < smallest:
        raise ChainError(
            f"dimension {settings.dimension} is too small for the chain with {p} students, {k} teachers and "
            f"batch size {settings.batch_size}; allowed: at least {smallest} (or engine 'sgd')"
        )


def run(
    model: Model,
    settings: Settings,
    factors: np.ndarray,
    streams: Sequence[np.random.Generator],
    record_steps: np.ndarray,
    engine: str = "chain",
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Run every replica by the compiled chain, or its form for very large batches (engine ``"gaussian"``).

    Parameters
    ----------
    factors : factor of each replica at step 0, shape (replicas, p, k + p).
    streams : generator of each replica.
    record_steps : increasing steps to record, from 0 to ``settings.steps``.

    Returns
    -------
    overlaps (replicas, records, p, k), grams (replicas, records, p, p), steps run (replicas,) and whether
    each replica ended by recovery (replicas,). After a replica has stopped its state is held.

    Raises
    ------
    FloatingPointError
        If a replica's overlaps overflow; names the replica and the step.
    """
    form, law, _ = ("samples", NO_LAW, 0.0) if engine == "chain" else batch_law(model)
    sums = {"samples": overlap_kernel, "series": gaussian_series, "nodes": gaussian_nodes}[form]
    compiled, series, layer = kernel(model, sums), risk_series(model), np.array(model.second_layer) / model.students
    records = np.empty((len(factors), record_steps.size, *factors.shape[1:]))
    last = np.empty(len(factors), dtype=np.int64)
    recovered = np.empty(len(factors), dtype=bool)
    for r, (factor, stream) in enumerate(zip(factors, streams, strict=True)):
        last[r], status = compiled.run(stream, factor.copy(), layer, settings, law, series, record_steps, records[r])
        if status == DIVERGED:
            raise FloatingPointError(f"replica {r} diverged at step {last[r]}")
        recovered[r] = status == RECOVERED
        tick(r + 1, len(factors))
    return records[..., : model.teachers], records @ records.swapaxes(-1, -2), last, recovered


def step(model: Model, settings: Settings, factor: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One step of the chain in array form: factor (p, k + p) to the next factor."""
    p, k = model.students, model.teachers
    layer, gamma, n_b = np.array(model.second_layer) / p, settings.learning_rate, settings.batch_size
    target = model.target_formula.array(np)
    activation = model.activation_formula.array(np)
    derivative = model.activation_formula.array(np, derivative=True)

    drift, second_moment, radial = np.zeros((p, k + p)), np.zeros((p, p)), np.zeros((p, 1))
    for start in range(0, n_b, CHUNK):
        u = rng.standard_normal((min(CHUNK, n_b - start), k + p))
        error = target(u[:, :k])
        if settings.noise > 0:
            error = error + settings.noise * rng.standard_normal(len(u))
        fields = u @ factor.T
        if not settings.correlation:
            error = error - activation(fields) @ layer
        c = layer * derivative(fields) * error[:, None]
        drift += c.T @ u / n_b
        second_moment += c.T @ c / n_b**2
        radial += (c * fields).sum(axis=0)[:, None] / n_b
    if settings.spherical:
        drift -= radial * factor
    moved = factor + gamma * drift

    root, wishart, rest = np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p))
    rank = semidefinite_cholesky(second_moment, p, root, 0)
    bartlett(rng, wishart, rank, float(settings.dimension - p - k))
    outside = gamma * root[:, :rank] @ wishart[:rank, :rank]
    gram = moved[:, k:] @ moved[:, k:].T + outside @ outside.T
    semidefinite_cholesky(gram, p, rest, 0)
    norm = np.sqrt((moved[:, :k] ** 2).sum(axis=1) + np.diag(gram))
    return np.hstack([moved[:, :k], rest]) / norm[:, None]
