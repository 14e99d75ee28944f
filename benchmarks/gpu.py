"""The GPU against one CPU core and against itself: what it could draw, compute and move if it did nothing else.

Part of `make bench`; where no device computes, one line says so. The results are kept in
``benchmarks/results/gpu-<device>.txt`` as well.
"""

from __future__ import annotations

import re
import statistics
import time
from math import inf
from pathlib import Path

import numpy as np
import onepass
from onepass.simulation import sgd
from onepass.simulation.chain import overlap_chain
from onepass.simulation.cuda import backend, philox
from onepass.simulation.cuda import chain as kernels
from onepass.simulation.cuda.device import as_bytes
from onepass.simulation.cuda.source import NORMALS_THREADS, normals_source
from onepass.simulation.parameters import numbers_a_step
from onepass.simulation.streams import replica_streams
from shared import parameters, starts  # beside this file

RESULTS = Path(__file__).parent / "results"
ROUNDS = 5
# The models, and the double-precision instructions of a sample without label noise: counted in the machine code for
# sm_90, from CUDA 13.0, without the branches for what is no number.
HE3 = onepass.Model("He3(x1)", "He3")
MODELS = {
    "He3, p = 1": (HE3, 80),
    "erf, p = 1": (onepass.Model("erf(x1/sqrt(2))", "erf(x/sqrt(2))"), 189),
    "He3, p = 4": (onepass.Model("He3(x1)", "He3", students=4), 269),
    "erf, p = 4": (onepass.Model("erf(x1/sqrt(2))", "erf(x/sqrt(2))", students=4), 582),
}
YARDSTICKS = """
struct Yardstick { double *out; long long each; };

// Normals, two at a time, and nothing else.
KERNEL draw_normals(const Yardstick *all, long long) {
    EACH_THREAD(t) {
        const long long place = BLOCK * (long long)THREADS + t;
        const Stream stream = stream_of(1, place, 0);
        double sum = 0.0, first, second;
        for (long long n = 0; n < all->each; ++n) {
            normal_pair(draw(stream, INPUTS, n), &first, &second);
            sum += first + second;
        }
        all->out[place] = sum;
    }
}

// Fused products and sums in double precision, eight at a time, and nothing else.
KERNEL multiply(const Yardstick *all, long long) {
    EACH_THREAD(t) {
        const long long place = BLOCK * (long long)THREADS + t;
        double value[8];
        UNROLL for (int i = 0; i < 8; ++i) value[i] = place + i;
        for (long long n = 0; n < all->each; ++n) {
            UNROLL for (int i = 0; i < 8; ++i) value[i] = value[i] * 0.999 + 1.0;
        }
        double sum = 0.0;
        UNROLL for (int i = 0; i < 8; ++i) sum += value[i];
        all->out[place] = sum;
    }
}
"""


def task(model, dimension, batch_size, steps, replicas) -> tuple:
    """Parameters and starts; a rate so small that nothing is learned."""
    numbers = {"dimension": dimension, "batch_size": batch_size, "steps": steps, "learning_rate": 1e-9}
    return parameters(model, **numbers), starts(model, replicas, "sphere", dimension, seed=1)


