"""Where a run starts: the law of the students' overlaps at step 0.

Everywhere in the library the state of the students is a *factor* ``A = [M | L]`` of shape
(students, teachers + students): M holds the overlaps with the orthonormal teacher directions, L is lower
triangular, and ``A Aᵀ = Q``. Where inputs are isotropic, two starts with equal A differ by a rotation only: one law
serves the overlap chain and the d-dimensional simulation alike. Where they have blocks, that is so within each, and the
factor has one A for each block.
"""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from onepass.errors import OnepassError
from onepass.inputs.kind import Covariance
from onepass.model import Model
from onepass.simulation.chain.wishart import bartlett, semidefinite_cholesky

TOLERANCE = 1e-9  # of a given start's unit norms and positive semi-definiteness


class InitialError(OnepassError, ValueError):
    """A start that no students on the unit sphere can have."""


def initial_factors(model: Model, initial, dimension: int, streams: Sequence[np.random.Generator], unit: bool = True):
    """A factor from each stream, as the model's inputs want them: `initial_factor` or `block_factor`, stacked."""
    p, k = model.students, model.teachers
    if model.inputs.is_isotropic:
        return np.stack([initial_factor(initial, p, k, dimension, stream, unit) for stream in streams])
    covariance = model.inputs.at(dimension, k)
    return np.stack([block_factor(initial, p, covariance, k, stream) for stream in streams])


