"""Starts have the law of uniform vectors."""

import numpy as np
from scipy.stats import ks_2samp


def test_sphere_starts_have_the_law_of_uniform_vectors():
    """KS of the initial overlaps and Gram entries against normalised Gaussian vectors; false alarms 1e-4 each."""
    from onepass.simulation.initial import initial_factor

    p, k, d, n = 3, 2, 9, 4000
    rng = np.random.default_rng(5)
    factors = np.array([initial_factor("sphere", p, k, d, rng) for _ in range(n)])
    vectors = rng.standard_normal((n, p, d))
    vectors *= np.where(vectors[..., :k].sum(-1, keepdims=True) < 0, -1, 1)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    for j, r in [(0, 0), (2, 1)]:
        assert ks_2samp(factors[:, j, r], vectors[:, j, r]).pvalue > 1e-4
    gram, direct = factors @ factors.swapaxes(1, 2), vectors @ vectors.swapaxes(1, 2)
    for i, j in [(0, 1), (1, 2)]:
        assert ks_2samp(gram[:, i, j], direct[:, i, j]).pvalue > 1e-4
