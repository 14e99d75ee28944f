"""Random streams: one independent generator a replica, from the seed of its cell."""

from collections.abc import Sequence

import numpy as np

from onepass.errors import OnepassError


class SeedError(OnepassError, ValueError):
    """A seed that is none."""


def replica_streams(seed: int | Sequence[int], replicas: int) -> list[np.random.Generator]:
    """Independent generators, one a replica.

    Replica r's stream depends on the seed and on r alone, so a run with more replicas repeats the
    ones it shares with a shorter one.

    Parameters
    ----------
    seed : non-negative entropy of ``numpy.random.SeedSequence``: a number, or the words of a cell's identity.
    replicas : how many.
    """
    try:
        children = np.random.SeedSequence(seed).spawn(replicas)
    except (TypeError, ValueError):
        raise SeedError(f"seed is {seed!r}; allowed: a whole number of at least 0, or a list of them") from None
    return [np.random.Generator(np.random.PCG64(child)) for child in children]
