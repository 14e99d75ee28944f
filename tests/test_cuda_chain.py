"""The chain's kernels: the numbers of the array form, the law of the compiled chain, the same bits in every launch.

On every machine with a C++ compiler they run on the CPU, from the same source (`emulation`); on one with a GPU there
as well.
"""

import ctypes
import shutil
import subprocess
from ctypes.util import find_library
from math import inf
from pathlib import Path

import numpy as np
import onepass
import pytest
from emulation import Emulator, devices, needs_compiler
from onepass import backend, cuda_chain, cuda_source, overlap_chain, philox
from onepass.cuda_device import STEPS_OF_GRAPH, as_bytes
from onepass.cuda_source import Layout, chain_source, normals_source
from onepass.formula_c import c_source
from onepass.initial import initial_factor
from onepass.settings import Settings
from onepass.streams import replica_streams
from philox_reference import Replay
from scipy.stats import ks_2samp, norm

HE3 = onepass.Model("He3(x1)", "He3", noise=0.2)
TWO = onepass.Model("He2(x1) + x1*x2", "square", students=2, second_layer=(1.0, 0.7), noise=0.2)
WIDE = onepass.Model("x1 + x1*x2", "tanh", students=4, second_layer=(1.0, 0.7, 0.4, 0.1), noise=0.2)
WIDER = onepass.Model("x1*x2*x3", "erf(x/sqrt(2))", students=7)  # its sums are too many for registers
KINKED = onepass.Model("abs(x1) - step(x2)", "relu", students=3, noise=0.1)
MODELS = [HE3, TWO, WIDE, WIDER, KINKED]
RATES = {HE3: 0.02, TWO: 0.15, WIDE: 1.5, WIDER: 5.0, KINKED: 0.5}
ALARM = 1e-3  # chance that correct code fails the law tests of this file, shared by all comparisons


def named(model):
    return f"{model.activation}-p{model.students}"


def settings(model, **changes):
    values = {
        "dimension": 24, "batch_size": 8, "learning_rate": RATES[model], "steps": 5, "threshold": inf,
        "noise": model.noise**0.5, "correlation": False, "spherical": False, "adaptive": False,
        "risk_fraction": 0.6, "drop": 0.1, "decay": 0.995,
    }  # fmt: skip
    return Settings(**(values | changes))


def starts(model, replicas, overlap=0.3, dimension=24, seed=5):
    streams = replica_streams(seed, replicas)
    initial = ("overlap", overlap)
    return np.stack([initial_factor(initial, model.students, model.teachers, dimension, s) for s in streams])


@pytest.mark.parametrize("spherical", [False, True])
@pytest.mark.parametrize("correlation", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 1100])
@pytest.mark.parametrize("model", MODELS, ids=named)
@pytest.mark.parametrize("device", devices())
def test_steps_equal_the_array_form_on_the_same_numbers(device, model, batch_size, correlation, spherical, monkeypatch):
    """`overlap_chain.step`, given the numbers that the kernels draw: equal up to the rounding of sums.

    With fewer samples than students the second moments are singular, and their factors as good as the root of rounding.
    """
    close = {"rtol": 1e-8, "atol": 1e-10} if batch_size > model.students else {"rtol": 1e-6, "atol": 1e-7}
    set_up = settings(
        model,
        batch_size=batch_size,
        correlation=correlation,
        spherical=spherical,
        learning_rate=RATES[model] * min(1, batch_size / 20),
    )
    factors, key = starts(model, 2), 2**63 + 12345
    overlaps, grams, last, recovered = cuda_chain.run(model, set_up, factors, key, np.arange(6), device())
    for replica in range(2):
        expected = [factors[replica]]
        for step in range(set_up.steps):
            replay = Replay(model, batch_size, key, replica, step)
            monkeypatch.setattr(overlap_chain, "bartlett", lambda rng, *given: rng.bartlett(*given))
            expected.append(overlap_chain.step(model, set_up, expected[-1], replay))
        expected = np.array(expected)
        assert abs(expected[-1] - expected[0]).max() > 1e-3
        np.testing.assert_allclose(overlaps[replica], expected[..., : model.teachers], **close)
        np.testing.assert_allclose(grams[replica], expected @ expected.swapaxes(1, 2), **close)
    assert last.tolist() == [5, 5]
    assert not recovered.any()


