"""What a run says of itself."""

import random
from pathlib import Path

import pytest
from onepass.pipeline.grid import cells_of, rows_of
from onepass.pipeline.progress import OTHER, Watch, failures, summary, work
from onepass.pipeline.time_left import duration


def test_the_summary_counts_cells_engines_and_time(small_grid, tmp_path):
    grid = cells_of("he3", small_grid)
    rows = [grid[:2], grid[2:4]]
    costs = work(rows, tmp_path)
    text = summary(rows, costs, 8, 2, [tmp_path, "figures"], 3)
    assert "4 of 8 cells to simulate (4 by chain) in 2 jobs, then 3 jobs" in text
    assert f"about {duration((sum(costs.values()) + 3 * OTHER) / 2)}, 2 jobs at once" in text
    assert f"results in {tmp_path}/, figures in figures/" in text


def test_a_run_takes_at_least_as_long_as_its_longest_job(small_grid, tmp_path):
    long, *_ = rows = list(rows_of(cells_of("he3", small_grid)).values())
    costs = {path: 600.0 if path.name.startswith(long[0].row) else 1.0 for path in work(rows, tmp_path)}
    assert f"about {duration(600 * len(long))}, 100 jobs" in summary(rows, costs, 8, 100, [tmp_path, ""], 0)


@pytest.mark.parametrize("slower", [0.2, 1.0, 5.0])
def test_the_time_left_follows_the_pace_of_the_machine(slower):
    """Two workers, on a machine so many times slower than expected: at half-time the rest is told within a third."""
    rng = random.Random(1)
    costs = {Path(str(i)): rng.choice([1.0, 2.0, 5.0, 30.0]) for i in range(200)}
    watch, free, ends = Watch(costs, 2, print), [0.0, 0.0], {}
    for path, needed in costs.items():
        worker = free.index(min(free))
        free[worker] = ends[path] = free[worker] + slower * needed
    whole = max(free)
    assert watch.left([], 0.0) == pytest.approx(sum(costs.values()) / 2)
    for share, tolerance in ((0.5, 0.35), (0.9, 0.5)):
        done = [path for path, end in ends.items() if end <= share * whole]
        assert watch.left(done, share * whole) == pytest.approx((1 - share) * whole, rel=tolerance)


def test_what_is_done_and_what_failed_is_read_from_files_and_logs(small_grid, tmp_path):
    grid = cells_of("he3", small_grid)
    watch = Watch(work([grid], tmp_path), 2, print)
    done = tmp_path / grid[0].path
    done.parent.mkdir(parents=True)
    done.touch()
    assert watch.done() == [done]
    left = duration(watch.left([done], 10.0))
    assert watch.line([done], 10.0) == f"onepass: 1 of 8 cells simulated, about {left} left for the others"

    log = tmp_path / "logs" / "simulate" / "he3" / f"{grid[0].row}.log"
    log.parent.mkdir(parents=True)
    names = [tmp_path / cell.path for cell in grid]
    log.write_text(f"simulating {names[0]}\nfailed {names[0]}: it broke: badly\nsimulating {names[1]}\n")
    first, second = failures(grid, tmp_path, watch.start_time)
    assert first.startswith(f"{names[0]} (protocol projected_square, mu 0.5, students 1, dimension 16,")
    assert first.endswith(f": it broke: badly; log: {log}")
    assert "its job ended before it was done" in second
    assert failures(grid, tmp_path, watch.start_time + 1000) == [], "logs of earlier runs"
