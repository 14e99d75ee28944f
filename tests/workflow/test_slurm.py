"""The pipeline on a real SLURM; `make test-slurm` starts one of a single node, and stops it."""

import os
import shutil
import subprocess
import time

import pytest
from helpers.project import ROOT, Project, edit, hold, take_back, thorough

pytestmark = pytest.mark.skipif(
    "ONEPASS_SLURM" not in os.environ, reason="needs a SLURM of its own: make test-slurm starts one"
)
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


def jobs(*states) -> list[str]:
    states = ",".join(states or ("RUNNING", "PENDING"))
    listed = subprocess.run(
        ["squeue", "--noheader", "--format=%A", f"--states={states}"], capture_output=True, text=True
    )
    return listed.stdout.split()


def said(project):
    return (project.folder / "run.log").read_text()[-3000:]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The same results without SLURM."""
    project = Project(tmp_path_factory.mktemp("local"), SLOW)
    project.snakemake(*WANTED)
    return project


def test_the_quick_configuration_runs_and_comes_through_a_cancelled_job(local, tmp_path, reliability):
    project = Project(tmp_path / "project", SLOW)
    hold(project)
    run = start(project, *WANTED)
    project.wait_for((project.folder / "at_work").exists)
    (job, *_) = jobs("RUNNING")
    subprocess.run(["scancel", job], check=True)
    project.wait_for(lambda: "Trying to restart" in (project.folder / "run.log").read_text())
    (project.folder / "go").touch()
    assert run.wait(600) == 0, said(project)
    expected, found = local.results(), project.results()
    reliability("a SLURM job is cancelled", 1, expected, found, "nothing")
    assert found == expected


def test_jobs_that_outlive_their_run_go_on_and_do_no_harm(local, tmp_path, reliability):
    """Those of older code, released while the next run is at work, and waiting ones that start in the midst of it."""
    project = Project(tmp_path / "project", SLOW)
    edit(project, "simulation/sgd.py")
    hold(project)
    run = start(project, *WANTED)
    project.wait_for((project.folder / "at_work").exists)
    run.kill()
    run.wait()
    orphans = jobs()
    take_back(project, "simulation/sgd.py")
    take_back(project, "pipeline/row.py")
    assert start(project, *WANTED, "--unlock").wait(300) == 0, said(project)
    again = start(project, *WANTED)
    project.wait_for(lambda: set(jobs()) - set(orphans))
    assert set(orphans) <= set(jobs()), "nobody cancels them"
    (project.folder / "go").touch()
    if again.wait(600):
        assert "was made by other code than that of today" in (project.folder / "run.log").read_text()
    project.wait_for(lambda: not set(orphans) & set(jobs()))
    assert start(project, *WANTED).wait(600) == 0, said(project)
    expected, found = local.results(), project.results()
    fault = "kill -9 of Snakemake, its SLURM jobs, of older code, go on"
    reliability(fault, 1, expected, found, "`--unlock`, then the same command, twice if the first stops")
    assert found == expected


def test_a_run_in_a_copy_of_one_at_work_leaves_its_jobs_alone(local, tmp_path, reliability):
    project = Project(tmp_path / "project", SLOW)
    hold(project)
    run = start(project, *WANTED)
    project.wait_for((project.folder / "at_work").exists)
    before = jobs()
    subprocess.run(["cp", "-a", project.folder, tmp_path / "copy"], check=True)
    copy = Project.at(tmp_path / "copy")
    (copy.folder / "go").touch()
    assert start(copy, *WANTED, "--unlock").wait(300) == 0, said(copy)
    other = start(copy, *WANTED)
    project.wait_for(lambda: set(jobs()) - set(before))
    assert set(before) <= set(jobs()), "they live on"
    (project.folder / "go").touch()
    assert run.wait(600) == 0, said(project)
    assert "Trying to restart" not in (project.folder / "run.log").read_text()
    assert other.wait(600) == 0, said(copy)
    expected, found = local.results(), project.results()
    reliability(
        "`cp -a` of a run at work on SLURM, and a run in the copy", 1, expected, found, "`--unlock` in the copy"
    )
    assert found == copy.results() == expected


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
    assert run.wait(900) == 0, said(project)
    assert "Trying to restart" in (project.folder / "run.log").read_text()
    (log,) = project.folder.glob("data/quick/logs/simulate/ode_flow/*.log")
    assert ("kept" in log.read_text()) == keeps, "what the first try had finished"

    here = Project(tmp_path / "local", configuration)
    here.snakemake(wanted)
    expected, found = here.results(), project.results()
    reliability(fault, 1, expected, found, "nothing")
    assert found == expected


def test_400_short_cells(tmp_path):
    project = Project(tmp_path, SHORT_CELLS)
    before = time.monotonic()
    assert start(project, "data/short/giant_step_2.nc").wait(600) == 0, said(project)
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
