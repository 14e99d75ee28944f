"""What a run says of itself: before the first job what it will do, on the way how far it is, at the end what failed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from onepass.pipeline.cell import Cell
from onepass.pipeline.cost import CELL, JOB, seconds
from onepass.pipeline.row import CACHE, kept
from onepass.pipeline.time_left import duration

OTHER = 3.0  # seconds of a job for data or a figure


def work(rows: Sequence[Sequence[Cell]], folder: str | Path) -> dict[Path, float]:
    """Seconds on one core by the file of each cell, its share of the job's start included; little for a kept one."""
    cache = Path(folder) / CACHE
    return {
        Path(folder) / cell.path: JOB / len(row) + (CELL if kept(cell, cache).exists() else seconds(cell))
        for row in rows
        for cell in row
    }


def summary(
    rows: Sequence[Sequence[Cell]],
    costs: Mapping[Path, float],
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
    costs : their `work`.
    total : how many cells the figures and checks of the configuration need, or were asked for by name.
    workers : jobs at once.
    folders : where results and figures go.
    others : jobs beside the simulations.
    warnings : what speaks against learning, an experiment at a time (see `onepass.targets.warnings`).
    """
    cells = [cell for row in rows for cell in row]
    engines = ", ".join(f"{count} by {engine}" for engine, count in sorted(Counter(c.engine for c in cells).items()))
    longest = max((sum(costs[Path(folders[0]) / cell.path] for cell in row) for row in rows), default=0.0)
    time_needed = max(longest, (sum(costs.values()) + OTHER * others) / workers)
    return "\n".join(
        [
            f"onepass: {len(cells)} of {total} cells to simulate{f' ({engines})' if engines else ''} in {len(rows)} "
            f"jobs, then {others} jobs for data and figures",
            f"onepass: about {duration(time_needed)}, {workers} jobs at once; time left is told on the way, "
            f"within a cell in {folders[0]}/logs/simulate",
            f"onepass: results in {folders[0]}/, figures in {folders[1]}/",
            *(f"onepass: warning: {warning}" for warning in warnings),
        ]
    )


class Watch(threading.Thread):
    """A thread that tells, now and then, how many cells are done and how long the others will take."""

    def __init__(self, costs: Mapping[Path, float], workers: int, say, every: float = 20.0) -> None:
        super().__init__(daemon=True)
        self.costs, self.workers = costs, workers
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
        left = duration(self.left(done, elapsed))
        return f"onepass: {len(done)} of {len(self.costs)} cells simulated, about {left} left for the others"

    def left(self, done: Sequence[Path], elapsed: float) -> float:
        """Seconds until all cells are there, at the pace so far.

        What is at work has taken its time and shows no file yet, so the first cells say little about the pace: it
        counts as expected for as much work as every worker may have in hand.
        """
        finished, longest = sum(self.costs[path] for path in done), max(self.costs.values())
        in_hand = self.workers * longest
        pace = (finished + in_hand) / (elapsed * self.workers + in_hand)
        return (sum(self.costs.values()) - finished) / (pace * self.workers)


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