LAWS = [
    (model, registers, batch_size, update, loss)
    for model, registers in ((HE3, 40), (TWO, 40), (WIDE, 40), (WIDE, 0))  # 0: sums in tiles of shared memory
    for batch_size in (1, 2, 40)
    for update in ("projected", "spherical")
    for loss in ("square", "correlation", "adaptive")
]


@pytest.mark.parametrize("device", devices())
@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{named(law[0])}-{law[1]}-n{law[2]}-{law[3]}-{law[4]}")
def test_the_law_is_that_of_the_compiled_chain(device, law, monkeypatch):
    """Two-sample KS, 800 replicas each, 72 × 3 comparisons at 1e-3 together (Bonferroni), and z-tests of the means."""
    model, registers, batch_size, update, loss = law
    monkeypatch.setattr(cuda_source, "REGISTER_SUMS", registers)
    set_up = settings(
        model,
        batch_size=batch_size,
        steps=12,
        learning_rate=RATES[model] * min(1, batch_size / 8),
        correlation=loss != "square",
        adaptive=loss == "adaptive",
        spherical=update == "spherical",
    )
    factors, records = starts(model, 800), np.array([0, 12])
    expected = overlap_chain.run(model, set_up, factors, replica_streams(21, 800), records)
    found = cuda_chain.run(model, set_up, factors, philox.key(22), records, device())
    for name, a, b in observed(expected, found):
        p_value = ks_2samp(a, b).pvalue
        assert p_value > ALARM / (3 * len(LAWS)), f"{name}: KS p = {p_value:.2g}"
        z = (a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / len(a) + 1e-300)
        assert abs(z) < norm.isf(ALARM / (6 * len(LAWS))), f"{name}: means differ by {z:.1f} standard errors"


def observed(*results):
    (first, second) = (result[0][:, -1] for result in results), (result[1][:, -1] for result in results)
    first, second = list(first), list(second)
    yield "first overlap", *(m[:, 0, 0] for m in first)
    if first[0].shape[1] > 1:
        yield "norm of M", *(np.linalg.norm(m, axis=(1, 2)) for m in first)
        yield "sum of Q", *(q.sum(axis=(1, 2)) for q in second)


@pytest.mark.parametrize("device", devices())
def test_the_adaptive_schedule_has_the_law_of_the_compiled_chain(device):
    """Through the change of loss, where most of the risk is gone: KS, false alarms 1e-4; without it, another law."""
    set_up = settings(HE3, batch_size=100, steps=80, learning_rate=0.02, correlation=True, noise=0.0)
    factors, records = starts(HE3, 400, overlap=0.5), np.array([0, 80])
    adaptive, plain = (
        overlap_chain.run(HE3, set_up._replace(adaptive=which), factors, replica_streams(41, 400), records)
        for which in (True, False)
    )
    found = cuda_chain.run(HE3, set_up._replace(adaptive=True), factors, philox.key(42), records, device())
    assert ks_2samp(found[0][:, -1, 0, 0], adaptive[0][:, -1, 0, 0]).pvalue > 1e-4
    assert ks_2samp(found[0][:, -1, 0, 0], plain[0][:, -1, 0, 0]).pvalue < 1e-12


@needs_compiler
def test_a_wrong_dimension_is_noticed():
    """The comparison has power: a chain of half the dimension fails it (chance of not failing < 1e-6)."""
    factors, records = starts(HE3, 800), np.array([0, 12])
    right = settings(HE3, steps=12, correlation=True, learning_rate=0.06)
    expected = overlap_chain.run(HE3, right, factors, replica_streams(21, 800), records)
    found = cuda_chain.run(HE3, right._replace(dimension=12), factors, philox.key(22), records, Emulator())
    assert ks_2samp(expected[0][:, -1, 0, 0], found[0][:, -1, 0, 0]).pvalue < ALARM / (3 * len(LAWS))


