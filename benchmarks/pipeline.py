"""Speed of the workflow: planning, and what a cell costs beside its simulation.

Each measurement runs Snakemake on a copy of the project, as a user would. Cells are trivial: one replica, one step.
Beside the time on the wall stands the processors' time, which others on the machine change less.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from math import inf
from pathlib import Path

from shared import Project  # beside this file

ROUNDS = 3
ROW = 30  # cells


@contextmanager
def project(rows: int):
    """A copy of the project with as many rows of `ROW` trivial cells; its simulations' code is compiled."""
    mu = [1 + i / 1000 for i in range(rows)]
    trivial = f"{{mu: {mu}, dimensions: {list(range(16, 16 + ROW))}, n0: 0.01, replicas: 1, engine: chain}}"
    configuration = f"{{data: data/short, figures_folder: figures/short, experiments: {{giant_step_2: {trivial}}}}}"
    with tempfile.TemporaryDirectory() as folder:
        copy = Project(Path(folder), configuration)
        copy.snakemake(files(copy, 1)[0])
        yield copy


def files(copy: Project, rows: int) -> list[str]:
    """A cell of each of the first rows: asks for all cells of the rows."""
    exponents = [f"{1 + i / 1000:.3f}" for i in range(rows)]
    exponents = [text[:-1] if text.endswith("0") else text for text in exponents]
    return [f"data/short/cells/giant_step_2/projected_correlation_mu{mu}_d00016.nc" for mu in exponents]


def timed(call) -> tuple[float, float]:
    """Seconds on the wall, and of the processors in processes that the call starts and waits for."""

    def used():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    start, before = time.perf_counter(), used()
    call()
    return time.perf_counter() - start, used() - before


def dry_run():
    """dry run of the default workflow: seconds"""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Project(Path(folder), "{}")
        run = [
            timed(lambda: subprocess.run(command, cwd=copy.folder, check=True, capture_output=True))
            for _ in range(ROUNDS)
        ]
    wall, processor = min(run)
    yield f"best of {ROUNDS}; {processor:.1f} of the processor", wall, (0, 5)


def fixed_cost_a_cell():
    """300 trivial cells on 2 cores, 30 a job, one file each: seconds a cell, planning included"""
    with project(11) as copy:
        wanted = files(copy, 11)
        wall, processor = timed(lambda: copy.snakemake(*wanted))
        made = len(list(copy.folder.glob("data/short/cells/giant_step_2/*.nc"))) - ROW
        yield f"on the wall, {wall:.1f} for all {made}", wall / made, (0, 0.05)
        yield f"of two processors, {processor / 2:.1f} for all", processor / 2 / made, (0, 0.05)


def thousands_of_cells():
    """3,000 trivial cells, 100 jobs"""
    with project(101) as copy:
        wanted = files(copy, 101)
        wall, processor = timed(lambda: copy.snakemake(*wanted, "--dry-run"))
        yield f"seconds to plan them, {processor:.1f} of the processor", wall, (0, 5)
        before = time.time()
        copy.snakemake(*wanted)
        ends = sorted(p.stat().st_mtime for p in copy.folder.glob("data/short/cells/giant_step_2/*.nc"))
        ends = [end for end in ends if end > before]
        third = len(ends) // 3
        first, last = (third / span for span in (ends[third] - ends[0], ends[-1] - ends[-third - 1]))
        yield f"cells a second, the last third ({last:.0f}) against the first ({first:.0f})", last / first, (0.8, inf)


BENCHMARKS = [dry_run, fixed_cost_a_cell, thousands_of_cells]
