"""Batches in d dimensions: all of Z, as it is."""

import numpy as np

from onepass.simulation.algorithms.draws import Draws
from onepass.simulation.algorithms.isotropic import IsotropicInputs


class DenseBatch:
    """A batch ``Z`` of standard normals, (replicas, n_b, d); rows and combinations have all d coordinates."""

    def __init__(self, draws: Draws, size: int, dimension: int) -> None:
        self.width, self.inputs = dimension, draws.normals(size, dimension)

    def fields(self, rows: np.ndarray) -> np.ndarray:
        """``Z rowsᵀ``: of rows (replicas or 1, count, d) the fields (replicas, n_b, count)."""
        return self.inputs @ rows.swapaxes(1, 2)

    def combine(self, weights: np.ndarray) -> np.ndarray:
        """``weightsᵀ Z / n_b``: of weights (replicas, n_b, count) the rows (replicas, count, d)."""
        return weights.swapaxes(1, 2) @ self.inputs / self.inputs.shape[1]

    def squared_norms(self) -> np.ndarray:
        """``‖z‖²`` of every sample, (replicas, n_b)."""
        return np.einsum("rni,rni->rn", self.inputs, self.inputs)

    def in_fields(self, rows: np.ndarray) -> np.ndarray:
        """Rows as fields see them, `IsotropicInputs.seen`."""
        return rows

    def keep(self, going: np.ndarray) -> None:
        """Go on with the replicas at these positions alone."""
        self.inputs = self.inputs[going]


class DenseInputs(IsotropicInputs):
    """Where batches in d dimensions come from; arguments as of `lazy.LazyInputs`."""

    def __init__(self, dimension: int, teachers: int, rows: int, weights: int) -> None:
        self.teachers, self.width = teachers, dimension

    def batch(self, draws: Draws, size: int) -> DenseBatch:
        """A fresh batch of `size` samples."""
        return DenseBatch(draws, size, self.width)

    def numbers(self, size: int) -> int:
        """How many a replica's batch of `size` samples holds, about."""
        return size * self.width

    def settle(self, rows: np.ndarray) -> np.ndarray:
        """Rows as the next batch takes them: as they are."""
        return rows