@pytest.mark.parametrize("device", devices())
def test_recovery_times_have_the_law_of_the_compiled_chain(device):
    """Early stops at the threshold, held states and censored runs: KS of the times, false alarms 1e-4."""
    set_up = settings(HE3, steps=400, batch_size=24, learning_rate=0.01, threshold=0.7, noise=0.0)
    factors, records = starts(HE3, 600, overlap=0.25), np.array([0, 10, 40, 400])
    expected = overlap_chain.run(HE3, set_up, factors, replica_streams(31, 600), records)
    overlaps, grams, last, recovered = cuda_chain.run(HE3, set_up, factors, philox.key(32), records, device())
    assert 0.05 < recovered.mean() < 0.95
    assert ks_2samp(last[recovered], expected[2][expected[3]]).pvalue > 1e-4
    assert abs(recovered.mean() - expected[3].mean()) < 5 * np.sqrt(0.5 / 600)
    assert (last[~recovered] == 400).all()
    assert ((abs(overlaps[:, -1, 0, 0]) >= 0.7) == recovered).all()
    early = last < 40
    assert early.any()
    np.testing.assert_array_equal(overlaps[early, 2], overlaps[early, 3])
    np.testing.assert_allclose(grams[:, :, 0, 0], 1, rtol=1e-12)


@needs_compiler
@pytest.mark.parametrize("model", [HE3, WIDE, WIDER], ids=named)
def test_every_launch_gives_the_same_bits(model):
    """Blocks few or many, threads and blocks in either order, many steps a launch or two launches a step, replicas in
    groups or at once, more replicas: nothing of it is in the numbers."""
    threshold = 0.9 if model is HE3 else inf
    set_up = settings(model, batch_size=1600, steps=4, threshold=threshold, adaptive=True, correlation=True)
    factors, records = starts(model, 5), np.arange(5)
    assert -(-set_up.batch_size // Layout(model.students, model.teachers).slice(set_up.batch_size)) > 2

    def run(count=5, **emulated):
        device = Emulator(**emulated)
        return cuda_chain.run(model, set_up, factors[:count], 99, records, device), device.xp.launches

    expected, launches = run(multiprocessors=0)
    assert set(launches) == {"chain_open", "chain_steps"}
    for emulated in [
        {"multiprocessors": 100},
        {"multiprocessors": 100, "blocks": 3},
        {"multiprocessors": 100, "blocks": 2, "backwards": True},
        {"multiprocessors": 0, "blocks": 2},
        {"multiprocessors": 0, "backwards": True},
        {"free": 1},
    ]:
        found, launches = run(**emulated)
        assert ("chain_sums" in launches) == (emulated.get("multiprocessors", 1) > 0)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=str(emulated))
    fewer, _ = run(count=2, multiprocessors=100)
    for a, b in zip(fewer, expected, strict=True):
        np.testing.assert_array_equal(a, b[:2])


@pytest.mark.parametrize("device", devices())
def test_students_aligned_with_each_other_and_with_the_teacher(device):
    model = onepass.Model("He3(x1)", "He3", students=3)
    factors = np.zeros((4, 3, 4))
    factors[:, :, 0] = 1
    set_up = settings(HE3, dimension=100, batch_size=2, learning_rate=1e-4, steps=50, noise=0.0)
    overlaps, grams, *_ = cuda_chain.run(model, set_up, factors, 1, np.array([0, 50]), device())
    assert np.isfinite(overlaps).all()
    np.testing.assert_allclose(grams.diagonal(axis1=-2, axis2=-1), 1, atol=1e-9)


@pytest.mark.parametrize("device", devices())
def test_a_diverging_replica_is_an_error_that_names_it(device):
    with pytest.raises(FloatingPointError, match="replica 0 diverged at step 0"):
        cuda_chain.run(HE3, settings(HE3, learning_rate=1e200), starts(HE3, 3), 1, np.array([0, 5]), device())


@pytest.mark.parametrize("device", devices())
def test_a_recovered_start_takes_no_step(device):
    _, _, last, recovered = cuda_chain.run(HE3, settings(HE3, threshold=0.2), starts(HE3, 3), 1, np.arange(6), device())
    assert last.tolist() == [0, 0, 0]
    assert recovered.all()


@needs_compiler
@pytest.mark.parametrize("many", [True, False], ids=["many steps a launch", "a graph of steps"])
def test_the_state_stays_on_the_device(many, monkeypatch):
    """What comes back are the records, once, and one counter a burst of steps; the host waits for nothing else."""
    monkeypatch.setattr(cuda_chain._Group, "_many", lambda self: many)
    device = Emulator()
    cuda_chain.run(HE3, settings(HE3, steps=1000), starts(HE3, 7), 1, np.array([0, 1000]), device)
    results = 7 * (2 * 2 * 8 + cuda_chain.REPLICA.itemsize)
    assert device.xp.moved == results + 2 * 4, "two looks at the counter: before and after the only burst"
    assert device.xp.waits == (4 if many else 6), "two looks, two results; before a capture and after the burst"
    if many:
        assert device.xp.launches == ["chain_open", "chain_steps"]


