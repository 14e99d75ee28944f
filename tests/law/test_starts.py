"""Starts have the law of uniform vectors."""

import numpy as np
from helpers.laws import assert_same_law
from onepass.simulation.initial import initial_factor


def entries(rows, k):
    """Some overlaps and Gram entries of starts (n, p, ·)."""
    gram = rows @ rows.swapaxes(1, 2)
    overlaps = {f"M{j}{r}": rows[:, j, r] for j, r in ((0, 0), (2, 1))}
    return overlaps | {f"Q{i}{j}": gram[:, i, j] for i, j in ((0, 1), (1, 2))}


def test_sphere_starts_have_the_law_of_uniform_vectors():
    """Overlaps and Gram entries of 4000 starts against those of normalised Gaussian vectors."""
    p, k, d, n = 3, 2, 9, 4000
    rng = np.random.default_rng(5)
    factors = np.array([initial_factor("sphere", p, k, d, rng) for _ in range(n)])
    vectors = rng.standard_normal((n, p, d))
    vectors *= np.where(vectors[..., :k].sum(-1, keepdims=True) < 0, -1, 1)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)

    assert_same_law(entries(factors, k), entries(vectors, k))


def test_starts_of_one_norm_have_the_law_of_vectors_of_uniform_direction():
    """In the teacher's span and beyond it, each part resized."""
    p, k, d, n, norm = 3, 2, 9, 4000, 0.3
    rng = np.random.default_rng(6)
    factors = np.array([initial_factor(("norm", norm), p, k, d, rng) for _ in range(n)])
    vectors = rng.standard_normal((n, p, d))
    vectors *= np.where(vectors[..., :k].sum(-1, keepdims=True) < 0, -1, 1)
    for part, length in ((vectors[..., :k], norm), (vectors[..., k:], np.sqrt(1 - norm**2))):
        part *= length / np.linalg.norm(part, axis=-1, keepdims=True)
    assert np.allclose(np.linalg.norm(factors[..., :k], axis=-1), norm, rtol=1e-14)
    assert np.allclose(np.linalg.norm(factors, axis=-1), 1, rtol=1e-14)
    assert_same_law(entries(factors, k), entries(vectors, k))
