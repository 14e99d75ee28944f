"""The text that compilers get: formulas in C, and NVIDIA's compilers, which need no GPU, where they are."""

import ctypes
import shutil
import subprocess
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import onepass
import pytest
from helpers.cases import HE3, KINKED, named
from helpers.emulation import Emulator, needs_compiler
from onepass.formulas.printing import c_source
from onepass.simulation.cuda.device import as_bytes
from onepass.simulation.cuda.source import chain_source, normals_source


@needs_compiler
def test_c_formulas_have_the_values_of_the_array_forms():
    formulas = [
        "He3(x)", "relu(x)", "abs(x) + sign(x)", "step(x)*x", "erf(x/sqrt(2))", "tanh(2*x)", "sqrt(1 + x**2)**3",
        "exp(-x**2)/(2 + cos(x))", "x**9 - e*x", "log(1 + x**2)", "He10(x)/7", "sin(pi*x)", "sigmoid(x)",
        "softplus(3*x)",
        "silu(x)*gelu(x)", "elu(x)", "leaky_relu(x)", "arctan(x)*sinh(x)", "cosh(x)", "max(x, 0.3, -x)",
        "min(x, tanh(x))",
        "heaviside(x)", "log1p(x**2)",
    ]  # fmt: skip
    points, count, source = np.linspace(-2.2, 2.3, 46), len(formulas), normals_source()
    for i, text in enumerate(formulas):
        formula = onepass.Formula.activation(text)
        source += c_source(formula, f"value{i}") + c_source(formula, f"slope{i}", derivative=True)
    values = ", ".join(f"value{i}(x), slope{i}(x)" for i in range(count))
    source += f"""
        struct Points {{ const double *x; double *out; }};
        KERNEL tabulate(const Points *all, long long count) {{
            for (int n = 0; n < count; ++n) {{
                const double x = all->x[n], row[] = {{{values}}};
                for (int i = 0; i < {2 * count}; ++i) all->out[{2 * count} * n + i] = row[i];
            }}
        }}"""
    device = Emulator()
    x, out = device.xp.asarray(points), device.xp.empty((len(points), count, 2))
    about = as_bytes(device, np.array([(device.address(x), device.address(out))], dtype="u8, u8"))
    device.kernels(source, ("tabulate",), 1, 8)["tabulate"](1, about, len(points))
    found = device.host(out)
    for i, text in enumerate(formulas):
        formula, close = onepass.Formula.activation(text), {"rtol": 1e-12, "atol": 1e-13, "err_msg": text}
        np.testing.assert_allclose(found[:, i, 0], formula.array(np)(points), **close)
        np.testing.assert_allclose(found[:, i, 1], formula.array(np, derivative=True)(points), **close)


def nvrtc():
    """NVIDIA's run-time compiler, which needs no GPU, or None."""
    import sysconfig

    wheels = Path(sysconfig.get_paths()["purelib"]).glob("nvidia/*/lib/libnvrtc.so*")
    toolkits = Path("/usr/local").glob("cuda*/lib64/libnvrtc.so")
    for name in [*map(str, wheels), find_library("nvrtc"), *map(str, toolkits)]:
        if name and "builtins" not in name:
            return name


ERF = onepass.Model("erf(x1/sqrt(2))", "erf(x/sqrt(2))", students=4)
WIDEST = onepass.Model("tanh(x1*x2*x3)", "tanh", students=30)  # in tiles of shared memory
SOURCES = {named(model): chain_source(model) for model in (HE3, ERF, KINKED, WIDEST)} | {"normals": normals_source()}


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no CUDA compiler (nvcc) on this machine")
@pytest.mark.parametrize("name", [named(HE3), named(ERF), named(WIDEST), "normals"])
def test_nvcc_compiles_the_kernels_without_spilling_registers(name, tmp_path):
    path = tmp_path / "kernels.cu"
    path.write_text(SOURCES[name])
    command = ["nvcc", "-std=c++17", "-arch=sm_90", "-cubin", "-Xptxas", "-v", "-o", tmp_path / "kernels.cubin", path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = done.stderr.split("Compiling entry function ")[1:]
    sums = [part for part in told if part.startswith(("'chain_sums'", "'fill_normals'"))]
    assert len(sums) == 1
    assert "0 bytes spill stores" in sums[0]


@pytest.mark.skipif(nvrtc() is None, reason="no run-time compiler of CUDA (libnvrtc) on this machine")
@pytest.mark.parametrize("name", SOURCES)
def test_the_run_time_compiler_takes_the_kernels(name):
    """As CuPy hands them to it: one text, no headers."""
    library, program = ctypes.CDLL(nvrtc()), ctypes.c_void_p()
    assert library.nvrtcCreateProgram(ctypes.byref(program), SOURCES[name].encode(), b"kernels", 0, None, None) == 0
    options = (ctypes.c_char_p * 2)(b"--std=c++17", b"--gpu-architecture=compute_90")
    failed = library.nvrtcCompileProgram(program, 2, options)
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    assert not failed, log.value.decode()
