"""Inputs with a covariance of blocks: one batch a block, of isotropic inputs times the block's deviation.

Inputs of different blocks are independent. So fields are sums over the blocks, combinations stand side by side, and a
batch has all that its parts have.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from onepass.inputs.kind import Covariance
from onepass.simulation.algorithms.dense import DenseInputs
from onepass.simulation.algorithms.draws import Draws
from onepass.simulation.algorithms.lazy import LazyInputs


class BlockBatch:
    """A batch of parts, one in each block of rows."""

    def __init__(self, parts: list, rows: "BlockRows") -> None:
        self.parts, self.rows = parts, rows

    def fields(self, rows: np.ndarray) -> np.ndarray:
        """``Z rowsᵀ``: of rows (replicas or 1, count, width) the fields (replicas, n_b, count)."""
        return sum(s * part.fields(rows[..., place]) for part, s, place in self)

    def combine(self, weights: np.ndarray) -> np.ndarray:
        """``weightsᵀ Z / n_b``: of weights (replicas, n_b, count) the rows (replicas, count, width)."""
        return np.concatenate([s * part.combine(weights) for part, s, _ in self], axis=2)

    def squared_norms(self) -> np.ndarray:
        """``‖z‖²`` of every sample, (replicas, n_b)."""
        return sum(s**2 * part.squared_norms() for part, s, _ in self)

    def in_fields(self, rows: np.ndarray) -> np.ndarray:
        """Rows as fields see them, `BlockRows.seen`."""
        return self.rows.seen(rows)

    def keep(self, going: np.ndarray) -> None:
        """Go on with the replicas at these positions alone."""
        for part in self.parts:
            part.keep(going)

    def __iter__(self):
        return zip(self.parts, self.rows.deviations, self.rows.places, strict=True)


class BlockRows:
    """Rows with so many coordinates in each block; the first k there are those of the teacher's directions."""

    def __init__(self, covariance: Covariance, teachers: int, widths: Sequence[int]) -> None:
        self.deviations = np.sqrt(covariance.variances)
        ends = np.cumsum([0, *widths])
        self.places, self.width = [slice(*pair) for pair in pairwise(ends)], int(ends[-1])
        self.scales = np.repeat(self.deviations, widths)
        self.teacher = np.zeros((teachers, self.width))
        for place, length in zip(self.places, covariance.teacher_frame, strict=True):
            if length:
                self.teacher[:, place.start : place.start + teachers] = length * np.eye(teachers)
        self.teacher_in_fields = self.teacher * self.scales  # orthonormal

    def placed(self, factors: np.ndarray) -> np.ndarray:
        """Rows of factors (replicas, p, B, k + p), as `onepass.simulation.initial.block_factor` draws them."""
        rows = np.zeros((*factors.shape[:2], self.width))
        for b, place in enumerate(self.places):
            count = min(place.stop - place.start, factors.shape[3])
            rows[..., place.start : place.start + count] = factors[:, :, b, :count]
        return rows

    def seen(self, rows: np.ndarray) -> np.ndarray:
        """Rows (…, width) as fields see them, (…, k + width): inner products are covariances of fields, and the first k
        coordinates those with the fields of the teacher."""
        scaled = rows * self.scales
        overlaps = scaled @ self.teacher_in_fields.T
        return np.concatenate([overlaps, scaled - overlaps @ self.teacher_in_fields], axis=-1)

    def by_block(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``W_b W*_bᵀ`` (…, B, p, k) and ``W_b W_bᵀ`` (…, B, p, p) in each block, of rows (…, p, width)."""
        parts = [(rows[..., place], self.teacher[:, place]) for place in self.places]
        overlaps = np.stack([own @ teacher.T for own, teacher in parts], axis=-3)
        return overlaps, np.stack([own @ own.swapaxes(-1, -2) for own, _ in parts], axis=-3)


class BlockInputs(BlockRows):
    """Where such batches come from.

    Parameters
    ----------
    covariance : of the inputs.
    dense : whether batches have all d coordinates; else blocks of more than k + `rows` directions are lazy.

    The others are those of `lazy.LazyInputs`.
    """

    def __init__(self, covariance: Covariance, teachers: int, rows: int, weights: int, dense: bool) -> None:
        kinds = [DenseInputs if dense or d_b <= teachers + rows else LazyInputs for d_b in covariance.dimensions]
        sizes = zip(kinds, covariance.dimensions, strict=True)
        self.parts = [kind(d_b, teachers, rows, weights) for kind, d_b in sizes]
        super().__init__(covariance, teachers, [part.width for part in self.parts])

    def batch(self, draws: Draws, size: int) -> BlockBatch:
        """A fresh batch of `size` samples."""
        return BlockBatch([part.batch(draws, size) for part in self.parts], self)

    def numbers(self, size: int) -> int:
        """How many a replica's batch of `size` samples holds, about."""
        return sum(part.numbers(size) for part in self.parts)

    def settle(self, rows: np.ndarray) -> np.ndarray:
        """Rows as the next batch takes them: settled in every block."""
        pairs = zip(self.parts, self.places, strict=True)
        return np.concatenate([part.settle(rows[..., place]) for part, place in pairs], axis=-1)
