"""The GPU's kernels on the CPU: the same source, compiled by the C++ compiler of the machine.

`Emulator` is `cuda.device.CudaDevice` itself, over a CuPy whose kernels the CPU runs (`emulated_cupy`).
"""

import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from onepass.simulation.cuda import backend
from onepass.simulation.cuda.device import CudaDevice

COMPILER = shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")
COMMAND = [COMPILER, "-x", "c++", "-std=c++17", "-O2", "-Wall", "-Werror", "-Wno-unused-function", "-shared", "-fPIC"]
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler (g++, c++ or clang++) on this machine")
NO_GPU = backend._probe()[1]
needs_gpu = [pytest.mark.gpu, pytest.mark.skipif(bool(NO_GPU), reason=f"no GPU: {NO_GPU}")]


def devices(**emulated):
    """Parameters of a test that runs on both: functions that make the emulated device and the real one."""
    return [
        pytest.param(lambda: Emulator(**emulated), marks=needs_compiler, id="emulated"),
        pytest.param(lambda: backend.device_for("cupy", 0, 0), marks=needs_gpu, id="gpu"),
    ]


class Emulator(CudaDevice):
    """A device that the host's compiler makes; parameters as of `emulated_cupy.Cupy`."""

    def __init__(self, **choices):
        from helpers.emulated_cupy import Cupy

        super().__init__(Cupy(**choices))


@cache
def compiled(source):
    """The library of a source, kept on disk for all processes that test at once and for the next session."""
    folder = Path(tempfile.gettempdir()) / f"onepass-emulation-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{hashlib.sha256(' '.join([*map(str, COMMAND), source]).encode()).hexdigest()[:24]}.so"
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process compiles, the others wait
        if not path.exists():
            part = path.with_suffix(".part")
            subprocess.run([*COMMAND, "-o", part, "-"], input=source, text=True, check=True)
            os.replace(part, path)
    return ctypes.CDLL(str(path))
