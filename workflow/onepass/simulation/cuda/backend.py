"""Backend: NumPy on the CPU or CuPy on a GPU, chosen once; a CuPy that cannot compute is not a backend.

CuPy is imported by a run that asks for it, or that is large enough to ask whether it is there, and by no other: that
takes a second, and ``import cupy`` succeeds on machines that have no device, no driver or no CUDA libraries.
"""

import logging
import os
import re
import subprocess
import sys
from functools import cache
from importlib.util import find_spec

from onepass.errors import OnepassError

BACKENDS = ("auto", "numpy", "cupy")
VARIABLE = "ONEPASS_BACKEND"
FULL = re.compile("cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|ALLOC_FAILED")  # of CUDA and its libraries
INSTALL = 'pip install "cupy-cuda13x[ctk]"'

logger = logging.getLogger("onepass")


class BackendError(OnepassError, ValueError):
    """A backend that does not exist or cannot be used here."""


def named(backend: str) -> str:
    """The backend that a name stands for: itself, or for ``auto`` what the variable ``ONEPASS_BACKEND`` says.

    An unknown name, or ``cupy`` without CuPy, is a `BackendError`; whether there is a device is not asked.
    """
    origin = "backend"
    if backend == "auto" and os.environ.get(VARIABLE):
        backend, origin = os.environ[VARIABLE], VARIABLE
    if backend not in BACKENDS:
        raise BackendError(f"{origin} {backend!r} is unknown; allowed: {', '.join(BACKENDS)}")
    if backend == "cupy" and find_spec("cupy") is None:
        raise BackendError(
            f"{origin} 'cupy' needs the package cupy, which is not installed: {INSTALL}; or use 'auto' or 'numpy'"
        )
    return backend


def device_for(backend: str, numbers: float, gpu_from: float):
    """The GPU to use, a `onepass.simulation.cuda.device.CudaDevice`, or None for the CPU.

    Of the random numbers that a step draws, replicas side by side, ``auto`` takes `gpu_from` and more to a GPU: with
    fewer, launching kernels takes longer than computing. Where package, driver, device or memory is missing, ``cupy``
    is a `BackendError`.
    """
    backend = named(backend)
    if backend == "numpy" or (backend == "auto" and numbers < gpu_from):
        return None
    device, fault = _probe()
    if device is None and backend == "cupy":
        raise BackendError(f"backend 'cupy': {fault}; or use 'auto' or 'numpy'")
    if device is None:
        _say_once(fault)
    return device


def wants_gpu(backend: str, numbers: float, gpu_from: float) -> bool:
    """Whether a run would use a GPU if it found one; asks no device, and says no where CuPy is not installed."""
    backend = named(backend)
    return backend == "cupy" or (backend == "auto" and numbers >= gpu_from and find_spec("cupy") is not None)


def check_machine() -> None:
    """Raise a `BackendError` unless ``cupy`` would work in a process of this machine.

    Asked in a process of its own, for a device that was asked keeps memory for who asked.
    """
    code = "from onepass.simulation.cuda.backend import _probe; print(_probe()[1], end='')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    fault = done.stdout or done.stderr.strip().rpartition("\n")[2]
    if fault:
        raise BackendError(f"backend 'cupy': {fault}; or use 'auto' or 'numpy'")


@cache
def _say_once(fault: str) -> None:
    logger.warning("backend 'auto' uses the CPU: %s", fault)


@cache
def _probe():
    """(device, "") of a GPU that has allocated memory and computed with it, or (None, what is wrong)."""
    if find_spec("cupy") is None:
        return None, f"the package cupy is not installed ({INSTALL})"
    try:
        import cupy

        from onepass.simulation.cuda.device import CudaDevice
    except Exception as error:  # a broken installation fails in many ways, and none of them may stop `auto`
        return None, f"the package cupy cannot be imported ({_first_line(error)})"
    try:
        fault = _missing(cupy)
        if fault:
            return None, fault
        device = CudaDevice(cupy)
        fault = _computed(device)
    except Exception as error:
        if isinstance(error, MemoryError) or FULL.search(str(error)):
            return None, f"the GPU has no memory left ({_first_line(error)})"
        return None, f"the GPU does not compute ({_first_line(error)})"
    return (None, fault) if fault else (device, "")


def _missing(cupy) -> str:
    runtime = cupy.cuda.runtime
    driver, needed = runtime.driverGetVersion(), runtime.runtimeGetVersion()
    if driver == 0:
        return "there is no NVIDIA driver on this machine"
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        if "InsufficientDriver" in str(error):
            return f"the NVIDIA driver is too old: it is for CUDA {_version(driver)}, CuPy needs {_version(needed)}"
        if "NoDevice" not in str(error):
            raise
        count = 0
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (
        "" if count else "there is no GPU" + (f" among CUDA_VISIBLE_DEVICES={visible!r}" if visible is not None else "")
    )


def _computed(device) -> str:
    """Known answers from the parts that a run needs: a compiled kernel and a matrix product."""
    from onepass.simulation.cuda import philox
    from onepass.simulation.cuda.normals import philox_words

    xp = device.xp
    words = philox_words(device, [name for name, _ in philox.KNOWN_ANSWERS])
    if words != [answer for _, answer in philox.KNOWN_ANSWERS]:
        return f"{device.name} computes wrong numbers: a known answer of its random generator came out as {words}"
    product = device.host(xp.ones((3, 5)) @ xp.ones((5, 2)))
    return "" if (product == 5).all() else f"{device.name} computes wrong numbers: a product of ones is {product}"


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
