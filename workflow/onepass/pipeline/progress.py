"""What a run says of itself: before the first job what it will do, on the way how far it is, at the end what failed.

Whoever runs the jobs says when one ends. This must be ours, for nobody else knows how long a cell takes: a count of
jobs says little of the time left where some take a second and others an hour.
"""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from onepass.pipeline.cell import Cell, pack
from onepass.pipeline.cost import CELL, JOB, costs
from onepass.pipeline.row import kept, relative
from onepass.pipeline.script import INTERRUPTED
from onepass.pipeline.time_left import duration

OTHER = 3.0  # seconds of a job for data or a figure
EVERY = 20.0  # seconds between two lines


class Row(NamedTuple):
    """The cells of a job, the files that it makes of them, its log, and the folder of finished cells."""

    cells: Sequence[Cell]
    files: Sequence[str]
    log: str
    cache: str
    anew: bool = False  # whether cells that are kept are simulated as well
    there: Mapping[Cell, int] = {}  # replicas of those that are not, kept in other numbers or with other steps

    @classmethod
    def of(cls, cells: Sequence[Cell], files: Sequence[str], log: str, cache: str, anew: bool) -> Self:
        """With the replicas that are there already."""
        row = cls(cells, files, log, cache, anew)
        found = {} if anew else {cell: relative(cell, cache, file)[0] for cell, file in row.missing()}
        return row._replace(there={cell: count for cell, count in found.items() if count})

    def unfinished(self) -> Iterator[tuple[Cell, str]]:
        """The cells that are to be simulated, and their files."""
        return zip(self.cells, self.files, strict=True) if self.anew else self.missing()

    def missing(self) -> Iterator[tuple[Cell, str]]:
        """Those that are not kept."""
        for cell, file in zip(self.cells, self.files, strict=True):
            if not any(kept(cell, self.cache)):
                yield cell, file

    def seconds(self) -> float:
        """What the job takes on one core, its start included; little for a cell that is kept."""
        known = dict(zip(self.cells, costs(pack(self.cells)), strict=True))
        left = [known[cell] * (1 - self.there.get(cell, 0) / cell.replicas) for cell, _ in self.unfinished()]
        return JOB + CELL * (len(self.cells) - len(left)) + sum(left)

    def said(self, since: float) -> list[str] | None:
        """The lines of the job's log; None where it has written none since then."""
        with suppress(OSError):
            if Path(self.log).stat().st_mtime >= since - 1:  # file systems' clocks
                return Path(self.log).read_text(encoding="utf-8").splitlines() or None  # Snakemake leaves an empty one
        return None

    def failures(self, since: float) -> Iterator[str]:
        """A line for every cell that the job did not finish: its file, parameters, error and log."""
        errors, said = {}, self.said(since)
        for line in said or []:
            word, _, rest = line.partition(" ")
            if word == "failed":
                file, _, errors[file] = rest.partition(": ")
        end = f"its job ended before it was done; log: {self.log}"
        if said is None:
            end = f"its job ended before it wrote a log, as one that could not start; row {self.cells[0].row}"
        own = ("protocol", "mu", "students", "dimension", "batch_size", "learning_rate", "steps", "engine", "seed")
        for cell, file in self.missing():
            known = ", ".join(f"{key} {getattr(cell, key)}" for key in own if getattr(cell, key) is not None)
            yield f"{file} ({known}): {f'{errors[file]}; log: {self.log}' if file in errors else end}"


def summary(
    rows: Sequence[Row],
    costs: Sequence[float],
    total: int,
    workers: int,
    folders: Sequence[str],
    others: int,
    warnings: Sequence[str] = (),
) -> str:
    """The lines before the first job.

    Parameters
    ----------
    rows, costs : what will be simulated, a job each, and the seconds on one core.
    total : how many cells what was asked for needs, those that are there among them.
    workers : jobs at once.
    folders : where results and figures go.
    others : jobs beside the simulations.
    warnings : what speaks against learning, an experiment at a time (see `onepass.targets.warnings`).
    """
    cells = [cell for row in rows for cell, _ in row.unfinished()]
    engines = ", ".join(f"{count} by {engine}" for engine, count in sorted(Counter(c.engine for c in cells).items()))
    there = {cell: count for row in rows for cell, count in row.there.items()}
    extended = f"onepass: {sum(there.values())} of {sum(cell.replicas for cell in there)} replicas are there"
    extended += f" of {len(there)} cells, which are extended"
    rounds = sum(cell.until is not None for cell in cells)
    doubled = (
        f"onepass: replicas of {rounds} cells are doubled until their exponents are known, after the time told here"
    )
    time_needed = max(max(costs, default=0.0), (sum(costs) + OTHER * others) / workers)
    return "\n".join(
        [
            f"onepass: {len(cells)} of {total} cells to simulate{f' ({engines})' if engines else ''} in {len(rows)} "
            f"jobs, then {others} jobs for data and figures",
            *([extended] if there else []),
            *([doubled] if rounds else []),
            f"onepass: about {duration(time_needed)}, {workers} jobs at once; time left is told on the way, "
            f"within a cell in {folders[0]}/logs/simulate",
            f"onepass: results in {folders[0]}/, figures in {folders[1]}/",
            *(f"onepass: warning: {warning}" for warning in warnings),
        ]
    )


class Progress:
    """How far the simulations of a run are: `say` takes a line at the end of a job now and then.

    `rows` and `costs` are what every job simulates, and its seconds on one core; there are so many `workers` at once.
    """

    def __init__(
        self,
        rows: Mapping[Hashable, Row],
        costs: Mapping[Hashable, float],
        workers: int,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rows, self.costs, self.workers, self.say, self.clock = rows, costs, workers, say, clock
        self.start = self.told = clock()
        self.done: set[Hashable] = set()
        self.failed: set[Hashable] = set()

    def ended(self, job: Hashable) -> None:
        """A job is done; those that simulate nothing do not matter."""
        if job not in self.rows:
            return
        self.done.add(job)
        self.failed.discard(job)  # at a first try
        now = self.clock()
        if now - self.told >= EVERY and len(self.done) < len(self.rows):
            self.told = now
            cells, total = (sum(len(self.rows[job].cells) for job in jobs) for jobs in (self.done, self.rows))
            left = duration(self.left(now - self.start))
            self.say(f"onepass: {cells} of {total} cells simulated, about {left} left for the others")

    def error(self, job: Hashable) -> None:
        """A try of a job has failed."""
        if job in self.rows:
            self.failed.add(job)

    def left(self, elapsed: float) -> float:
        """Seconds until all jobs are done, at the pace so far.

        What is at work has taken its time and is not done yet, so the first jobs say little about the pace: it
        counts as expected for as much work as every worker may have in hand.
        """
        finished, whole = sum(self.costs[job] for job in self.done), sum(self.costs.values())
        in_hand = self.workers * max(self.costs.values())
        pace = (finished + in_hand) / (elapsed * self.workers + in_hand)
        return (whole - finished) / (pace * self.workers)

    def failures(self) -> str:
        """What failed, a line a cell, and whether the user has stopped the run; empty where neither is so."""
        failed = [row for job, row in self.rows.items() if job in self.failed]
        stopped = [row for row in failed if (row.said(self.start) or [""])[-1:] == [INTERRUPTED]]
        lines = [line for row in failed if row not in stopped for line in row.failures(self.start)]
        if lines:
            lines.insert(0, f"onepass: {len(lines)} cells failed; all that do not need them are done")
        if stopped:
            lines.append("onepass: interrupted; cells that are done are kept, and the same command goes on from there")
        return "\n".join(lines)
