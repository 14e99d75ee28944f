"""Batches that draw what is asked for: the law of d dimensions in a few coordinates.

The matrix Z (n_b × d) of a fresh batch has the same law in every orthonormal basis, of its rows and of its columns. So
it is drawn in a basis that follows the questions, the "Householder dice" of Lu (arXiv:2101.07464). To the right stand
directions of the input space: the k of the teacher, those that the rows held by the algorithm span, and as many new
ones as combinations add. A field opens columns of Z in this basis. To the left stand directions among the samples: a
combination opens those that its weights span. What is in no opened row or column stays undrawn, and is a Gaussian
matrix independent of all that was seen.
"""

import numpy as np

from onepass.errors import OnepassError
from onepass.simulation.algorithms.draws import Draws
from onepass.simulation.algorithms.isotropic import IsotropicInputs


class LazyError(OnepassError, ValueError):
    """A question that a lazy batch does not answer."""


class LazyBatch:
    """A batch of `size` samples whose directions 0 … `held` are those of the teacher and of the rows held.

    Rows have `width` coordinates, those that nobody has looked at are 0.
    """

    def __init__(self, draws: Draws, size: int, held: int, width: int, dimension: int) -> None:
        self.draws, self.size, self.dimension, self.width = draws, size, dimension, width
        self.known = held  # directions that rows may have by now, of `width`
        self.inputs = np.empty((len(draws), size, 0))  # X, the opened columns of Z
        self.left = np.empty((len(draws), size, 0))  # U, orthonormal columns: the opened left directions
        self.seen = np.empty((len(draws), 0, width))  # Uᵀ Z
        self.lengths = None  # of the samples outside of the opened columns, once `squared_norms` has drawn them

    def fields(self, rows: np.ndarray) -> np.ndarray:
        """``Z rowsᵀ``: of rows (replicas or 1, count, width) the fields (replicas, n_b, count)."""
        count = self.known  # all, once a batch is read again: zeros of the replicas beside one make no difference to it
        if not self.left.shape[2]:
            used = np.flatnonzero(rows.any(axis=(0, 1)))
            count = int(used[-1]) + 1 if used.size else 0
        self._open(count)
        return self.inputs[..., :count] @ rows[..., :count].swapaxes(1, 2)

    def combine(self, weights: np.ndarray) -> np.ndarray:
        """``weightsᵀ Z / n_b``: of weights (replicas, n_b, count) the rows (replicas, count, width)."""
        if self.lengths is not None:
            return self._walk(weights)
        new = _complement(self.left, weights)
        opened, known, rank = self.inputs.shape[2], self.known, new.shape[2]
        seen = np.zeros((len(self.draws), rank, self.width))
        seen[..., :opened] = new.swapaxes(1, 2) @ self.inputs
        seen[..., opened:known] = self.draws.normals(rank, known - opened)
        beyond = min(rank, self.dimension - known)  # fewer than `rank` where the dimension is used up
        seen[..., known : known + beyond] = self._bartlett(rank, beyond, self.dimension - known)
        self.known += beyond
        self.left = np.concatenate([self.left, new], axis=2)
        self.seen = np.concatenate([self.seen, seen], axis=1)
        return (weights.swapaxes(1, 2) @ self.left) @ self.seen / self.size

    def squared_norms(self) -> np.ndarray:
        """``‖z‖²`` of every sample, (replicas, n_b). From then on one combination may be formed, and it is the last."""
        if self.left.shape[2]:
            raise LazyError("norms are read before the first combination of a lazy batch")
        self._open(self.known)
        squares = (self.inputs**2).sum(axis=2)
        outside = self.dimension - self.known
        self.lengths = np.zeros_like(squares)
        if outside:
            self.lengths = np.sqrt(self.draws.chi_squares(outside, self.size))
        return squares + self.lengths**2

    def in_fields(self, rows: np.ndarray) -> np.ndarray:
        """Rows as fields see them, `IsotropicInputs.seen`."""
        return rows

    def keep(self, going: np.ndarray) -> None:
        """Go on with the replicas at these positions alone; those of the draws are kept by who draws."""
        self.inputs, self.left, self.seen = self.inputs[going], self.left[going], self.seen[going]

    def _open(self, count: int) -> None:
        """Open the first `count` columns: fresh normals, except along the left directions, where they are known."""
        opened = self.inputs.shape[2]
        if count <= opened:
            return
        if self.lengths is not None:
            raise LazyError("after its norms a lazy batch knows no new directions")
        fresh = self.draws.normals(self.size, count - opened)
        if self.left.shape[2]:
            fresh += self.left @ (self.seen[..., opened:count] - self.left.swapaxes(1, 2) @ fresh)
        self.inputs = np.concatenate([self.inputs, fresh], axis=2)

    def _bartlett(self, rank: int, columns: int, degrees: int) -> np.ndarray:
        """B (replicas, rank, columns), lower trapezoidal, of a Gaussian matrix (rank × degrees) as ``B Eᵀ``, E with
        orthonormal columns; where columns = rank, ``B Bᵀ`` is a Wishart matrix of so many degrees (Bartlett 1933)."""
        factor = np.tril(self.draws.normals(rank, columns), -1)
        for i in range(columns):
            factor[:, i, i] = np.sqrt(self.draws.chi_squares(degrees - i, 1)[:, 0])
        return factor

    def _walk(self, weights: np.ndarray) -> np.ndarray:
        """The combination when the weights may know the norms: outside of the opened columns a walk of steps
        ``c_ν s_ν θ_ν``, s_ν the known lengths, θ_ν uniform on the sphere; T (count, columns) are its ends so far."""
        count, opened = weights.shape[2], self.inputs.shape[2]
        outside = self.dimension - opened
        columns = min(count, outside)
        ends = np.zeros((len(self.draws), count, columns))
        if columns:
            steps = self.draws.normals(self.size, columns)  # along the span of the ends, and beyond it
            if outside > columns:
                beyond = np.sqrt(self.draws.chi_squares(outside - columns, self.size))
                steps = np.concatenate([steps, beyond[..., None]], axis=2)
            steps *= self.lengths[..., None] / np.sqrt((steps**2).sum(axis=2, keepdims=True))
            for nu in range(self.size):
                moved = weights[:, nu, :, None] * steps[:, nu, None]
                moved[..., :columns] += ends
                ends = triangular(moved) if outside > columns else moved
        rows = np.zeros((len(self.draws), count, self.width))
        rows[..., :opened] = weights.swapaxes(1, 2) @ self.inputs
        rows[..., opened : opened + columns] = ends
        self.lengths = np.full_like(self.lengths, np.nan)
        return rows / self.size


