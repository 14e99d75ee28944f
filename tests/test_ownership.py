"""One run a folder; the jobs of a run that was stopped write nothing."""

import json
import os
import subprocess
import sys

import pytest
from onepass import ownership, ticker
from onepass.progress import Watch, failures, seconds, summary
from test_cells import cells_of, settings, small  # noqa: F401  fixtures


@pytest.fixture
def taken(tmp_path):
    ownership.take(tmp_path / "data")
    yield tmp_path / "data"
    ownership.release(tmp_path / "data")


def temporary(folder):
    path = folder / "part"
    path.write_text("new")
    return path


def test_a_job_of_the_run_writes(taken):
    ownership.publish(temporary(taken), taken / "a")
    assert (taken / "a").read_text() == "new"


def test_a_job_of_another_run_does_not(taken, monkeypatch):
    (taken / "a").write_text("old")
    monkeypatch.setenv(ownership.VARIABLE, f"another:{taken / '.run'}")
    with pytest.raises(ownership.SupersededError, match="belongs to another: nothing is written"):
        ownership.publish(temporary(taken), taken / "a")
    with pytest.raises(ownership.SupersededError):
        ownership.join()
    assert (taken / "a").read_text() == "old"


def test_outside_of_a_run_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.delenv(ownership.VARIABLE, raising=False)
    ownership.check()
    ownership.publish(temporary(tmp_path), tmp_path / "a")
    assert (tmp_path / "a").exists()


def test_a_folder_belongs_to_one_process_until_it_ends(tmp_path):
    code = "import sys; from onepass import ownership; ownership.take(sys.argv[1]); print('taken', flush=True); input()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "taken\n"
    with pytest.raises(ownership.BusyError, match=rf"another run is at work .* \(process {other.pid} on "):
        ownership.take(tmp_path)
    other.kill()
    other.wait()
    (tmp_path / "locks").mkdir()
    assert ownership.found_at(tmp_path, leftover=tmp_path / "locks") == ""
    (tmp_path / "locks" / "0").touch()
    assert "was killed" in ownership.found_at(tmp_path, leftover=tmp_path / "locks")
    ownership.take(tmp_path)
    assert json.loads((tmp_path / ".run" / "owner.json").read_text())["process"] == os.getpid()
    ownership.release(tmp_path)
    assert not (tmp_path / ".run" / "owner.json").exists()


def test_a_cluster_job_registers_itself(taken, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "42")
    ownership.join()
    assert [path.name for path in (taken / ".run" / "jobs").iterdir()] == ["42"]


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


def test_the_summary_counts_cells_engines_and_time(small):  # noqa: F811
    grid = cells_of("he3", small)
    text = summary([grid[:2], grid[2:4]], 8, 2, ["data", "figures"], 3)
    assert "4 of 8 cells to simulate (4 by chain) in 2 jobs, then 3 jobs" in text
    assert f"about {ticker.duration((sum(map(seconds, grid[:4])) + 10) / 2)}, 2 jobs at once" in text
    assert "results in data/, figures in figures/" in text


def test_what_is_done_and_what_failed_is_read_from_files_and_logs(small, tmp_path):  # noqa: F811
    grid = cells_of("he3", small)
    watch = Watch(grid, tmp_path, print)
    done = tmp_path / grid[0].path
    done.parent.mkdir(parents=True)
    done.touch()
    assert watch.done() == [done]
    share = seconds(grid[0]) / sum(map(seconds, grid))
    left = ticker.duration(10 * (1 - share) / share)
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
