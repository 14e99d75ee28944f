"""Normals of d-dimensional inputs on a GPU, named by counters: see `onepass.simulation.cuda.philox`."""

import numpy as np

from onepass.simulation.cuda.device import as_bytes
from onepass.simulation.cuda.source import NORMALS_THREADS, normals_source

INPUTS, LABELS = 0, 1  # `Purpose` in cuda/philox.cuh
# The struct of the same name in cuda/normals.cuh.
NORMALS = np.dtype(
    [
        *((name, "u8") for name in ("key", "purpose", "step", "first", "replicas", "out")),
        *((name, "i8") for name in ("replica_count", "samples", "dimension")),
    ]
)
WORDS = np.dtype([("names", "u8"), ("out", "u8")])
MOST_BLOCKS = 2**16  # of a launch; each goes on to the next numbers


class DeviceBatches:
    """Inputs and label noise of fresh batches, drawn where they are used.

    A number depends on the key, its replica, step, sample and coordinate: not on the chunk in which it is drawn.
    """

    def __init__(self, key: int, replicas: np.ndarray, dimension: int, device) -> None:
        self.key, self.dimension, self.device = key, dimension, device
        self.replicas = device.xp.asarray(np.asarray(replicas, dtype=np.int64))
        self._fill = _kernels(device)["fill_normals"]

    def keep(self, going: np.ndarray) -> None:
        """Go on with the replicas at these positions alone."""
        self.replicas = self.replicas[self.device.xp.asarray(going)]

    def inputs(self, step: int, start: int, count: int):
        """Samples `start`, … of a step's batch, (replicas, count, d)."""
        return self._drawn(INPUTS, step, start, count, self.dimension)

    def labels(self, step: int, start: int, count: int):
        """Standard normals for the noise of their labels, (replicas, count)."""
        return self._drawn(LABELS, step, start, count, 1)[..., 0]

    def _drawn(self, purpose: int, step: int, start: int, count: int, dimension: int):
        out = self.device.xp.empty((len(self.replicas), count, dimension))
        about = np.zeros(1, dtype=NORMALS)
        about["key"], about["purpose"], about["step"], about["first"] = self.key, purpose, step, start
        about["replicas"], about["out"] = self.device.address(self.replicas), self.device.address(out)
        about["replica_count"], about["samples"], about["dimension"] = out.shape
        pairs = len(self.replicas) * count * (-(-dimension // 2))
        self._fill(min(-(-pairs // NORMALS_THREADS), MOST_BLOCKS), as_bytes(self.device, about))
        return out


def philox_words(device, names) -> list[tuple[int, int, int, int]]:
    """Blocks of the generator as they are: for each (key, low and high half of a counter) its four words."""
    names = device.xp.asarray(np.array(names, dtype=np.uint64))
    out = device.xp.empty((len(names), 4), dtype=np.uint64)
    about = np.array([(device.address(names), device.address(out))], dtype=WORDS)
    _kernels(device)["philox_words"](1, as_bytes(device, about), len(names))
    return [tuple(map(int, block)) for block in device.host(out)]


def _kernels(device):
    return device.kernels(normals_source(), ("fill_normals", "philox_words"), NORMALS_THREADS, 8)
