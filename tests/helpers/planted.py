"""Recovery times with a planted exponent."""

import numpy as np
from onepass.theory.climb import climb_factor

DIMENSION = np.array([64, 128, 256, 512, 1024, 2048])
LOGARITHM = climb_factor(2, DIMENSION, start=DIMENSION**-0.5)


def planted(rng, theta, *, amplitude=20.0, factor=1.0, scatter=0.5, replicas=64, budget=np.inf):
    """Integer times of median ``A d^θ F(d)``, log-normal, censored at `budget` medians."""
    median = amplitude * DIMENSION**theta * factor
    times = np.ceil(median[:, None] * np.exp(scatter * rng.normal(size=(len(DIMENSION), replicas))))
    limit = np.ceil(budget * median[:, None])
    return np.minimum(times, limit), times <= limit
