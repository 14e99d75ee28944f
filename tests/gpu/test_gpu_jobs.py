"""Which jobs ask for a GPU, which GPU a job gets, and what becomes of a GPU that is not there."""

import os
import re
import select
import signal
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers.project import Project
from onepass.pipeline import gpu_lock
from onepass.pipeline.cell import want_gpu
from onepass.pipeline.grid import cells_of
from onepass.simulation.cuda import backend

# CuPy on a machine without a driver.
CUPY = """
class cuda:
    class runtime:
        CUDARuntimeError = RuntimeError
        driverGetVersion = staticmethod(lambda: 0)
        runtimeGetVersion = staticmethod(lambda: 13020)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The project where CuPy is installed, with cells that are all large enough for a GPU."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "cupy.py").write_text(CUPY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    monkeypatch.delenv(backend.VARIABLE, raising=False)
    return Project(tmp_path / "project", "gpu_from: 1\n")


def test_jobs_that_simulate_ask_for_a_gpu_and_no_others(project):
    for rules in (project.folder / "workflow" / "rules").glob("*.smk"):  # without a message, a plan shows resources
        rules.write_text(re.sub(r"^ +message:\n.*\n", "", rules.read_text(), flags=re.MULTILINE))
    done = project.snakemake("--dry-run", "data/quick/wide_student.nc")
    jobs = re.findall(r"^rule (\w+):\n((?: .*\n)+)", done.stdout + done.stderr, flags=re.MULTILINE)
    assert {name: "gpu=1" in about for name, about in jobs} == {"simulate_wide_student": True, "aggregate": False}


def test_a_gpu_that_is_asked_for_and_is_not_there_stops_before_the_first_job(project, monkeypatch):
    monkeypatch.setenv(backend.VARIABLE, "cupy")
    done = project.snakemake("data/quick/wide_student.nc", check=False)
    assert done.returncode == 1
    assert "backend 'cupy': there is no NVIDIA driver on this machine; or use 'auto' or 'numpy'" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Simulating" not in done.stdout + done.stderr
    assert not list(project.folder.glob("data/quick/**/*.log"))


def test_slurm_is_asked_for_as_many_gpus():
    utils = pytest.importorskip("snakemake_executor_plugin_slurm.utils")
    options = [utils.set_gres_string(SimpleNamespace(resources={"gpu": number})) for number in (0, 1)]
    assert options == ["", " --gpus=1"]


def test_cells_ask_for_a_gpu_where_they_would_use_one(monkeypatch, configuration):
    monkeypatch.setattr(backend, "find_spec", lambda name: name)
    monkeypatch.delenv(backend.VARIABLE, raising=False)
    (cell, *_) = cells_of("wide_student", configuration.experiments["wide_student"])
    assert cell.numbers_a_step == (4 + 1) * cell.batch_size * cell.replicas
    assert replace(cell, engine="sgd").numbers_a_step == cell.dimension * cell.batch_size * cell.replicas
    small, large = replace(cell, backend="auto"), replace(cell, backend="auto", batch_size=10**6)
    assert not want_gpu([small], 10**6)
    assert want_gpu([small, large], 10**6)
    assert want_gpu([replace(small, backend="cupy")], 10**6)
    assert not want_gpu([replace(large, backend="numpy")], 10**6)
    monkeypatch.setenv(backend.VARIABLE, "numpy")
    assert not want_gpu([large], 10**6)
    monkeypatch.delenv(backend.VARIABLE)
    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    assert not want_gpu([large], 10**6), "an installation without CuPy asks a cluster for no GPU"


HOLD = """
import sys
from onepass.pipeline.gpu_lock import exclusive_gpu
print("asks", flush=True)
with exclusive_gpu() as name:
    print(name, flush=True)
    sys.stdin.read()
"""


def holder(tmp_path, visible="3,GPU-7/1"):
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": visible, "TMPDIR": str(tmp_path)}
    job = subprocess.Popen(
        [sys.executable, "-c", HOLD], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert job.stdout.readline() == "asks\n"
    return job


def test_no_two_jobs_have_one_device(tmp_path):
    """Two get the two; the third waits until one ends, here by a signal that leaves it no time to clean up."""
    first, second = holder(tmp_path), holder(tmp_path)
    names = [first.stdout.readline().strip(), second.stdout.readline().strip()]
    assert sorted(names) == ["3", "GPU-7/1"]
    third = holder(tmp_path)
    assert select.select([third.stdout], [], [], 1.0)[0] == [], "it says nothing more"
    first.send_signal(signal.SIGKILL)
    assert third.stdout.readline().strip() == names[0]
    for job in (second, third):
        job.communicate("")
        assert job.returncode == 0
    first.communicate()


def test_a_job_sees_its_own_device_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,6")
    with gpu_lock.exclusive_gpu() as name:
        assert name == os.environ["CUDA_VISIBLE_DEVICES"] == "5"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5,6"
    with gpu_lock.exclusive_gpu(0) as name:
        assert name is None
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "5,6"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with gpu_lock.exclusive_gpu() as name:
        assert name is None, "no device to choose from: the simulation says so"


def test_the_devices_are_those_of_the_driver_where_no_scheduler_chose(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_lock.devices() == []
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho GPU-a\necho GPU-b\n")
    program.chmod(0o755)
    assert gpu_lock.devices() == ["GPU-a", "GPU-b"]
