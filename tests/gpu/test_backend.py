"""Which backend is taken, and what is said when one is not there."""

import logging
import os
import subprocess
import sys

import pytest
from helpers.emulated_cupy import Cupy
from helpers.emulation import needs_compiler
from onepass.simulation.cuda import backend

RUN = """
import sys, onepass
for choice in {choices}:
    onepass.simulate(onepass.Model("He3(x1)", "He3"), onepass.Protocol(), dimension=16, batch_size=4,
                     learning_rate=1e-3, steps=2, **choice)
print("cupy" in sys.modules)
"""


@pytest.fixture
def cupy(monkeypatch):
    """A machine with a package `cupy` whose driver, devices and errors a test chooses, and with nothing asked yet."""
    fake = Cupy()
    monkeypatch.setitem(sys.modules, "cupy", fake)
    monkeypatch.setattr(backend, "find_spec", lambda name: name)
    monkeypatch.delenv(backend.VARIABLE, raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(backend, "_probe", backend._probe.__wrapped__)
    backend._say_once.cache_clear()
    yield fake
    backend._say_once.cache_clear()


def refused(words):
    with pytest.raises(backend.BackendError, match=words):
        backend.device_for("cupy", 1, 1)


def test_cupy_without_the_package_is_refused(cupy, monkeypatch):
    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    refused(r"backend 'cupy' needs the package cupy, which is not installed: pip install .* use 'auto' or 'numpy'")


def test_cupy_that_cannot_be_imported_is_refused(cupy, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    refused("the package cupy cannot be imported .ModuleNotFoundError")


def test_cupy_without_a_driver_is_refused(cupy):
    cupy.cuda.runtime.driver = 0
    refused("there is no NVIDIA driver on this machine; or use 'auto' or 'numpy'")


def test_cupy_with_an_old_driver_is_refused(cupy):
    cupy.cuda.runtime.driver = 12040
    cupy.cuda.runtime.error = "cudaErrorInsufficientDriver: CUDA driver version is insufficient"
    refused("the NVIDIA driver is too old: it is for CUDA 12.4, CuPy needs 13.2")


def test_cupy_without_a_device_is_refused(cupy, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    cupy.cuda.runtime.error = "cudaErrorNoDevice: no CUDA-capable device is detected"
    refused("there is no GPU among CUDA_VISIBLE_DEVICES=''")


@needs_compiler
def test_cupy_on_a_full_device_is_refused(cupy):
    cupy.room = 100
    refused("the GPU has no memory left .OutOfMemoryError: no room for 120 bytes")
    for error in (
        "cudaErrorMemoryAllocation: out of memory",  # no room for a context
        "CUDA_ERROR_OUT_OF_MEMORY: out of memory",  # for a kernel's code
        "CUBLAS_STATUS_ALLOC_FAILED",  # for the library of matrix products
    ):
        cupy.cuda.runtime.error = error
        refused(f"the GPU has no memory left .CUDARuntimeError: {error}")


def test_cupy_without_its_libraries_is_refused(cupy):
    def module(**_):
        raise RuntimeError("CuPy failed to load libnvrtc.so.13\nmore lines")

    cupy.RawModule = module
    refused(r"the GPU does not compute .RuntimeError: CuPy failed to load libnvrtc.so.13\)")


@needs_compiler
def test_the_probe_allocates_and_computes(cupy):
    """A kernel made from source and a matrix product; numbers that are wrong are no backend."""
    device = backend.device_for("cupy", 1, 1)
    assert (device.name, device.xp) == ("C++ compiler", cupy)
    assert cupy.launches == ["philox_words"]
    assert cupy.waits == 2, "both answers came back"
    to_host = cupy.to_host
    cupy.to_host = lambda values: to_host(values) + values.dtype.type(1)
    refused(r"C\+\+ compiler computes wrong numbers: a known answer")
    cupy.to_host = lambda values: to_host(values) + (values.dtype == float)
    refused(r"C\+\+ compiler computes wrong numbers: a product of ones")


def test_auto_falls_back_with_one_line_that_says_why(cupy, caplog):
    cupy.cuda.runtime.driver = 0
    for _ in range(3):
        assert backend.device_for("auto", 10, 10) is None
    assert [(r.levelno, r.getMessage()) for r in caplog.records] == [
        (logging.WARNING, "backend 'auto' uses the CPU: there is no NVIDIA driver on this machine")
    ]


def test_auto_leaves_small_runs_on_the_cpu_without_a_word(cupy, caplog, monkeypatch):
    monkeypatch.setattr(backend, "_probe", lambda: pytest.fail("looked for a GPU"))
    assert backend.device_for("auto", 9, 10) is None
    assert backend.device_for("numpy", 10, 0) is None
    assert not caplog.records


def test_the_variable_stands_for_auto_alone(cupy, monkeypatch):
    monkeypatch.setenv(backend.VARIABLE, "numpy")
    assert backend.named("auto") == "numpy"
    assert backend.named("cupy") == "cupy"
    monkeypatch.setenv(backend.VARIABLE, "cupy")
    assert backend.named("auto") == "cupy"
    assert backend.named("numpy") == "numpy"
    monkeypatch.setenv(backend.VARIABLE, "tpu")
    with pytest.raises(backend.BackendError, match="ONEPASS_BACKEND 'tpu' is unknown; allowed: auto, numpy, cupy"):
        backend.named("auto")


@pytest.mark.parametrize(
    ("choices", "imported"),
    [
        ([{"backend": "numpy", "gpu_from": 0}, {"backend": "numpy", "gpu_from": 0, "engine": "sgd"}, {}], "False"),
        ([{"gpu_from": 1}], "True"),
    ],
)
def test_a_run_on_the_cpu_never_imports_cupy(choices, imported, tmp_path):
    """A package of that name is there, and only a run that is large enough looks at it."""
    (tmp_path / "cupy.py").write_text("raise ImportError('no libraries')" if imported == "False" else "")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    environment.pop(backend.VARIABLE, None)
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(choices=choices)], env=environment, capture_output=True, text=True
    )
    assert done.stdout.strip() == imported, done.stderr
    assert ("uses the CPU" in done.stderr) == (imported == "True")
