"""One run a folder; the jobs of a run that was stopped write nothing."""

import json
import os
import subprocess
import sys

import pytest
from onepass import ownership


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
