"""The GPU's kernels on the CPU: the same source, compiled by the C++ compiler of the machine.

`Emulator` stands where `onepass.cuda_device.CudaDevice` stands on a machine with a GPU; NumPy's arrays are its memory.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import types
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from onepass import backend

COMPILER = shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler (g++, c++ or clang++) on this machine")
NO_GPU = backend._probe()[1]
needs_gpu = [pytest.mark.gpu, pytest.mark.skipif(bool(NO_GPU), reason=f"no GPU: {NO_GPU}")]


def devices(**emulated):
    """Parameters of a test that runs on both: functions that make the emulated device and the real one."""
    return [
        pytest.param(lambda: Emulator(**emulated), marks=needs_compiler, id="emulated"),
        pytest.param(lambda: backend.device_for("cupy", 0, 0), marks=needs_gpu, id="gpu"),
    ]


class Emulator:
    """A device whose launches have `blocks` blocks (None: as many as asked for), run forwards or backwards."""

    xp = np
    name = "C++ compiler"
    shared_bytes = 2**18
    out_of_memory = MemoryError

    def __init__(self, *, multiprocessors=1, blocks=None, backwards=False, free=2**30):
        self.multiprocessors, self.blocks, self.backwards, self.free = multiprocessors, blocks, backwards, free
        self.launches, self.moved = [], 0

    def kernels(self, source, names, threads, shared_bytes):
        library = compiled(source)
        return {name: partial(self._launch, library, name) for name in names}

    def _launch(self, library, name, blocks, run, count=0):
        self.launches.append(name)
        library.emulate(
            ctypes.cast(getattr(library, name), ctypes.c_void_p),
            ctypes.c_void_p(run.ctypes.data),
            ctypes.c_longlong(count),
            ctypes.c_longlong(min(self.blocks or blocks, blocks)),
            ctypes.c_int(self.backwards),
        )

    def address(self, array):
        return array.ctypes.data

    def host(self, array):
        self.moved += array.nbytes
        return array.copy()

    def free_bytes(self):
        return self.free

    def release(self):
        pass

    def synchronize(self):
        pass

    def repeated(self, launch):
        def repeat(times):
            for _ in range(times):
                launch()

        return repeat


@cache
def compiled(source):
    folder = Path(tempfile.gettempdir()) / f"onepass-emulation-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{hashlib.sha256(source.encode()).hexdigest()[:24]}.so"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        command = [COMPILER, "-x", "c++", "-std=c++17", "-O2", "-Wall", "-Werror", "-Wno-unused-function", "-shared"]
        subprocess.run([*command, "-fPIC", "-o", part, "-"], input=source, text=True, check=True)
        os.replace(part, path)
    return ctypes.CDLL(str(path))


def limited(size):
    """NumPy with an allocator that holds no array of more than `size` bytes."""

    def empty(shape, dtype=float):
        wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if wanted > size:
            raise MemoryError(f"no room for {wanted} bytes")
        return np.empty(shape, dtype)

    space = types.ModuleType("numpy")
    space.__dict__.update({name: getattr(np, name) for name in dir(np) if not name.startswith("_")})
    space.empty = empty
    return space
