"""Random streams: one independent generator a replica, from the seed of its cell."""

from collections.abc import Sequence

import numpy as np

from onepass.errors import OnepassError


class SeedError(OnepassError, ValueError):
    """A seed that is none."""


def seed_sequence(seed: int | Sequence[int], *spawn_key: int) -> np.random.SeedSequence:
    """The sequence of a seed, a whole number of at least 0 or the words of a cell's identity; else a `SeedError`."""
    try:
        return np.random.SeedSequence(seed, spawn_key=spawn_key)
    except (TypeError, ValueError):
        raise SeedError(f"seed is {seed!r}; allowed: a whole number of at least 0, or a list of them") from None


def replica_streams(seed: int | Sequence[int], replicas: int | Sequence[int]) -> list[np.random.Generator]:
    """Independent generators, one a replica; of so many replicas, or of those of these numbers.

    Replica r's stream depends on the seed and on r alone, so a run with more replicas repeats the
    ones it shares with a shorter one.
    """
    numbers = range(replicas) if isinstance(replicas, (int, np.integer)) else replicas
    return [np.random.Generator(np.random.PCG64(seed_sequence(seed, int(r)))) for r in numbers]