class LazyInputs(IsotropicInputs):
    """Where lazy batches come from, and the coordinates of rows between them.

    Between batches a row is its k overlaps with the teacher, its coordinates in the span of the rows held, and zeros.

    Parameters
    ----------
    dimension : d, at least `teachers` + `rows`.
    teachers : k, the first coordinates.
    rows : how many the algorithm holds.
    weights : columns of all combinations of a batch together.

    Raises
    ------
    LazyError
        If the dimension is too small.
    """

    def __init__(self, dimension: int, teachers: int, rows: int, weights: int) -> None:
        self.dimension, self.teachers, self.held = dimension, teachers, teachers + rows
        if dimension < self.held:
            raise LazyError(
                f"dimension {dimension} is too small for {teachers} teachers and {rows} vectors that the algorithm "
                f"holds; allowed: at least {self.held} (or engine 'sgd')"
            )
        self.width = min(dimension, self.held + weights)

    def batch(self, draws: Draws, size: int) -> LazyBatch:
        """A fresh batch of `size` samples."""
        return LazyBatch(draws, size, self.held, self.width, self.dimension)

    def numbers(self, size: int) -> int:
        """How many a replica's batch of `size` samples holds, about."""
        return 4 * size * self.width

    def settle(self, rows: np.ndarray) -> np.ndarray:
        """Rows as the next batch takes them: in an orthonormal basis of their own span, beside the teacher's."""
        settled = np.zeros_like(rows)
        settled[..., : self.teachers] = rows[..., : self.teachers]
        rest = triangular(rows[..., self.teachers :])
        settled[..., self.teachers : self.teachers + rest.shape[2]] = rest
        return settled


def triangular(rows: np.ndarray) -> np.ndarray:
    """Coordinates (…, count, min(count, width)), lower triangular, of rows (…, count, width) in another basis."""
    if rows.shape[-2] == 1:
        return np.sqrt((rows**2).sum(axis=-1, keepdims=True))
    return np.linalg.qr(rows.swapaxes(-1, -2), mode="r").swapaxes(-1, -2)


def _complement(left: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span, with those of `left`, the columns of `weights`; at most n_b in all."""
    basis = np.linalg.qr(np.concatenate([left, weights], axis=2)).Q
    return basis[..., left.shape[2] :]
