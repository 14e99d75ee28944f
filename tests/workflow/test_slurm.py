"""The pipeline on a real SLURM; `make test-slurm` starts one of a single node, and stops it."""

import os
import shutil
import subprocess
import time

import pytest
from helpers.project import ROOT, Project

pytestmark = pytest.mark.skipif(
    "ONEPASS_SLURM" not in os.environ, reason="needs a SLURM of its own: make test-slurm starts one"
)
thorough = pytest.mark.skipif("ONEPASS_RELIABILITY" not in os.environ, reason="takes minutes: make reliability")
# A part of config/quick.yaml: all of it would take minutes, on one node.
WANTED = ("figures/quick/ode_regimes.pdf", "figures/quick/giant_step.pdf")
SLOW = "{data: data/quick, figures_folder: figures/quick, experiments: {ode_flow: {replicas: 40}}}"
LONG = SLOW.replace("replicas: 40", "replicas: 200, dimensions: [500, 501, 502, 503, 504, 505, 506, 507]")
SHORT_CELLS = f"""
data: data/short
figures_folder: figures/short
experiments:
  giant_step_2: {{mu: [1.0, 1.1, 1.2, 1.3], replicas: 1, dimensions: {list(range(16, 116))}}}
"""


def start(project, *arguments):
    command = project.command(*arguments, cores=1)
    here = command.index("--cores")  # and how often open jobs are looked at, which the profile says
    command[here : here + 4] = ["--workflow-profile", "profiles/slurm"]
    quickly = ["--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"]
    with (project.folder / "run.log").open("w") as log:
        return subprocess.Popen([*command, *quickly], cwd=project.folder, stdout=log, stderr=log)


def running() -> list[str]:
    listed = subprocess.run(["squeue", "--noheader", "--format=%A", "--states=RUNNING"], capture_output=True, text=True)
    return listed.stdout.split()


def test_the_quick_configuration_runs_and_comes_through_a_cancelled_job_and_a_killed_run(tmp_path, reliability):
    project = Project(tmp_path / "project", SLOW)
    run = start(project, *WANTED)
    project.wait_for(lambda: project.jobs("simulate.py"))
    (job, *_) = running()
    subprocess.run(["scancel", job], check=True)
    project.wait_for(lambda: "Trying to restart" in (project.folder / "run.log").read_text())

    project.wait_for(lambda: project.jobs("simulate.py"))
    orphans = running()
    run.kill()
    run.wait()
    assert orphans
    again = start(project, *WANTED, "--unlock")
    assert again.wait(60) == 0
    again = start(project, *WANTED)
    assert again.wait(180) == 0, (project.folder / "run.log").read_text()[-3000:]
    assert not set(orphans) & set(running())

    local = Project(tmp_path / "local", SLOW)
    local.snakemake(*WANTED)
    expected, found = local.results(), project.results()
    reliability("a SLURM job is cancelled", 1, expected, found, "nothing")
    reliability("kill -9 of Snakemake, its SLURM jobs go on", 1, expected, found, "`--unlock`, then the same command")
    assert found == expected


@thorough
@pytest.mark.parametrize(
    "fault, configuration, limit, keeps",
    [
        ("a SLURM job meets its memory limit", SLOW, "mem_mb=100 if attempt == 1 else 3000", False),
        ("a SLURM job meets its time limit", LONG, "runtime=attempt", True),  # minutes; the cells need two
    ],
    ids=["memory", "time"],
)
def test_a_job_at_its_limit_is_tried_again_with_more(fault, configuration, limit, keeps, tmp_path, reliability):
    wanted, project = "data/quick/ode_flow.nc", Project(tmp_path / "project", configuration)
    run = start(project, wanted, "--set-resources", f"simulate_ode_flow:{limit}")
    assert run.wait(540) == 0, (project.folder / "run.log").read_text()[-3000:]
    assert "Trying to restart" in (project.folder / "run.log").read_text()
    (log,) = project.folder.glob("data/quick/logs/simulate/ode_flow/*.log")
    assert ("kept" in log.read_text()) == keeps, "what the first try had finished"

    local = Project(tmp_path / "local", configuration)
    local.snakemake(wanted)
    expected, found = local.results(), project.results()
    reliability(fault, 1, expected, found, "nothing")
    assert found == expected


def test_400_short_cells(tmp_path):
    project = Project(tmp_path, SHORT_CELLS)
    before = time.monotonic()
    assert start(project, "data/short/giant_step_2.nc").wait(200) == 0, (project.folder / "run.log").read_text()[-3000:]
    print(f"400 cells in {time.monotonic() - before:.0f} s")
    assert len(list(project.folder.glob("data/short/cells/giant_step_2/*.nc"))) == 400


def test_the_readme_of_the_profile_names_what_is_there():
    """Every setting that it explains is in the file, and the other way round for what a site must change."""
    text = (ROOT / "profiles" / "slurm" / "README.md").read_text()
    profile = (ROOT / "profiles" / "slurm" / "config.yaml").read_text()
    for key in ("slurm_partition", "slurm_account", "gpu", "mem_mb", "runtime", "jobs", "slurm-status-command"):
        assert key in text
        assert key in profile
    assert shutil.which("sbatch")
