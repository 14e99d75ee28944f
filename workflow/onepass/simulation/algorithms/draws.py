"""Random numbers of replicas side by side, each from a stream of its own."""

from collections.abc import Sequence

import numpy as np


class Draws:
    """Numbers with the replicas as their first axis; what a replica draws does not depend on those beside it.

    Parameters
    ----------
    streams : generator of each replica.
    """

    def __init__(self, streams: Sequence[np.random.Generator]) -> None:
        self.streams = list(streams)

    def __len__(self) -> int:
        return len(self.streams)

    def keep(self, going: np.ndarray) -> None:
        """Go on with the replicas at these positions alone."""
        self.streams = [self.streams[i] for i in going]

    def normals(self, *shape: int) -> np.ndarray:
        """Standard normals, (replicas, *shape)."""
        out = np.empty((len(self.streams), *shape))
        for stream, own in zip(self.streams, out, strict=True):
            stream.standard_normal(out=own)
        return out

    def chi_squares(self, degrees: np.ndarray) -> np.ndarray:
        """χ² of so many degrees of freedom (count,), each above 0; (replicas, count)."""
        return np.stack([stream.chisquare(degrees) for stream in self.streams])
