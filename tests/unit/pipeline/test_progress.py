"""What a run says of itself."""

import os
import random
from pathlib import Path

import pytest
from onepass.pipeline.grid import cells_of, rows_of
from onepass.pipeline.progress import EVERY, OTHER, Progress, Row, summary
from onepass.pipeline.row import own
from onepass.pipeline.script import logged
from onepass.pipeline.time_left import duration


def row(cells, folder, name="row"):
    return Row(cells, [f"{folder}/{cell.path}" for cell in cells], f"{folder}/{name}.log", f"{folder}/cache")


def test_the_summary_counts_cells_engines_and_time(small_grid, tmp_path):
    grid = cells_of("he3", small_grid)
    rows = [row(grid[:2], tmp_path), row(grid[2:4], tmp_path)]
    costs = [each.seconds() for each in rows]
    text = summary(rows, costs, 8, 2, ["data", "figures"], 3)
    assert "4 of 8 cells to simulate (4 by chain) in 2 jobs, then 3 jobs" in text
    assert f"about {duration((sum(costs) + 3 * OTHER) / 2)}, 2 jobs at once" in text
    assert "results in data/, figures in figures/" in text
    file = own(grid[0], rows[0].cache)
    file.parent.mkdir(parents=True)
    file.touch()
    assert summary(rows, costs, 8, 2, ["data", "figures"], 3).startswith("onepass: 3 of 8 cells")
    forced = [each._replace(anew=True) for each in rows]
    assert summary(forced, costs, 8, 2, ["data", "figures"], 3).startswith("onepass: 4 of 8 cells")
    assert [each.seconds() for each in forced] == costs


def test_a_run_takes_at_least_as_long_as_its_longest_job(small_grid, tmp_path):
    rows = [row(cells, tmp_path) for cells in rows_of(cells_of("he3", small_grid)).values()]
    text = summary(rows, [7200.0] + [1.0] * (len(rows) - 1), 8, 100, ["data", "figures"], 0)
    assert f"about {duration(7200)}, 100 jobs" in text


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("slower", [0.2, 1.0, 5.0])
def test_the_time_left_follows_the_pace_of_the_machine(slower):
    """Two workers, on a machine so many times slower than expected: at half-time the rest is told within a third."""
    rng = random.Random(1)
    costs = {job: rng.choice([1.0, 2.0, 5.0, 30.0]) for job in range(200)}
    free, ends = [0.0, 0.0], {}
    for job, needed in costs.items():
        worker = free.index(min(free))
        free[worker] = ends[job] = free[worker] + slower * needed
    whole = max(free)
    for share, tolerance in ((0.0, 1e-12), (0.5, 0.35), (0.9, 0.5)):
        told = Progress(dict.fromkeys(costs, Row([], [], "", "")), costs, 2, print)
        for job, end in ends.items():
            if end <= share * whole:
                told.ended(job)
        expected = (1 - share) * whole if share else sum(costs.values()) / 2
        assert told.left(share * whole) == pytest.approx(expected, rel=tolerance)


def test_what_is_done_is_told_now_and_then(small_grid, tmp_path):
    grid = cells_of("he3", small_grid)
    rows = {job: row([cell], tmp_path) for job, cell in enumerate(grid)}
    lines, clock = [], Clock()
    told = Progress(rows, dict.fromkeys(rows, 60.0), 2, lines.append, clock)
    told.ended("a figure")
    told.ended(0)
    assert lines == []
    clock.now += EVERY
    told.ended("a figure")
    assert lines == []
    told.ended(1)
    left = duration(told.left(EVERY))
    assert lines == [f"onepass: 2 of 8 cells simulated, about {left} left for the others"]
    told.ended(2)
    assert len(lines) == 1, "not at every job"
    clock.now += EVERY
    for job in range(3, 8):
        told.ended(job)
    assert len(lines) == 2, "nothing is left for others at the end"


def test_what_failed_is_told_with_its_error_and_log(small_grid, tmp_path):
    grid = cells_of("he3", small_grid)
    jobs = {
        1: row(grid[:3], tmp_path, "failed"),
        2: row(grid[3:5], tmp_path, "again"),
        3: row(grid[5:], tmp_path, "never"),
    }
    told = Progress(jobs, dict.fromkeys(jobs, 1.0), 2, print)
    assert told.failures() == ""
    for job in (1, 2, "a figure"):
        told.error(job)
    told.ended(2)
    names = jobs[1].files
    finished = own(grid[2], jobs[1].cache)
    finished.parent.mkdir(parents=True)
    finished.touch()
    log = Path(jobs[1].log)
    log.write_text(f"simulating {names[0]}\nfailed {names[0]}: it broke: badly\nsimulating {names[1]}\n")
    head, first, second = told.failures().split("\n")
    assert head == "onepass: 2 cells failed; all that do not need them are done"
    assert first.startswith(f"{names[0]} (protocol projected_square, mu 0.5, students 1, dimension 16,")
    assert first.endswith(f": it broke: badly; log: {log}")
    assert second.startswith(names[1])
    assert second.endswith(f": its job ended before it was done; log: {log}")
    Path(jobs[3].log).parent.mkdir(parents=True, exist_ok=True)
    os.utime(log, (1, 1))
    assert "it broke" not in told.failures(), "the log of an earlier run"
    assert told.failures().count("its job ended before it wrote a log, as one that could not start; row ") == 2


def test_a_run_that_the_user_stops_has_no_failures(small_grid, tmp_path):
    jobs = {1: row(cells_of("he3", small_grid)[:3], tmp_path)}
    told = Progress(jobs, {1: 1.0}, 2, print)
    told.error(1)
    with pytest.raises(SystemExit), logged(jobs[1].log):
        raise KeyboardInterrupt
    assert told.failures() == (
        "onepass: interrupted; cells that are done are kept, and the same command goes on from there"
    )
