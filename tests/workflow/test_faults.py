"""What can go wrong on the way: kills, full disks, damaged files, two runs at once. Nothing is lost, nothing wrong."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from helpers.project import Project

SMALL = """
data: data/small
figures_folder: figures/small
experiments:
  he3:
    protocols: [projected_square, projected_correlation]
    mu: [1.0]
    dimensions: [16, 32, 64]
    replicas: 8
    start: 1.0
    engine: sgd
    gaussian_from: null
  chain_exactness:
    protocols: [projected_square, spherical_correlation]
    students: [1]
    batch_sizes: [2]
    dimensions: [16]
    replicas: 50
fit: {resamples: 100}
"""
WANTED = ("data/small/exponents/he3.nc", "figures/small/chain_exactness.pdf")
KILLS = 20 if "ONEPASS_RELIABILITY" in os.environ else 4  # all of them with `make reliability`: they take minutes
PARTS = 4

pytestmark = pytest.mark.xdist_group("faults")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("undisturbed"), SMALL)
    before = time.monotonic()
    project.snakemake(*WANTED)
    project.seconds = time.monotonic() - before
    return project


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


def test_the_lock_of_a_killed_run_is_explained_in_one_line(tmp_path):
    project = Project(tmp_path, SMALL)
    run = project.start(*WANTED)
    project.wait_for(lambda: project.jobs("simulate.py") or list(project.folder.glob("data/small/cells/*/*.nc")))
    run.kill()
    run.wait()
    done = project.snakemake(*WANTED, check=False)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("onepass:")]
    assert f"a run in data/small was killed (process {run.pid} on " in line
    assert "to go on: the same command with --unlock, then the same command again" in line
    unlock(project)
    assert "was killed" not in project.snakemake(*WANTED, "--dry-run").stderr


def test_a_child_of_a_killed_run_never_writes_over_the_next_run(undisturbed, tmp_path, reliability):
    """The child is stopped in mid-run, and wakes when the next run, of another seed, is done."""
    project = Project(tmp_path, SMALL.replace("he3:", "he3:\n    seed: 999", 1))
    run = project.start("data/small/he3.nc")
    (child, *others) = project.wait_for(lambda: project.jobs("simulate.py"))
    child.suspend()
    run.kill()
    run.wait()
    for other in others:
        other.kill()
    assert not list(project.folder.glob("data/small/cells/he3/*_d00064.nc")), "the child is not yet done"
    project.configure(SMALL)
    unlock(project)
    project.snakemake(*WANTED)
    assert child.is_running()
    child.resume()
    child.wait(60)
    expected, found = undisturbed.results(), project.results()
    reliability("a child of a killed run that goes on after the next run", 1, expected, found, "nothing")
    assert found == expected


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


def test_the_second_of_two_runs_stops_with_a_clear_line(undisturbed, tmp_path, reliability):
    project = Project(tmp_path, SMALL)
    first = project.start(*WANTED)
    project.wait_for(lambda: (project.folder / "data/small/.run/owner.json").exists())
    second = project.snakemake(*WANTED, check=False)
    elsewhere = project.snakemake("data/small/polylog.nc", check=False)  # which Snakemake's own lock would let pass
    assert first.wait(120) == 0
    for done in (second, elsewhere):
        assert done.returncode == 1
        assert f"another run is at work in data/small (process {first.pid} on " in done.stderr
        assert "Traceback" not in done.stderr
    expected, found = undisturbed.results(), project.results()
    reliability("two runs at once in one folder", 2, expected, found, "nothing; the second stops")
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
    assert not list((project.folder / "after").rglob("*.tmp"))
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
