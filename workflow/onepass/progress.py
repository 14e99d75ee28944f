"""What a run says of itself: before the first job what it will do, on the way how far it is, at the end what failed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from onepass.cells import Cell
from onepass.ticker import duration

# Seconds on one core of 2024, for words like "about 10 min".
A_JOB, A_CELL = 2.0, 0.03
CHAIN_STEP, CHAIN_SAMPLE, SGD_COORDINATE, GAUSSIAN_STEP = 3e-8, 2.5e-8, 1.5e-8, 1e-6
EARLY = 0.25  # of its budget a replica uses until it recovers


def seconds(cell: Cell) -> float:
    """What a cell takes on one core, to within a factor of a few."""
    sample = {"sgd": SGD_COORDINATE * cell.dimension, "chain": CHAIN_SAMPLE}
    if cell.engine in sample:
        step = CHAIN_STEP + cell.batch_size * cell.students**0.8 * sample[cell.engine]
    else:
        step = GAUSSIAN_STEP * cell.students**2  # whatever the batch
    return A_CELL + cell.replicas * cell.steps * step * (EARLY if cell.threshold else 1)


def summary(
    rows: Sequence[Sequence[Cell]],
    total: int,
    workers: int,
    folders: Sequence[str],
    others: int,
    warnings: Sequence[str] = (),
) -> str:
    """The lines before the first job.

    Parameters
    ----------
    rows : the cells that will be simulated, as one job each takes them.
    total : how many cells the figures and checks of the configuration need.
    workers : jobs at once.
    folders : where results and figures go.
    others : jobs beside the simulations.
    warnings : what speaks against learning, an experiment at a time (see `onepass.advice`).
    """
    cells = [cell for row in rows for cell in row]
    engines = ", ".join(f"{count} by {engine}" for engine, count in sorted(Counter(c.engine for c in cells).items()))
    work = sum(map(seconds, cells)) + A_JOB * (len(rows) + others)
    return "\n".join(
        [
            f"onepass: {len(cells)} of {total} cells to simulate{f' ({engines})' if engines else ''} in {len(rows)} "
            f"jobs, then {others} jobs for data and figures",
            f"onepass: about {duration(work / workers)}, {workers} jobs at once; time left is told on the way, "
            f"within a cell in {folders[0]}/logs/simulate",
            f"onepass: results in {folders[0]}/, figures in {folders[1]}/",
            *(f"onepass: warning: {warning}" for warning in warnings),
        ]
    )


class Watch(threading.Thread):
    """A thread that tells, now and then, how many cells are done and how long the others will take."""

    def __init__(self, cells: Iterable[Cell], folder: str | Path, say, every: float = 20.0) -> None:
        super().__init__(daemon=True)
        self.costs = {Path(folder) / cell.path: seconds(cell) for cell in cells}
        self.say, self.every, self.start_time = say, every, time.time()
        self.ended = threading.Event()

    def run(self) -> None:
        """Look every so often; speak when something changed."""
        before = 0
        while not self.ended.wait(self.every):
            done = self.done()
            if before < len(done) < len(self.costs):
                self.say(self.line(done, time.time() - self.start_time))
            before = len(done)

    def done(self) -> list[Path]:
        """Files of the cells that were made since the start."""
        return [path for path in self.costs if _made_since(path, self.start_time)]

    def line(self, done: Sequence[Path], elapsed: float) -> str:
        """What is told when the files `done` are there after so many seconds."""
        share = sum(self.costs[path] for path in done) / sum(self.costs.values())
        left = duration(elapsed * (1 - share) / share)
        return f"onepass: {len(done)} of {len(self.costs)} cells simulated, about {left} left for the others"


def failures(cells: Iterable[Cell], folder: str | Path, since: float) -> list[str]:
    """A line for every cell that a job of this run did not finish: its file, parameters, error and log."""
    logs: dict[Path, dict[str, str]] = {}
    lines = []
    for cell in cells:
        path, log = Path(folder) / cell.path, Path(folder) / "logs" / "simulate" / cell.experiment / f"{cell.row}.log"
        if log not in logs:
            logs[log] = _unfinished(log.read_text(encoding="utf-8")) if _made_since(log, since) else {}
        if (error := logs[log].get(str(path))) is not None:
            own = ("protocol", "mu", "students", "dimension", "batch_size", "learning_rate", "steps", "engine", "seed")
            known = ", ".join(f"{key} {getattr(cell, key)}" for key in own if getattr(cell, key) is not None)
            lines.append(f"{path} ({known}): {error}; log: {log}")
    return lines


def _unfinished(log: str) -> dict[str, str]:
    """Error by file of the cells that a job's log begins and does not end."""
    found: dict[str, str] = {}
    for line in log.splitlines():
        word, _, rest = line.partition(" ")
        path, _, error = rest.partition(": ")
        if word == "simulating":
            found[path] = "its job ended before it was done"
        elif word == "simulated":
            found.pop(path, None)
        elif word == "failed":
            found[path] = error
    return found


def _made_since(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime >= moment - 1  # file systems' clocks
    except OSError:
        return False