@needs_compiler
def test_bursts_end_with_the_budget():
    """Two launches a step, of which none but what fills the last graph comes after the last step."""
    device = Emulator(multiprocessors=100)
    set_up = settings(HE3, batch_size=1100, steps=150)
    assert cuda_chain.run(HE3, set_up, starts(HE3, 2), 1, np.array([0, 150]), device)[2].tolist() == [150, 150]
    assert device.xp.launches.count("chain_sums") <= 150 + STEPS_OF_GRAPH


@needs_compiler
def test_memory_that_runs_out_halves_the_replicas(caplog):
    """An allocator of arrays up to 1 kB, told of as a gigabyte: groups of replicas shrink until they fit, with the same numbers."""
    set_up, records = settings(HE3, steps=3), np.arange(4)
    factors = starts(HE3, 40)
    whole = cuda_chain.run(HE3, set_up, factors, 1, records, Emulator())
    parts = cuda_chain.run(HE3, set_up, factors, 1, records, Emulator(room=1000))
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a, b)
    assert [r.getMessage() for r in caplog.records] == [
        "out of GPU memory with 40 at a time, going on with 20: no room for 2240 bytes",
        "out of GPU memory with 20 at a time, going on with 10: no room for 1120 bytes",
    ]


def test_models_too_wide_for_a_block_are_refused():
    device = Emulator()
    cuda_chain.check(onepass.Model("x1", "tanh", students=70), settings(HE3), 1, device)
    with pytest.raises(cuda_chain.WidthError, match=r"200 students and 1 teachers need .* use backend 'numpy'"):
        cuda_chain.check(onepass.Model("x1", "tanh", students=200), settings(HE3), 1, device)


@needs_compiler
def test_simulate_takes_the_device(monkeypatch, caplog):
    """`auto` from the crossover on, `cupy` always; files say where; models too wide go back to the CPU."""
    device = Emulator()
    monkeypatch.setattr(backend, "_probe", lambda: (device, ""))
    monkeypatch.setattr(backend, "find_spec", lambda name: name)
    common = {"dimension": 64, "batch_size": 50, "learning_rate": 1e-3, "steps": 3, "replicas": 4, "seed": 1}
    protocol = onepass.Protocol()
    for choice, taken in [
        ({"backend": "auto", "gpu_from": 400}, True),
        ({"backend": "auto", "gpu_from": 401}, False),
        ({"backend": "cupy"}, True),
        ({"backend": "numpy"}, False),
        ({"backend": "cupy", "engine": "sgd"}, True),
    ]:
        runs = onepass.simulate(HE3, protocol, **common, **choice)
        assert (runs.backend, runs.device) == (("cupy", "C++ compiler") if taken else ("numpy", "cpu"))
        assert np.isfinite(runs.overlap).all()
    monkeypatch.setattr(device, "shared_bytes", 1000)
    assert onepass.simulate(HE3, protocol, **common, gpu_from=1).backend == "numpy"
    assert "1 students and 1 teachers need 3128 bytes of shared memory a block; C++ compiler has 1000" in caplog.text
    with pytest.raises(cuda_chain.WidthError):
        onepass.simulate(HE3, protocol, **common, backend="cupy")


@needs_compiler
def test_c_formulas_have_the_values_of_the_array_forms():
    formulas = [
        "He3(x)", "relu(x)", "abs(x) + sign(x)", "step(x)*x", "erf(x/sqrt(2))", "tanh(2*x)", "sqrt(1 + x**2)**3",
        "exp(-x**2)/(2 + cos(x))", "x**9 - e*x", "log(1 + x**2)", "He10(x)/7", "sin(pi*x)",
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


SOURCES = {named(model): chain_source(model) for model in MODELS} | {"normals": normals_source()}


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no CUDA compiler (nvcc) on this machine")
@pytest.mark.parametrize("name", [named(HE3), named(WIDER), "normals"])
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
