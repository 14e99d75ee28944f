"""Starts have the law of uniform vectors."""

import numpy as np
from helpers.laws import assert_same_law
from onepass.simulation.initial import initial_factor


def test_sphere_starts_have_the_law_of_uniform_vectors():
    """Overlaps and Gram entries of 4000 starts against those of normalised Gaussian vectors."""
    p, k, d, n = 3, 2, 9, 4000
    rng = np.random.default_rng(5)
    factors = np.array([initial_factor("sphere", p, k, d, rng) for _ in range(n)])
    vectors = rng.standard_normal((n, p, d))
    vectors *= np.where(vectors[..., :k].sum(-1, keepdims=True) < 0, -1, 1)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)

    def entries(rows):
        gram = rows @ rows.swapaxes(1, 2)
        overlaps = {f"M{j}{r}": rows[:, j, r] for j, r in ((0, 0), (2, 1))}
        return overlaps | {f"Q{i}{j}": gram[:, i, j] for i, j in ((0, 1), (1, 2))}

    assert_same_law(entries(factors), entries(vectors))