def initial_factor(initial, students: int, teachers: int, dimension: int, rng: np.random.Generator, unit: bool = True):
    """Draw the factor A = [M | L] at step 0, shape (students, teachers + students).

    Parameters
    ----------
    initial : ``"sphere"`` (rows uniform on the sphere; the sign of each row makes the sum of its
        overlaps positive), ``("norm", m)`` (the same, but each row's overlaps of norm m), ``("overlap", m)`` (every
        overlap equal to m; of both the rest of each row uniform on what is left of the sphere), or
        ``("overlaps", M, Q)`` (both given, shapes (p, k) and (p, p)). A start of
        another form, or one that cannot exist, is an `InitialError`.
    unit : whether a given Q must have ones on its diagonal: of an algorithm that leaves the sphere it need not.
    """
    p, k = students, teachers
    kind, values = ("sphere", ()) if isinstance(initial, str) and initial == "sphere" else _unpack(initial)
    if dimension < p + k:
        raise InitialError(f"dimension {dimension} is below students + teachers = {p + k}")
    if kind == "overlaps":
        return _given(*values, p, k, unit)

    rest = np.zeros((p, p))
    bartlett(rng, rest, p, float(dimension - k))
    size = float(values[0]) if values else 0.0
    if kind == "overlap":
        overlaps, squared = np.full((p, k), size), k * size**2
    else:
        overlaps, squared = rng.standard_normal((p, k)), size**2
        signs = np.where(overlaps.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
        overlaps, rest = signs * overlaps, signs * rest
    if kind == "sphere":
        factor = np.hstack([overlaps, rest])
        return factor / np.linalg.norm(factor, axis=1, keepdims=True)
    if not squared <= 1:
        raise InitialError(f"{kind} {size} with {k} teachers is longer than a unit vector")
    if kind == "norm":
        overlaps *= size / np.linalg.norm(overlaps, axis=1, keepdims=True)
    rest *= np.sqrt(1 - squared) / np.linalg.norm(rest, axis=1, keepdims=True)
    return np.hstack([overlaps, rest])


def block_factor(initial, students: int, covariance: Covariance, teachers: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the factor at step 0 for inputs with blocks, shape (students, blocks, teachers + students).

    In block b the first k coordinates are those of the teacher's directions; zeros fill what is beyond d_b.

    Parameters
    ----------
    initial : ``"sphere"`` (rows uniform on the sphere; the sign of each row makes the sum of the covariances of its
        field and the teacher's positive), ``("norm", m)`` (the same, but inner products of norm m with the directions
        ``Σ w*_r / ‖Σ w*_r‖``, which its field's covariances with the teacher's are proportional to), or
        ``("overlap", m)`` (each of these equal to m; of both the rest of a row uniform on what is left of the sphere).
        Of isotropic inputs these are those of `initial_factor`.
    """
    p, k = students, teachers
    kind, values = ("sphere", ()) if isinstance(initial, str) and initial == "sphere" else _unpack(initial)
    if kind == "overlaps":
        raise InitialError("initial ('overlaps', M, Q) is for isotropic inputs alone; allowed: sphere, norm, overlap")
    factor = np.zeros((p, len(covariance.dimensions), k + p))
    for b, d_b in enumerate(covariance.dimensions):
        near = min(d_b, k + p)
        factor[:, b, :near] = rng.standard_normal((p, near))
        if d_b > k + p:
            rest = np.zeros((p, p))
            bartlett(rng, rest, p, float(d_b - k))
            factor[:, b, k:] = rest
    toward = np.array(covariance.variances) * covariance.teacher_frame  # Σ w*, in each block
    toward /= np.linalg.norm(toward)
    found = np.einsum("b,jbr->jr", toward, factor[:, :, :k])  # (p, k)
    if kind == "sphere":
        factor *= np.where(found.sum(axis=1) < 0, -1.0, 1.0)[:, None, None]
        return factor / np.linalg.norm(factor, axis=(1, 2), keepdims=True)
    size = float(values[0])
    squared = k * size**2 if kind == "overlap" else size**2
    if not squared <= 1:
        raise InitialError(f"{kind} {size} with {k} teachers is longer than a unit vector")
    factor[:, :, :k] -= toward[:, None] * found[:, None]
    factor *= np.sqrt(1 - squared) / np.linalg.norm(factor, axis=(1, 2), keepdims=True)
    if kind == "norm":
        signs = np.where(found.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
        overlaps = signs * size * found / np.linalg.norm(found, axis=1, keepdims=True)
    else:
        overlaps = np.full((p, k), size)
    factor[:, :, :k] += toward[:, None] * overlaps[:, None]
    return factor


def _unpack(initial) -> tuple[str, tuple]:
    sizes = {"norm": 1, "overlap": 1, "overlaps": 2}
    if isinstance(initial, (tuple, list)) and initial and initial[0] in sizes:
        kind, *values = initial
        with suppress(TypeError, ValueError):
            values = tuple(np.asarray(value, dtype=float) for value in values)
            if len(values) == sizes[kind] and (kind == "overlaps" or values[0].ndim == 0):
                return kind, values
    raise InitialError(
        f"initial {initial!r} is unknown; allowed: 'sphere', ('norm', m), ('overlap', m), ('overlaps', M, Q)"
    )


def _given(overlap: np.ndarray, gram: np.ndarray, p: int, k: int, unit: bool) -> np.ndarray:
    if overlap.shape != (p, k) or gram.shape != (p, p):
        raise InitialError(
            f"overlaps of shapes {overlap.shape}, {gram.shape}; allowed: M of {(p, k)} and Q of {(p, p)}"
        )
    rest = gram - overlap @ overlap.T
    lowest = np.linalg.eigvalsh(rest).min()
    ones = not unit or np.allclose(np.diag(gram), 1, rtol=0, atol=TOLERANCE)
    if not (ones and np.allclose(gram, gram.T, rtol=0, atol=TOLERANCE)):
        raise InitialError(f"Q = {gram.tolist()} is not the Gram matrix of {'unit ' if unit else ''}vectors")
    if not lowest >= -TOLERANCE:
        raise InitialError(f"Q − M Mᵀ has the eigenvalue {lowest:.3g}: no students have such overlaps")
    factor = np.zeros((p, p))
    semidefinite_cholesky(rest, p, factor, 0)
    return np.hstack([overlap, factor])
