"""What rows are where inputs are isotropic: vectors whose first k coordinates are those of the teacher."""

import numpy as np


class IsotropicInputs:
    """The base of inputs that know no direction but the teacher's; they set `teachers` and `width`."""

    teachers: int
    width: int

    @property
    def teacher(self) -> np.ndarray:
        """The teacher's rows (k, width)."""
        return np.eye(self.teachers, self.width)

    def placed(self, factors: np.ndarray) -> np.ndarray:
        """Rows of factors [M | L] (replicas, p, k + p): any basis will do."""
        rows = np.zeros((*factors.shape[:2], self.width))
        rows[..., : factors.shape[2]] = factors
        return rows

    def seen(self, rows: np.ndarray) -> np.ndarray:
        """Rows as fields see them: as they are."""
        return rows

    def by_block(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Overlaps (…, 0, p, k) and grams (…, 0, p, p) of rows (…, p, width) in each block: there is none to tell."""
        *others, p, _ = rows.shape
        return np.empty((*others, 0, p, self.teachers)), np.empty((*others, 0, p, p))
