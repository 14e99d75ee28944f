"""What can go wrong on the way: kills, full disks, damaged files, two runs at once. Nothing is lost, nothing wrong."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from helpers.grids import SMALL, WANTED
from helpers.project import ROOT, Project, edit, hold, take_back

KILLS = 20 if "ONEPASS_RELIABILITY" in os.environ else 4  # all of them with `make reliability`: they take minutes
PARTS = 4

pytestmark = pytest.mark.xdist_group("faults")


@pytest.fixture
def project(undisturbed, tmp_path):
    """What an undisturbed run made, copied with its dates: a test may damage it."""
    return Project.copy(undisturbed, tmp_path / "project")


def locked(project):
    return any((project.folder / ".snakemake" / "locks").glob("*"))


def unlock(project):
    if locked(project):
        project.snakemake(*WANTED, "--unlock")


@pytest.mark.parametrize("part", range(PARTS))
def test_a_killed_run_goes_on_and_makes_the_same_files(part, undisturbed, tmp_path, reliability):
    project, rng, killed = Project(tmp_path, SMALL), random.Random(part), 0
    while killed < KILLS // PARTS:
        run = project.start(*WANTED)
        time.sleep(rng.uniform(0.1, 0.8) * undisturbed.seconds)
        if run.poll() is None:
            run.kill()
            killed += 1
        else:  # it was done before: from the start
            for made in ("data", "figures"):
                shutil.rmtree(project.folder / made, ignore_errors=True)
        run.wait()
        unlock(project)
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    reliability("kill -9 of Snakemake at a random moment", killed, expected, found, "`--unlock`, then the same command")
    assert found == expected


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
    unlock(project)
    released(project, orphan)
    assert not locked(project), "jobs that go on lock nothing"


@pytest.mark.parametrize("other", ["seed", "code"])
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
    unlock(project)
    project.snakemake(*WANTED)
    assert project.results() == undisturbed.results()
    released(project, orphan)
    assert project.results() != undisturbed.results(), "cells of the other run stand there"
    rows = {job for job in project.planned(*WANTED) if job.startswith("Simulating")}
    (row,) = rows  # they are seen
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    fault = {"seed": "of another seed", "code": "of older code"}[other]
    reliability(f"a job of a killed run, {fault}, goes on after the next run", 1, expected, found, "the same command")
    assert found == expected
    log = (project.folder / f"data/small/logs/simulate/he3/{row.split()[-1]}.log").read_text()
    assert [line.split()[0] for line in log.splitlines()] == ["kept"] * 3, "each run has its cells in the cache"


def test_a_job_of_older_code_that_writes_while_a_run_is_at_work_stops_it_at_worst(undisturbed, tmp_path, reliability):
    project = Project(tmp_path, SMALL)
    edit(project, "simulation/sgd.py")
    orphan = killed_with_a_job_at_work(project)
    take_back(project, "simulation/sgd.py")
    unlock(project)
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


def test_no_code_of_ours_ends_a_process_or_a_job():
    sources = [path.read_text() for path in (ROOT / "workflow").rglob("*") if path.suffix in (".py", ".smk")]
    assert len(sources) > 100
    for word in ("scancel", "os.kill", "killpg", ".terminate(", ".kill("):
        assert not [text for text in sources if word in text], word


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign"])
def test_a_damaged_cell_is_named_before_aggregation_and_made_again_by_one_command(
    damage, undisturbed, project, reliability
):
    cell = project.folder / "data/small/cells/he3/projected_square_mu1.00_d00032.nc"
    other = cell.with_name("projected_square_mu1.00_d00016.nc").read_bytes()
    cell.write_bytes({"truncated": cell.read_bytes()[:-1000], "empty": b"", "foreign": other}[damage])
    name = str(cell.relative_to(project.folder))
    done = project.snakemake(*WANTED, check=False)
    assert done.returncode == 1
    log = (project.folder / "data/small/logs/aggregate/he3.log").read_text()
    assert log.startswith("error: 1 damaged files\n")
    (again,) = [line for line in log.splitlines() if line.startswith("to rebuild: ")]
    assert again == f"to rebuild: the same command, and at its end -R {name}"
    assert again in done.stderr + done.stdout, "told on the screen as well"

    project.snakemake(*WANTED, *again.split(" at its end ")[1].split())
    expected, found = undisturbed.results(), project.results()
    reliability(f"a cell's file is {damage}", 1, expected, found, "the command that the error names")
    assert found == expected


def test_damage_that_kept_its_date_is_found_by_verify(project, undisturbed):
    cell = project.folder / "data/small/cells/he3/projected_square_mu1.00_d00032.nc"
    stamps = cell.stat()
    cell.write_bytes(cell.read_bytes()[:-1000])
    os.utime(cell, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    assert project.planned(*WANTED) == set()
    done = project.snakemake("verify", check=False)
    assert done.returncode == 1
    log = (project.folder / "data/small/logs/verify.log").read_text()
    assert log.endswith(f"-R {cell.relative_to(project.folder)}\n")
    project.snakemake(*WANTED, "-R", str(cell.relative_to(project.folder)))
    assert project.results() == undisturbed.results()
    assert project.snakemake("verify").returncode == 0


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


@pytest.mark.parametrize("cores", [1, 8])
def test_any_number_of_cores_makes_the_same_files(cores, undisturbed, tmp_path, reliability):
    project = Project(tmp_path, SMALL)
    project.snakemake(*WANTED, cores=cores)
    expected, found = undisturbed.results(), project.results()
    reliability("1 or 8 cores in place of 2", 1, expected, found, "nothing")
    assert found == expected


def mounted(command, **options):
    """Run a shell command in a mount namespace of its own."""
    return subprocess.run(["unshare", "--mount", "bash", "-c", command], capture_output=True, text=True, **options)


@pytest.fixture
def can_mount():
    if not shutil.which("unshare") or mounted("mount -t tmpfs none /mnt").returncode:
        pytest.skip("a small disk needs the right to mount one")


@pytest.mark.usefixtures("can_mount")
def test_a_full_disk_leaves_no_file_under_a_final_name(undisturbed, tmp_path, reliability):
    project = Project(tmp_path, SMALL)
    (project.folder / "data").mkdir()
    run = " ".join(project.command(*WANTED))
    command = f"""
        mount -t tmpfs -o size=200k none data || exit 99
        {run} > full.log 2>&1; echo $? > full.rc
        cp -a data after
        mount -o remount,size=100m data
        {run} > more.log 2>&1; echo $? > more.rc
        cp -a data/. kept
    """
    assert mounted(command, cwd=project.folder).returncode != 99
    assert (project.folder / "full.rc").read_text() == "1\n"
    assert "No space left on device" in (project.folder / "full.log").read_text()
    expected = undisturbed.results()
    for path in (project.folder / "after").rglob("*.nc"):
        if ".cache" not in path.parts and path.name[0] != ".":
            name = "data" + str(path).removeprefix(str(project.folder / "after"))
            assert hash_of(path) == expected[name], "whole, or not there"
    shutil.rmtree(project.folder / "data")
    (project.folder / "kept").rename(project.folder / "data")
    found = project.results()
    reliability("the disk is full", 1, expected, found, "the same command, when there is room")
    assert found == expected


def hash_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_interrupted_run_needs_no_unlock(undisturbed, tmp_path, reliability):
    project = Project(tmp_path, SMALL)
    run = project.start(*WANTED)
    project.wait_for(lambda: project.jobs("simulate.py"))
    run.send_signal(signal.SIGINT)
    run.wait()
    assert not locked(project)
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    reliability("Ctrl-C in mid-run", 1, expected, found, "the same command")
    assert found == expected
