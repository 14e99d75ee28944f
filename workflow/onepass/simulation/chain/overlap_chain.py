"""The overlap chain: one-pass SGD exactly in law, at a cost that does not know the dimension.

Write the students as ``W = [M | L]`` in an orthonormal basis of the teacher's span and of what the students
add to it. A batch enters a step in two ways: through its coordinates u in that span, p + k normals a sample, and
through its part outside, which is independent of everything the students compute. Of that part only the Gram
matrix matters, and it is a Wishart matrix dressed with the batch's second moment of c.

`step` is that sentence in array form, for reading and for tests; `kernel.run` is the same, compiled, and
draws the same numbers in the same order.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from onepass.errors import OnepassError
from onepass.gaussian.risk import risk_series
from onepass.model import Model
from onepass.protocol import Loss, Update
from onepass.simulation.chain.batch_law import NO_LAW, batch_law
from onepass.simulation.chain.build import model_kernel
from onepass.simulation.chain.kernel import CHUNK, DIVERGED, RECOVERED
from onepass.simulation.chain.wishart import bartlett, semidefinite_cholesky
from onepass.simulation.parameters import Parameters, smallest_dimension
from onepass.simulation.ticker import tick


class ChainError(OnepassError, ValueError):
    """A setting in which the chain is not defined."""


def check(model: Model, parameters: Parameters) -> None:
    """The rest of the input space must hold the batch: ``d ≥ p + k + min(p, n_b)``."""
    p, k = model.students, model.teachers
    smallest = smallest_dimension("chain", p, k, parameters.batch_size)
    if parameters.dimension < smallest:
        raise ChainError(
            f"dimension {parameters.dimension} is too small for the chain with {p} students, {k} teachers and "
            f"batch size {parameters.batch_size}; allowed: at least {smallest} (or engine 'sgd')"
        )


def run(
    model: Model,
    parameters: Parameters,
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
    record_steps : increasing steps to record, from 0 to ``parameters.steps``.

    Returns
    -------
    overlaps (replicas, records, p, k), grams (replicas, records, p, p), steps run (replicas,) and whether
    each replica ended by recovery (replicas,). After a replica has stopped its state is held. One whose overlaps
    overflow is a FloatingPointError that names it and the step.
    """
    form, law, _ = ("samples", NO_LAW, 0.0) if engine == "chain" else batch_law(model)
    compiled, series, layer = model_kernel(model, form), risk_series(model), model.output_weights
    records = np.empty((len(factors), record_steps.size, *factors.shape[1:]))
    last = np.empty(len(factors), dtype=np.int64)
    recovered = np.empty(len(factors), dtype=bool)
    for r, (factor, stream) in enumerate(zip(factors, streams, strict=True)):
        last[r], status = compiled.run(stream, factor.copy(), layer, parameters, law, series, record_steps, records[r])
        if status == DIVERGED:
            raise FloatingPointError(f"replica {r} diverged at step {last[r]}")
        recovered[r] = status == RECOVERED
        tick(r + 1, len(factors))
    return records[..., : model.teachers], records @ records.swapaxes(-1, -2), last, recovered


def step(model: Model, parameters: Parameters, factor: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One step of the chain in array form: factor (p, k + p) to the next factor."""
    p, k = model.students, model.teachers
    layer, gamma, n_b = model.output_weights, parameters.learning_rate, parameters.batch_size
    target = model.target_formula.array(np)
    activation = model.activation_formula.array(np)
    derivative = model.activation_formula.array(np, derivative=True)

    drift, second_moment, radial = np.zeros((p, k + p)), np.zeros((p, p)), np.zeros((p, 1))
    for start in range(0, n_b, CHUNK):
        u = rng.standard_normal((min(CHUNK, n_b - start), k + p))
        error = target(u[:, :k])
        if parameters.noise > 0:
            error = error + sqrt(parameters.noise) * rng.standard_normal(len(u))
        fields = u @ factor.T
        if parameters.loss == Loss.SQUARE:
            error = error - activation(fields) @ layer
        c = layer * derivative(fields) * error[:, None]
        drift += c.T @ u / n_b
        second_moment += c.T @ c / n_b**2
        radial += (c * fields).sum(axis=0)[:, None] / n_b
    if parameters.update == Update.SPHERICAL:
        drift -= radial * factor
    moved = factor + gamma * drift

    root, wishart, rest = np.zeros((p, p)), np.zeros((p, p)), np.zeros((p, p))
    rank = semidefinite_cholesky(second_moment, p, root, 0)
    bartlett(rng, wishart, rank, float(parameters.dimension - p - k))
    outside = gamma * root[:, :rank] @ wishart[:rank, :rank]
    gram = moved[:, k:] @ moved[:, k:].T + outside @ outside.T
    semidefinite_cholesky(gram, p, rest, 0)
    norm = np.sqrt((moved[:, :k] ** 2).sum(axis=1) + np.diag(gram))
    return np.hstack([moved[:, :k], rest]) / norm[:, None]
