"""Two runs with the same results at once, and jobs that outlive their run. Nothing is lost, nothing wrong."""

import pytest
from helpers.grids import SMALL, WANTED
from helpers.project import Project, edit, hold, take_back, thorough


def killed_with_a_job_at_work(project):
    """A run of he3 is killed; its job has loaded its code, and goes on when it is `released`."""
    hold(project)
    run = project.start(WANTED[0], cores=1)
    project.wait_for((project.folder / "at_work").exists)
    run.kill()
    run.wait()
    take_back(project, "pipeline/row.py")
    (orphan,) = project.jobs("simulate.py")
    return orphan


def released(project, orphan):
    """The job goes on and ends."""
    (project.folder / "go").touch()
    orphan.wait(300)


def test_a_killed_run_leaves_a_lock_and_snakemake_says_how_to_go_on(tmp_path):
    project = Project(tmp_path, SMALL)
    orphan = killed_with_a_job_at_work(project)
    done = project.snakemake(*WANTED, check=False)
    assert done.returncode == 1
    assert "cannot be locked" in done.stderr
    assert "--unlock" in done.stderr
    project.unlock()
    released(project, orphan)
    assert not project.locked(), "jobs that go on lock nothing"


@pytest.mark.parametrize("other", ["code", pytest.param("seed", marks=thorough)])
def test_what_a_job_left_over_from_another_run_writes_does_not_pass(other, undisturbed, tmp_path, reliability):
    """A job of a killed run, of other parameters or older code, writes over cells of the next one when it is done."""
    project = Project(tmp_path, SMALL)
    if other == "seed":
        project.configure(SMALL.replace("he3:", "he3:\n    seed: 999", 1))
    else:
        edit(project, "simulation/sgd.py")
    orphan = killed_with_a_job_at_work(project)
    project.configure(SMALL)
    take_back(project, "simulation/sgd.py")
    project.unlock()
    project.snakemake(*WANTED)
    assert project.results() == undisturbed.results()
    released(project, orphan)
    assert project.results() != undisturbed.results(), "cells of the other run stand there"
    rows = {job for job in project.planned(*WANTED) if job.startswith("Simulating")}
    assert len(rows) == 1  # they are seen
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    fault = {"seed": "of another seed", "code": "of older code"}[other]
    reliability(f"a job of a killed run, {fault}, goes on after the next run", 1, expected, found, "the same command")
    assert found == expected
    log = (project.folder / "data/small/logs/simulate/he3/all.log").read_text()
    assert [line.split()[0] for line in log.splitlines()] == ["kept"] * 3, "each run has its cells in the cache"


@thorough
def test_a_job_of_older_code_that_writes_while_a_run_is_at_work_stops_it_at_worst(undisturbed, tmp_path, reliability):
    project = Project(tmp_path, SMALL)
    edit(project, "simulation/sgd.py")
    orphan = killed_with_a_job_at_work(project)
    take_back(project, "simulation/sgd.py")
    project.unlock()
    run = project.start(*WANTED)
    project.wait_for(lambda: list(project.folder.glob("data/small/cells/*/*.nc")))
    released(project, orphan)
    if run.wait(300):
        assert "was made by other code than that of today" in (project.folder / "run.log").read_text()
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    fault = "a job of a killed run, of older code, goes on beside the next run"
    reliability(fault, 1, expected, found, "the same command")
    assert found == expected


def test_the_second_of_two_equal_runs_stops_and_one_of_other_results_goes_on(undisturbed, tmp_path, reliability):
    project = Project(tmp_path, SMALL)
    hold(project)
    first = project.start(WANTED[0])
    project.wait_for((project.folder / "at_work").exists)
    second = project.snakemake(*WANTED, check=False)
    assert second.returncode == 1
    assert "cannot be locked" in second.stderr
    (project.folder / "go").touch()
    project.snakemake(WANTED[1])
    assert first.wait(300) == 0
    expected, found = undisturbed.results(), project.results()
    reliability("two runs at once in one folder", 2, expected, found, "nothing; the second stops")
    assert found == expected


@thorough
def test_two_runs_at_once_with_one_folder_of_data(undisturbed, tmp_path, reliability):
    """Each has a lock of its own, so both do all of it; one may miss a file that the other is just making again."""
    shared = tmp_path / "shared" / "data" / "small"
    projects = [Project(tmp_path / name, SMALL.replace("data/small", str(shared))) for name in "ab"]
    wanted = [str(shared / "exponents" / "he3.nc"), WANTED[1]]
    for run in [project.start(*wanted) for project in projects]:
        run.wait(300)
    for project in projects:
        project.snakemake(*wanted)
        assert project.planned(*wanted) == set()
        assert project.files("figures/**/*") == undisturbed.files("figures/**/*")
    expected, found = undisturbed.files("data/**/*.nc"), Project.at(tmp_path / "shared").files("data/**/*.nc")
    reliability(
        "two runs at once in two folders with one data folder", 1, expected, found, "the same command, if one stops"
    )
    assert found == expected
