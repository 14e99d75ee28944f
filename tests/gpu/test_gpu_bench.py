"""What `make bench` would print on a GPU: its kernels on the emulated one, its fractions from rates that are known."""

import sys
from math import inf
from pathlib import Path

import numpy as np
import pytest
from helpers.emulation import Emulator, needs_compiler

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import gpu
import run


class Known:
    """A bench whose rates are given."""

    def __init__(self, **rates):
        self.rates, self.device, self.asked = rates, "device", []

    def __getattr__(self, name):
        def rate(*arguments):
            self.asked.append((name, arguments))
            value = self.rates[name]
            return value(*arguments) if callable(value) else value

        return rate


@needs_compiler
def test_the_bench_measures_on_a_device():
    bench = gpu.Bench(Emulator())
    assert bench.rate("draw_normals", 1, 2) > 0
    assert bench.rate("multiply", 2, 8) > 0
    assert bench.copy_rate(1000) > 0
    for model, _ in gpu.MODELS.values():
        assert bench.chain(model, 1100, 1, 2) > 0
    assert bench.chain_on_cpu(gpu.HE3, 100, 1, 2) > 0
    assert bench.sgd(100, 50, 2, bench.device) > 0
    assert bench.sgd(100, 50, 2, None) > 0
    assert bench.inputs(100, 50) > 0


@needs_compiler
@pytest.mark.parametrize(("kernel", "each"), [("draw_normals", 3), ("multiply", 5)])
def test_yardsticks_count_what_they_do(kernel, each, monkeypatch):
    """Items a second of a call of one second: threads times rounds times items; and every thread did its share."""
    bench, done = gpu.Bench(Emulator()), []
    monkeypatch.setattr(bench, "seconds", lambda call: call() or 1.0)
    empty = bench.device.xp.empty
    monkeypatch.setattr(bench.device.xp, "empty", lambda shape: done.append(empty(shape)) or done[-1])
    assert bench.rate(kernel, each, 8) == 32 * gpu.NORMALS_THREADS * each * 8
    assert np.isfinite(done[0].get()).all()


def test_fractions_of_the_chain():
    """10 samples a second, 2 on a core, 100 normals, 10 000 products: fractions by hand."""
    bench = Known(rate=lambda kernel, *_: {"draw_normals": 100, "multiply": 10_000}[kernel], chain=10, chain_on_cpu=2)
    told = {what: (value, goal) for what, value, goal in gpu.chain(bench)}
    assert len(told) == 1 + 4 * 4 * 2
    assert told["times one CPU core, He3, p = 1, 1 replicas"] == (5, (200, inf))
    assert told["10⁹ samples a second, He3, p = 1, 32 replicas"] == (1e-8, (20, inf))
    assert told["of what its normals alone would allow, He3, p = 1, 1 replicas"][0] == 10 * 2 / 100
    assert told["of what its normals alone would allow, erf, p = 4, 1 replicas"][0] == 10 * 6 / 100, "drawn in pairs"
    assert told["of the peak arithmetic, He3, p = 1, 1 replicas"][0] == 10 * 80 / 10_000
    assert all(arguments[1] >= 10**6 for name, arguments in bench.asked if name == "chain")


def test_fractions_of_sgd():
    bench = Known(copy_rate=24e6, sgd=lambda d, n, steps, device: 100 if device else 4, inputs=400)
    told = {what: (value, goal) for what, value, goal in gpu.d_dimensional(bench)}
    assert told["of what drawing its inputs alone would allow, d = 10000"] == (0.25, (0.5, inf))
    assert told["times one CPU core, d = 256"][0] == 25
    assert told["of the memory's bandwidth, d = 10000"][0] == 100 * 24 * 10_000 / 24e6


def test_the_crossover_is_where_both_are_as_fast():
    """A GPU of a fixed time a step, a core of a fixed time a number."""
    bench = Known(chain=lambda model, n_b, replicas, steps: n_b * replicas / 1e-5, chain_on_cpu=5e7)
    *table, (what, value, _) = gpu.crossover(bench)
    assert "gpu_from" in what
    assert value == pytest.approx(2 * 5e7 * 1e-5)
    assert [ratio for _, ratio, _ in table] == sorted(ratio for _, ratio, _ in table)
    assert gpu.crossing([1, 2], [2, 3]) == 1
    assert gpu.crossing([1, 2], [2, 0.5]) == inf


def test_without_a_gpu_one_line_says_so(monkeypatch, capsys):
    monkeypatch.setattr(gpu.backend, "_probe", lambda: (None, "there is no GPU"))
    monkeypatch.setattr(gpu.backend, "find_spec", lambda name: name)
    assert gpu.run(run.report, "") == 0
    assert "GPU: not measured: backend 'cupy': there is no GPU" in capsys.readouterr().out


@needs_compiler
def test_results_are_kept_with_the_name_of_the_device(monkeypatch, tmp_path, capsys):
    def small(bench):
        """A title"""
        yield "a number", 3.0, (4, inf)

    monkeypatch.setattr(gpu.backend, "device_for", lambda *_: Emulator())
    monkeypatch.setattr(gpu, "BENCHMARKS", (small,))
    monkeypatch.setattr(gpu, "RESULTS", tmp_path / "results")
    assert gpu.run(run.report, "") == 1
    kept = (tmp_path / "results" / "gpu-c-compiler.txt").read_text()
    assert kept == "C++ compiler\n\nA title\n      3.00  (goal: at least 4)  a number   MISSED\n"
    assert gpu.run(run.report, "nothing of this name") == 0
