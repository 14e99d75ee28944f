"""Names of random numbers on the GPU: a key from the whole seed, and counters that no two draws share.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011) maps a 64-bit key and a 128-bit counter to 128 random bits.
``cuda/philox.cuh`` lays replica, step, purpose and index side by side in the counter; `check` keeps them within their
widths. So within a run no two draws can share a block, and two runs would have to share a 64-bit key, a hash of the
whole seed of each: among a thousand cells the odds are 3e-14.
"""

from collections.abc import Sequence

import numpy as np

from onepass.errors import OnepassError
from onepass.simulation.streams import seed_sequence

REPLICAS, STEPS, INDICES = 2**24, 2**40, 2**62  # widths of the counter's parts
# No replica has this number: `onepass.simulation.streams` spawns the host's generators from smaller ones.
BRANCH = 2**53


class CounterError(OnepassError, ValueError):
    """A run with more replicas, steps or samples than the counter can tell apart."""


def key(seed: int | Sequence[int]) -> int:
    """The 64-bit key of a run, from the same entropy as `onepass.simulation.streams.replica_streams` takes."""
    return int(seed_sequence(seed, BRANCH).generate_state(1, np.uint64)[0])


def check(replicas: int, steps: int, batch_size: int, coordinates: int) -> None:
    """Check that the counters tell all draws of a run apart, of so many normals a sample; else a `CounterError`."""
    for name, value, limit in (
        ("replicas", replicas, REPLICAS),
        ("steps", steps, STEPS),
        ("batch_size", batch_size, INDICES // (coordinates + 2)),
    ):
        if value >= limit:
            raise CounterError(f"{name} is {value}; allowed on a GPU: below {limit}")


# Published with Random123: ((key, low and high half of the counter), the four words of the block).
KNOWN_ANSWERS = (
    ((0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**64 - 1, 2**64 - 1, 2**64 - 1), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x299F31D0A4093822, 0x85A308D3243F6A88, 0x0370734413198A2E),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)
