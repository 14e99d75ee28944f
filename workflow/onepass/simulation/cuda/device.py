"""A GPU as the simulators see it: arrays, memory, kernels made from source. CuPy is behind it, loaded by `backend`."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

OPTIONS = ("--std=c++17",)
PLAIN_SHARED = 48 * 1024  # bytes of shared memory that a kernel may have without asking
STEPS_OF_GRAPH = 64


class CudaDevice:
    """The device that CuPy uses.

    Attributes
    ----------
    xp : the array module.
    name : name of the device, for the files of results.
    multiprocessors, shared_bytes : how many there are, and the shared memory a block may have on one.
    out_of_memory : exception of a failed allocation.
    """

    def __init__(self, cupy) -> None:
        self.xp = cupy
        device = cupy.cuda.Device()
        self.name = cupy.cuda.runtime.getDeviceProperties(device.id)["name"].decode()
        self.multiprocessors = int(device.attributes["MultiProcessorCount"])
        self.shared_bytes = int(device.attributes["MaxSharedMemoryPerBlockOptin"])
        self.out_of_memory = cupy.cuda.memory.OutOfMemoryError
        self._modules: dict[str, object] = {}

    def kernels(self, source: str, names: Sequence[str], threads: int, shared_bytes: int) -> dict[str, Callable]:
        """Kernels of a source by name; call one as ``kernel(blocks, run, count)``, `run` a device array of bytes."""
        module = self._modules.get(source)
        if module is None:
            module = self._modules[source] = self.xp.RawModule(code=source, options=OPTIONS)
        made = {}
        for name in names:
            function = module.get_function(name)
            if shared_bytes > PLAIN_SHARED:
                function.max_dynamic_shared_size_bytes = shared_bytes
            made[name] = partial(_launch, function, threads, shared_bytes)
        return made

    def address(self, array) -> int:
        return array.data.ptr

    def host(self, array) -> np.ndarray:
        """A copy in the host's memory; waits for the device."""
        return array.get()

    def free_bytes(self) -> int:
        """Memory that new arrays can have, what CuPy keeps for reuse included."""
        return int(self.xp.cuda.runtime.memGetInfo()[0]) + int(self.xp.get_default_memory_pool().free_bytes())

    def release(self) -> None:
        """Give back what CuPy keeps for reuse: blocks of the wrong size are of no use."""
        self.xp.get_default_memory_pool().free_all_blocks()

    def synchronize(self) -> None:
        self.xp.cuda.get_current_stream().synchronize()

    def repeated(self, launch: Callable[[], None]) -> Callable[[int], None]:
        """``repeat(times)`` for a few launches that are always the same, without a word from the host in between.

        They become a CUDA graph of `STEPS_OF_GRAPH` rounds, so `times` is rounded up to whole graphs.
        """
        launch()  # loads the code, which a capture may not
        self.synchronize()
        stream = self.xp.cuda.Stream(non_blocking=True)
        with stream:
            stream.begin_capture()
            for _ in range(STEPS_OF_GRAPH):
                launch()
            graph = stream.end_capture()

        def repeat(times: int) -> None:
            for _ in range(-(-times // STEPS_OF_GRAPH)):
                graph.launch(stream)
            stream.synchronize()

        return repeat


def _launch(function, threads: int, shared_bytes: int, blocks: int, run, count: int = 0) -> None:
    function((blocks,), (threads,), (run, np.int64(count)), shared_mem=shared_bytes)


def as_bytes(device, structure: np.ndarray):
    """A NumPy structure as bytes on the device: what a kernel reads as a C struct."""
    return device.xp.asarray(structure.reshape(-1).view(np.uint8))
