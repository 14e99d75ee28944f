"""What a run says of itself, and whether the times that it names are true."""

import random
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.configuration import configured
from helpers.project import ROOT
from onepass.pipeline import cost
from onepass.pipeline.grid import cells_of, rows_of
from onepass.pipeline.progress import OTHER, Watch, failures, summary, work
from onepass.pipeline.row import CACHE, kept
from onepass.simulation import ticker

ERF = {"target": "erf(x1/sqrt(2))", "activation": "erf(x/sqrt(2))"}


@pytest.mark.parametrize(
    "name, change",
    [
        ("he3", {"dimensions": [2048], "mu": [1.25]}),
        ("square", {"dimensions": [512], "mu": [0.5]}),
        ("erf", {"dimensions": [512], "mu": [0.0, 1.5]}),
        ("he4", {"dimensions": [512], "mu": [2.0, 3.25]}),
        ("he3_paper_rate", {"dimensions": [256], "mu": [1.0, 2.0]}),
        ("he3_map_square", {"dimensions": [64], "mu": [1.0, 2.0], "deltas": [0.0, 0.5]}),
        ("ode_flow", {"dimensions": [1000], "steps": 500}),
    ],
)
def test_steps_are_known_before_a_run(name, change, configuration):
    """Mean steps of the replicas against what is expected: a factor of 2, seldom more where noise decides."""
    experiment = configuration.experiments[name].model_copy(update=change | {"replicas": 8})
    ratios = []
    for cell in cells_of(name, experiment):
        ran = float(cell.simulate().recovery_step.mean())
        ratios.append(cost.expected_steps(cell) / max(ran, 1.0))
        assert 1 / 4 < ratios[-1] < 4, cell.path
    assert 1 / 2 < np.exp(np.mean(np.log(ratios))) < 2


@pytest.mark.parametrize(
    "engine, change",
    [
        ("chain", {"batch_size": 1, "steps": 1_500_000}),
        ("chain", {"batch_size": 1000, "steps": 4000}),
        ("chain", {"batch_size": 1000, "steps": 1500} | ERF),
        ("gaussian", {"batch_size": 10**6, "steps": 800_000}),
        ("sgd", {"batch_size": 1000, "dimension": 256, "steps": 20}),
    ],
)
def test_the_cost_of_a_step_is_known_to_within_a_factor_of_three(engine, change, configuration):
    """On one core that may be shared: processor time, not the clock's."""
    cell = cells_of("he3", configuration.experiments["he3"])[0]
    cell = replace(cell, engine=engine, backend="numpy", threshold=None, learning_rate=1e-9, replicas=1, **change)
    replace(cell, steps=1).simulate()  # compiles
    before = time.process_time()
    cell.simulate()
    assert 1 / 3 < (time.process_time() - before) / cost.seconds(cell) < 3


@pytest.mark.parametrize("command, overlays", [("figures", []), ("quick", [ROOT / "config" / "quick.yaml"])])
def test_the_expected_times_are_those_that_the_readme_measured(command, overlays):
    """On two cores, to within a factor of 2."""
    (minutes,) = re.findall(rf"^make {command} .* (\d+) min", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    configuration = configured(*overlays)
    rows = [
        row
        for name, experiment in configuration.experiments.items()
        for row in rows_of(cells_of(name, experiment)).values()
    ]
    figures = len(configuration.figures) + 2 * len(configuration.experiments)
    text = summary(rows, work(rows, "nowhere"), 0, 2, ["nowhere", ""], figures)
    number, unit = re.search(r"about (\d+) (s|min)", text).groups()
    assert 1 / 2 < int(number) / (60 if unit == "s" else 1) / int(minutes) < 2


def test_progress_within_a_cell_comes_with_the_time_left():
    now, lines = [0.0], []
    with ticker.told(lines.append, clock=lambda: now[0]):
        for done in range(5):
            now[0] = 30.0 * done
            ticker.tick(done, 4)
    assert lines == ["25%, about 90 s left", "50%, about 60 s left", "75%, about 30 s left", "100%, about 0 s left"]
    ticker.tick(1, 4)
    assert len(lines) == 4, "nobody listens any more"


@pytest.mark.parametrize(("time", "words"), [(5, "5 s"), (600, "10 min"), (7200, "2 h"), (864000, "10 days")])
def test_durations(time, words):
    assert ticker.duration(time) == words


def test_the_summary_counts_cells_engines_and_time(small_grid, tmp_path):
    grid = cells_of("he3", small_grid)
    rows = [grid[:2], grid[2:4]]
    costs = work(rows, tmp_path)
    text = summary(rows, costs, 8, 2, [tmp_path, "figures"], 3)
    assert "4 of 8 cells to simulate (4 by chain) in 2 jobs, then 3 jobs" in text
    assert f"about {ticker.duration((sum(costs.values()) + 3 * OTHER) / 2)}, 2 jobs at once" in text
    assert f"results in {tmp_path}/, figures in figures/" in text


def test_a_run_takes_at_least_as_long_as_its_longest_job(small_grid, tmp_path):
    long, *_ = rows = list(rows_of(cells_of("he3", small_grid)).values())
    costs = {path: 600.0 if path.name.startswith(long[0].row) else 1.0 for path in work(rows, tmp_path)}
    assert f"about {ticker.duration(600 * len(long))}, 100 jobs" in summary(rows, costs, 8, 100, [tmp_path, ""], 0)


def test_a_kept_cell_costs_next_to_nothing(small_grid, tmp_path):
    cell = replace(cells_of("he3", small_grid)[0], steps=10**9, threshold=None)
    (before,) = work([[cell]], tmp_path).values()
    file = kept(cell, tmp_path / CACHE)
    file.parent.mkdir(parents=True)
    file.touch()
    assert work([[cell]], tmp_path)[tmp_path / cell.path] < 2 < before


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
    left = ticker.duration(watch.left([done], 10.0))
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
