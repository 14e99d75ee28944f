"""Work in chunks that shrink when a GPU's memory runs out."""

import logging
from collections.abc import Callable

import numpy as np

logger = logging.getLogger("onepass")


class Chunks:
    """Work over a range in chunks, of `size` items at first; when memory runs out they are smaller from then on.

    The device is a `onepass.simulation.cuda.device.CudaDevice`, or None for the CPU, where chunks stay as they are.
    """

    def __init__(self, size: int, device=None) -> None:
        self.size, self.device = max(1, size), device
        self.xp = device.xp if device else np

    def run(self, total: int, work: Callable[[int, int], None]) -> None:
        """Call ``work(start, end)`` for consecutive parts of ``range(total)``.

        A call that runs out of memory is made again for half the part: until it allocates nothing more, it must
        leave no trace. One item that does not fit is the caller's error.
        """
        start = 0
        while start < total:
            end, fault = min(start + self.size, total), ""
            try:
                work(start, end)
            except self._out_of_memory as error:
                if end - start == 1:
                    raise
                fault = str(error) or type(error).__name__
            if fault:  # only here are the arrays of the failed call gone
                self.size = (end - start + 1) // 2
                self.device.release()
                told = (end - start, self.size, fault)
                logger.warning("out of GPU memory with %d at a time, going on with %d: %s", *told)
            else:
                start = end

    def host(self, array) -> np.ndarray:
        """The array in the host's memory."""
        return self.device.host(array) if self.device else array

    @property
    def _out_of_memory(self):
        return self.device.out_of_memory if self.device else ()