class Bench:
    """Measurements on one device, in seconds unless said otherwise."""

    def __init__(self, device) -> None:
        self.device = device
        names = ("draw_normals", "multiply", "fill_normals")
        self.kernels = device.kernels(normals_source() + YARDSTICKS, names, NORMALS_THREADS, 8)

    def seconds(self, call) -> float:
        """Median time of a call, the device's work included."""
        call()
        times = []
        for _ in range(ROUNDS):
            self.device.synchronize()
            start = time.perf_counter()
            call()
            self.device.synchronize()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def rate(self, kernel, each, items) -> float:
        """Items a second that a yardstick gets through: `items` in each of its `each` rounds, in every thread."""
        blocks = 32 * self.device.multiprocessors
        out = self.device.xp.empty(blocks * NORMALS_THREADS)
        about = np.array([(self.device.address(out), each)], dtype=[("out", "u8"), ("each", "i8")])
        there = as_bytes(self.device, about)
        return blocks * NORMALS_THREADS * each * items / self.seconds(lambda: self.kernels[kernel](blocks, there))

    def copy_rate(self, numbers: int = 2**28) -> float:
        """Bytes a second, read and written."""
        source, target = self.device.xp.zeros(numbers), self.device.xp.zeros(numbers)
        return 2 * source.nbytes / self.seconds(lambda: self.device.xp.add(source, 0.0, out=target))

    def chain(self, model, batch_size, replicas, steps) -> float:
        """Samples a second."""
        set_up, start = task(model, 1000, batch_size, steps, replicas)
        records = np.array([0, steps])

        def call():
            kernels.run(model, set_up, start, philox.key(1), records, self.device)

        return batch_size * replicas * steps / self.seconds(call)

    def chain_on_cpu(self, model, batch_size, replicas, steps) -> float:
        set_up, start = task(model, 1000, batch_size, steps, replicas)

        def call():
            overlap_chain.run(model, set_up, start, replica_streams(1, replicas), np.array([0, steps]))

        return batch_size * replicas * steps / self.seconds(call)

    def sgd(self, dimension, batch_size, steps, device) -> float:
        """Samples a second; on the CPU where there is no device."""
        set_up, start = task(HE3, dimension, batch_size, steps, 1)

        def call():
            sgd.run(HE3, set_up, start, replica_streams(1, 1), np.array([0, steps]), device=device, key=1)

        return batch_size * steps / self.seconds(call)

    def inputs(self, dimension, batch_size) -> float:
        """Samples a second that are drawn to memory and left there."""
        from onepass.simulation.cuda.normals import DeviceBatches

        batches = DeviceBatches(1, np.arange(1), dimension, self.device)
        rows = min(batch_size, sgd.DEVICE_CHUNK // (8 * dimension))
        return rows / self.seconds(lambda: batches.inputs(0, 0, rows))


def chain(bench):
    """GPU, chain, n_b = 2²⁰: samples a second; against one CPU core, its own normals, its arithmetic"""
    normals, products = bench.rate("draw_normals", 2000, 2), bench.rate("multiply", 20_000, 8)
    yield f"10⁹ normals a second; {products / 1e12:.2f}·10¹² fused products", normals / 1e9, (0, inf)
    for name, (model, instructions) in MODELS.items():
        cpu = bench.chain_on_cpu(model, 100_000, 1, 5)
        for replicas in (1, 32):
            gpu = bench.chain(model, 2**20, replicas, 2000 // replicas)
            what = f"{name}, {replicas} replicas"
            least, times = (20, 200) if model is HE3 else (0, 0)
            yield f"10⁹ samples a second, {what}", gpu / 1e9, (least, inf)
            yield f"times one CPU core, {what}", gpu / cpu, (times, inf)
            pairs = (model.students + model.teachers + 1) // 2
            yield f"of what its normals alone would allow, {what}", gpu * 2 * pairs / normals, (0, inf)
            yield f"of the peak arithmetic, {what}", gpu * instructions / products, (0, inf)


def d_dimensional(bench):
    """GPU, sgd, p = 1: samples a second; against drawing its inputs alone, one CPU core, the memory's bandwidth"""
    bandwidth = bench.copy_rate()
    yield "10⁹ bytes a second copied", bandwidth / 1e9, (0, inf)
    for dimension, batch_size in ((256, 2**22), (10_000, 2**17)):
        gpu, drawn = bench.sgd(dimension, batch_size, 4, bench.device), bench.inputs(dimension, batch_size)
        cpu = bench.sgd(dimension, batch_size // 256, 4, None)
        least = 0.5 if dimension == 10_000 else 0
        yield f"10⁶ samples a second, d = {dimension}", gpu / 1e6, (0, inf)
        yield f"of what drawing its inputs alone would allow, d = {dimension}", gpu / drawn, (least, inf)
        yield f"times one CPU core, d = {dimension}", gpu / cpu, (0, inf)
        # Inputs are written once and read twice.
        yield f"of the memory's bandwidth, d = {dimension}", gpu * 24 * dimension / bandwidth, (0, inf)


def crossover(bench):
    """GPU, chain, He3, p = 1: times one CPU core by random numbers a step, and where both are as fast"""
    numbers, ratios = [], []
    for batch_size, replicas in ((1, 64), (64, 32), (256, 32), (1024, 32), (1024, 128), (8192, 128), (2**17, 128)):
        steps = max(20, 10**8 // (batch_size * replicas * 20))
        cpu_steps = max(1, 4 * 10**6 // (batch_size * replicas))
        ratio = bench.chain(HE3, batch_size, replicas, steps) / bench.chain_on_cpu(HE3, batch_size, replicas, cpu_steps)
        numbers.append(numbers_a_step("chain", 2, 1000, batch_size, replicas))
        ratios.append(ratio)
        yield f"{numbers[-1]} numbers a step: n_b = {batch_size}, {replicas} replicas", ratio, (0, inf)
    yield "numbers a step from which the GPU is faster: `gpu_from`", crossing(numbers, ratios), (0, inf)


def crossing(numbers, ratios) -> float:
    """Where the ratio rises above 1 for good, on a line between its neighbours in the logarithms."""
    below = np.flatnonzero(np.array(ratios) < 1)
    if not below.size:
        return numbers[0]
    if below[-1] == len(ratios) - 1:
        return inf
    pair = slice(below[-1], below[-1] + 2)
    return float(np.exp(np.interp(0, np.log(ratios[pair]), np.log(numbers[pair]))))


BENCHMARKS = (chain, d_dimensional, crossover)


def run(report, wanted: str) -> int:
    """Measure what is wanted and keep it; the number of goals missed. ``report(benchmarks, wanted, say)`` prints."""
    try:
        device = backend.device_for("cupy", inf, 0)
    except backend.BackendError as error:
        print(f"\nGPU: not measured: {error}")
        return 0
    lines = [device.name]

    def say(line: str) -> None:
        print(line, flush=True)
        lines.append(line)

    bench = Bench(device)
    missed = report({f"gpu_{b.__name__}": (b.__doc__, b(bench)) for b in BENCHMARKS}, wanted, say)
    if not wanted:
        slug = re.sub(r"[^a-z0-9]+", "-", device.name.lower()).strip("-")
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"gpu-{slug}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return missed
