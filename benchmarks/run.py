"""Speed and memory of the simulators, as ratios against yardsticks timed side by side in the same run.

`make bench` runs this; one argument keeps only the benchmarks whose name contains it. Each pair is timed in turn,
several times; the ratio of the medians is what counts on a machine that others use too. It ends with 1 if a goal is
missed.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from math import inf
from pathlib import Path

import algorithms  # beside this file, as costs, expansions, gpu, leaps, pipeline and shared
import costs
import expansions
import gpu
import leaps
import numpy as np
import onepass
import pipeline
from onepass.pipeline.cell import pack
from onepass.pipeline.validation import configured
from onepass.simulation import sgd
from onepass.simulation.chain import overlap_chain
from onepass.simulation.streams import replica_streams
from shared import parameters, starts

ROUNDS = 7
HE3 = onepass.Model("He3(x1)", "He3")
WIDE = onepass.Model("He3(x1)", "He3", students=4, noise=1e-6)


def task(model, dimension, batch_size, steps) -> tuple:
    """Parameters, start, stream and records of one run."""
    set_up = parameters(model, dimension=dimension, batch_size=batch_size, steps=steps, learning_rate=1e-6)
    return set_up, starts(model, 1, "sphere", dimension, seed=1), replica_streams(1, 1), np.array([0, steps])


def chain(model, dimension, batch_size, steps, engine="chain"):
    overlap_chain.run(model, *task(model, dimension, batch_size, steps), engine)


def d_dimensional(model, dimension, batch_size, steps):
    sgd.run(model, *task(model, dimension, batch_size, steps))


def draw_normals(samples, each):
    (rng,) = replica_streams(1, 1)
    block = np.empty((1000, each))
    for _ in range(samples // 1000):
        rng.standard_normal(out=block)


def draw_and_multiply(dimension, students, batch_size, steps):
    """What no d-dimensional simulation can leave out: the inputs and the two products with them."""
    (rng,) = replica_streams(1, 1)
    rows = max(1, min(batch_size, sgd.CHUNK // (8 * dimension)))
    block, weights = np.empty((rows, dimension)), np.ones((students, dimension))
    for _ in range(steps):
        for start in range(0, batch_size, rows):
            z = block[: min(rows, batch_size - start)]
            rng.standard_normal(out=z)
            c = z @ weights.T
            c.T @ z


def side_by_side(first, second):
    """Median seconds of both, timed in turn."""
    first(), second()
    times = ([], [])
    for _ in range(ROUNDS):
        for call, record in zip((first, second), times, strict=True):
            start = time.perf_counter()
            call()
            record.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def chain_against_its_normals():
    """chain, p = k = 1, He3: against NumPy drawing two normals a sample"""
    for batch_size in (100, 10_000):
        mine, numpy = side_by_side(
            lambda n=batch_size: chain(HE3, 1000, n, 1_000_000 // n), lambda: draw_normals(1_000_000, 2)
        )
        yield (
            f"n_b = {batch_size}: {mine * 1e3:.1f} ns a sample, NumPy {numpy * 1e3:.1f}",
            mine / numpy,
            (0, 1.5),
        )


def chain_and_dimension():
    """chain, p = k = 1, He3, n_b = 1000: d = 2³⁰ against 2¹⁰"""
    large, small = side_by_side(lambda: chain(HE3, 2**30, 1000, 2000), lambda: chain(HE3, 2**10, 1000, 2000))
    yield f"{large:.3f} s against {small:.3f} s", large / small, (0.9, 1.1)


def chain_of_single_samples():
    """chain, p = k = 1, He3, n_b = 1: nanoseconds a step"""
    mine, numpy = side_by_side(lambda: chain(HE3, 1000, 1, 1_000_000), lambda: draw_normals(1_000_000, 2))
    yield f"ns a step (NumPy's two normals: {numpy * 1e3:.1f} ns)", mine * 1e3, (0, 60)


def gaussian_steps():
    """gaussian, He3: microseconds a step"""
    narrow, wide = side_by_side(
        lambda: chain(HE3, 10**6, 10**6, 1_000_000, "gaussian"), lambda: chain(WIDE, 10**6, 10**6, 300, "gaussian")
    )
    yield "p = k = 1", narrow, (0, 3)
    yield "p = 4, k = 1, label noise", wide / 300 * 1e6, (0, 1000)


def gaussian_knows_neither_dimension_nor_batch():
    """gaussian, p = k = 1, He3, a million steps: the largest against the smallest"""
    large, small = side_by_side(*(lambda d=d: chain(HE3, d, 10**6, 1_000_000, "gaussian") for d in (2**30, 2**10)))
    yield f"d = 2³⁰ against 2¹⁰: {large:.3f} s, {small:.3f} s", large / small, (0.9, 1.1)
    large, small = side_by_side(*(lambda n=n: chain(HE3, 10**6, n, 1_000_000, "gaussian") for n in (10**12, 10**4)))
    yield f"n_b = 10¹² against 10⁴: {large:.3f} s, {small:.3f} s", large / small, (0.9, 1.1)


def chain_against_sgd():
    """wide student (p = 4, d = 256, n_b = 16384, 50 steps): sgd against chain"""
    fast, slow = side_by_side(lambda: chain(WIDE, 256, 16384, 50), lambda: d_dimensional(WIDE, 256, 16384, 50))
    yield f"sgd {slow:.2f} s, chain {fast * 1e3:.1f} ms", slow / fast, (50, inf)


def sgd_against_its_inputs():
    """sgd: against drawing the inputs and two matrix products"""
    for students, dimension, batch_size, steps in [
        (4, 256, 16384, 10),
        (1, 1024, 4096, 10),
        (1, 10_000, 1000, 4),
    ]:
        model = WIDE if students == 4 else HE3
        mine, floor = side_by_side(
            lambda m=model, d=dimension, n=batch_size, s=steps: d_dimensional(m, d, n, s),
            lambda p=students, d=dimension, n=batch_size, s=steps: draw_and_multiply(d, p, n, s),
        )
        yield f"p = {students}, d = {dimension}, n_b = {batch_size}", mine / floor, (0, 1.5)


def fixed_cost_of_a_cell():
    """a process that simulates one trivial cell and writes it: seconds, compiled code cached"""
    code = (
        "import onepass\n"
        "runs = onepass.simulate(onepass.Model('He3(x1)', 'He3'), onepass.Protocol(), dimension=64, batch_size=1, "
        "learning_rate=1e-4, steps=10)\n"
        f"runs.to_netcdf({str(Path(tempfile.gettempdir()) / 'onepass_trial.nc')!r})"
    )
    command = [sys.executable, "-c", code]
    subprocess.run(command, check=True)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, check=True)
        times.append(time.perf_counter() - start)
    yield "seconds, imports included", statistics.median(times), (0, 1)


def peak_memory():
    """resident memory of processes that run the largest default cells, one of each experiment and engine: GiB"""
    configuration = configured()
    cells = [cell for name in configuration.experiments for cell in configuration.grid(name)]
    largest = {}
    for cell in sorted(cells, key=lambda c: c.batch_size * c.dimension * c.students * c.replicas):
        largest[cell.experiment, cell.engine] = replace(cell, steps=min(cell.steps, 20))
    # and beyond them: what a user may ask of the reference
    wide = replace(largest["chain_exactness", "sgd"], dimension=256, batch_size=16384, steps=2)
    for name, cell in [*largest.items(), (("wide student", "sgd"), wide)]:
        code = "from onepass.pipeline.cell import unpack; import sys, resource; unpack(sys.argv[1])[0].simulate()\n"
        code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)"
        done = subprocess.run([sys.executable, "-c", code, pack([cell])], capture_output=True, text=True, check=True)
        yield f"{name[0]}, {name[1]}, d = {cell.dimension}, n_b = {cell.batch_size}", float(done.stdout), (0, 1.5)


BENCHMARKS = [
    chain_against_its_normals,
    chain_and_dimension,
    chain_of_single_samples,
    gaussian_steps,
    gaussian_knows_neither_dimension_nor_batch,
    leaps.leaps,
    algorithms.compiled,
    algorithms.seen_again,
    algorithms.blocks,
    algorithms.algorithms,
    chain_against_sgd,
    sgd_against_its_inputs,
    costs.costs,
    fixed_cost_of_a_cell,
    expansions.expansions,
    peak_memory,
    *pipeline.BENCHMARKS,
]


def machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}"


def report(benchmarks, wanted: str, say) -> int:
    """Run the benchmarks, by name (title, measurements), whose name contains a word; how many goals they missed."""
    missed = 0
    for name, (title, measurements) in benchmarks.items():
        if wanted in name:
            say(f"\n{title}")
            for what, value, (low, high) in measurements:
                verdict = "" if low <= value <= high else "   MISSED"
                missed += bool(verdict)
                goal = (
                    f"at least {low:g}" if high == inf else f"at most {high:g}" if not low else f"{low:g} to {high:g}"
                )
                goal = "none" if (low, high) == (0, inf) else goal
                say(f"  {value:8.2f}  (goal: {goal})  {what}{verdict}")
    return missed


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    print(machine())
    missed = report({b.__name__: (b.__doc__, b()) for b in BENCHMARKS}, wanted, lambda line: print(line, flush=True))
    missed += gpu.run(report, wanted)
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
