"""Random numbers of replicas side by side, each from a stream of its own."""

from collections.abc import Sequence

import numpy as np

BLOCK = 256  # numbers that a stream is asked for at once: a call takes as long as a hundred of them


class Draws:
    """Numbers with the replicas as their first axis; what a replica draws does not depend on those beside it.

    Streams are asked for whole blocks, and all replicas use theirs up in step: when a block does not hold what is
    wanted next, what is left of it is lost.

    Parameters
    ----------
    streams : generator of each replica.
    """

    def __init__(self, streams: Sequence[np.random.Generator]) -> None:
        self.streams = list(streams)
        self._blocks: dict[float | None, tuple[np.ndarray, int]] = {}  # of normals (None) or χ², and how many are used

    def __len__(self) -> int:
        return len(self.streams)

    def keep(self, going: np.ndarray) -> None:
        """Go on with the replicas at these positions alone."""
        self.streams = [self.streams[i] for i in going]
        self._blocks = {kind: (block[going], used) for kind, (block, used) in self._blocks.items()}

    def normals(self, *shape: int) -> np.ndarray:
        """Standard normals, (replicas, *shape)."""
        return self._next(None, int(np.prod(shape))).reshape(len(self.streams), *shape)

    def chi_squares(self, degrees: float, count: int) -> np.ndarray:
        """χ² of so many degrees of freedom, above 0; (replicas, count)."""
        return self._next(float(degrees), count)

    def _next(self, degrees: float | None, count: int) -> np.ndarray:
        if count > BLOCK // 2:
            return self._drawn(degrees, count)
        block, used = self._blocks.get(degrees, (None, 0))
        if block is None or used + count > BLOCK:
            block, used = self._drawn(degrees, BLOCK), 0
        self._blocks[degrees] = (block, used + count)
        return block[:, used : used + count].copy()

    def _drawn(self, degrees: float | None, count: int) -> np.ndarray:
        out = np.empty((len(self.streams), count))
        for stream, own in zip(self.streams, out, strict=True):
            if degrees is None:
                stream.standard_normal(out=own)
            else:
                own[:] = stream.chisquare(degrees, count)
        return out
