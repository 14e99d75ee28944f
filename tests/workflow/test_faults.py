"""What can go wrong on the way: kills, full disks, damaged files. Nothing is lost, nothing wrong."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from helpers.grids import SMALL, WANTED
from helpers.project import ROOT, THOROUGH, Project, thorough

KILLS, PARTS = (20, 4) if THOROUGH else (1, 1)


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
        project.unlock()
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    reliability("kill -9 of Snakemake at a random moment", killed, expected, found, "`--unlock`, then the same command")
    assert found == expected


def test_no_code_of_ours_ends_a_process_or_a_job():
    sources = [path.read_text() for path in (ROOT / "workflow").rglob("*") if path.suffix in (".py", ".smk")]
    assert len(sources) > 100
    for word in ("scancel", "os.kill", "killpg", ".terminate(", ".kill("):
        assert not [text for text in sources if word in text], word


CELL = "data/small/cells/he3/projected_square_mu1.00_d00032.nc"


def test_a_truncated_cell_is_named_before_aggregation_and_made_again_by_one_command(undisturbed, project, reliability):
    cell = project.folder / CELL
    cell.write_bytes(cell.read_bytes()[:-1000])
    done = project.snakemake(*WANTED, check=False)
    assert done.returncode == 1
    log = (project.folder / "data/small/logs/aggregate/he3.log").read_text()
    assert log.startswith("error: 1 damaged files\n")
    (again,) = [line for line in log.splitlines() if line.startswith("to rebuild: ")]
    assert again == f"to rebuild: the same command, and at its end -R {CELL}"
    assert again in done.stderr + done.stdout, "told on the screen as well"

    project.snakemake(*WANTED, *again.split(" at its end ")[1].split())
    expected, found = undisturbed.results(), project.results()
    reliability("a cell's file is truncated", 1, expected, found, "the command that the error names")
    assert found == expected


@pytest.mark.parametrize("damage", ["foreign", pytest.param("empty", marks=thorough)])
def test_a_file_that_says_nothing_of_this_cell_is_made_again(damage, undisturbed, project, reliability):
    cell = project.folder / CELL
    other = cell.with_name("projected_square_mu1.00_d00016.nc").read_bytes()
    cell.write_bytes({"empty": b"", "foreign": other}[damage])
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    reliability(f"a cell's file is {damage}", 1, expected, found, "the same command")
    assert found == expected


def test_damage_that_kept_its_date_is_found_by_verify(project, undisturbed):
    cell = project.folder / CELL
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


@thorough
@pytest.mark.parametrize("cores", [8, 1])
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
        cp -a data kept
    """
    assert mounted(command, cwd=project.folder).returncode != 99
    assert (project.folder / "full.rc").read_text() == "1\n"
    said = (project.folder / "full.log").read_text()
    assert "No space left on device" in said or re.search(
        r"cannot be written \(.*\); [\d.e-]+ MiB are free there", said
    )
    (project.folder / "data").rmdir()
    (project.folder / "kept").rename(project.folder / "data")  # a disk with room
    expected = undisturbed.results()
    for name, found in project.files("data/**/*.nc").items():
        if not Path(name).name.startswith("."):
            assert found == expected[name], "whole, or not there"
    project.snakemake(*WANTED)
    found = project.results()
    reliability("the disk is full", 1, expected, found, "the same command, when there is room")
    assert found == expected


def test_an_interrupted_run_needs_no_unlock(undisturbed, tmp_path, reliability):
    project = Project(tmp_path, SMALL)
    run = project.start(*WANTED)
    project.wait_for(lambda: project.jobs("simulate.py"))
    run.send_signal(signal.SIGINT)
    run.wait()
    assert not project.locked()
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    reliability("Ctrl-C in mid-run", 1, expected, found, "the same command")
    assert found == expected


def test_jobs_that_end_before_they_write_a_log_are_named(undisturbed, tmp_path, reliability):
    """As where the interpreter of a node lacks a library, or is killed at once."""
    project = Project(tmp_path, SMALL)
    script = project.folder / "workflow" / "scripts" / "simulate.py"
    text = script.read_text()
    script.write_text(f"import os\n\nos._exit(1)\n{text}")
    done = project.snakemake(*WANTED, check=False)
    assert done.returncode == 1
    assert "onepass: 5 cells failed" in done.stderr
    assert "its job ended before it wrote a log, as one that could not start; row " in done.stderr
    script.write_text(text)
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    reliability("jobs end before they write a log", 2, expected, found, "the same command, when they can start")
    assert found == expected
