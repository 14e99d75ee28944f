"""A copy of the project in a folder of its own, for tests that run the workflow as a user does."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from helpers import warm

THOROUGH = "ONEPASS_RELIABILITY" in os.environ
thorough = pytest.mark.skipif(not THOROUGH, reason="takes minutes: make reliability")
ROOT = Path(__file__).parents[2]
PROJECT = ("Snakefile", "environment.yml", "config", "profiles", "workflow")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
COMPILED = (".pyc", ".nbi", ".nbc")  # go by the dates of their sources, which a copy keeps

HELD = """
import time
_at_once = simulate_row
def simulate_row(*given, **named):
    Path("at_work").touch()
    end = time.monotonic() + 1800  # of a test that fails and never says so
    while not Path("go").exists() and time.monotonic() < end:
        time.sleep(0.05)
    _at_once(*given, **named)
"""


class Project:
    """A copy of the project in a folder of its own."""

    umask = -1  # of the processes that it starts: that of the tests

    def __init__(self, folder: Path, configuration: str, results: "Project | None" = None) -> None:
        """A fresh copy; with `results`, also the data and figures of another copy, as ``cp -a`` brings them."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in PROJECT:
            here = ROOT / name
            if here.is_dir():
                shutil.copytree(here, folder / name, ignore=half_written)
            else:
                shutil.copy(here, folder / name)
        self.configure(configuration)
        if results:
            for made in ("data", "figures"):
                shutil.copytree(results.folder / made, folder / made)

    @classmethod
    def copy(cls, other: "Project", folder: Path) -> "Project":
        """All of another copy, results and dates too."""
        shutil.copytree(other.folder, folder, copy_function=shutil.copy2)
        return cls.at(folder)

    @classmethod
    def at(cls, folder: Path) -> "Project":
        """One that is there."""
        project = object.__new__(cls)
        project.folder = folder
        return project

    def configure(self, text: str) -> None:
        (self.folder / "mine.yaml").write_text(text)

    def command(self, *arguments, cores=2) -> list[str]:
        files = ["--configfile", "config/quick.yaml", "mine.yaml"]
        at_once = ["--max-jobs-per-timespan", "100/1s"]  # the profile's saves time in long runs and loses some in short
        return [sys.executable, "-m", "snakemake", "--cores", str(cores), *at_once, *arguments, *files]

    def start(self, *arguments, cores=2) -> subprocess.Popen:
        """Start Snakemake; what it prints goes to run.log, not to a pipe that its children would keep open."""
        environment = {**os.environ, **ONE_THREAD}
        command = self.command(*arguments, cores=cores)
        with (self.folder / "run.log").open("w") as log:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log, umask=self.umask)

    def snakemake(self, *arguments, cores=2, check=True):
        command = self.command(*arguments, cores=cores)
        done = warm.snakemake(command[3:], self.folder, {**os.environ, **ONE_THREAD}, self.umask)
        assert not check or done.returncode == 0, done.stderr
        return done

    def planned(self, *arguments) -> set[str]:
        """Names of the rules that a run would start now, with their wildcards."""
        done = self.snakemake(*arguments, "--dry-run")
        return set(re.findall(r"^Job \d+: (.*)$", done.stdout + done.stderr, flags=re.MULTILINE))

    def locked(self) -> bool:
        return any((self.folder / ".snakemake" / "locks").glob("*"))

    def unlock(self) -> None:
        """What Snakemake asks for when a run was killed."""
        if self.locked():
            self.snakemake("--unlock")

    def files(self, pattern: str) -> dict[str, str]:
        found = sorted(p for p in self.folder.glob(pattern) if p.is_file() and ".cache" not in p.parts)
        return {str(p.relative_to(self.folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}

    def results(self) -> dict[str, str]:
        """Hash of every result, by its name."""
        return self.files("data/**/*.nc") | self.files("figures/**/*")

    def jobs(self, script: str) -> list[psutil.Process]:
        """Processes at work for this copy that run a script of the workflow."""
        found = []
        for process in psutil.process_iter(["cwd", "cmdline"]):
            line = process.info["cmdline"] or []
            if process.info["cwd"] == str(self.folder) and script in " ".join(line[-1:]):
                found.append(process)
        return found

    def wait_for(self, condition, seconds=600.0):
        """What `condition()` returns, once it is true; `seconds` end a test that hangs, on the slowest machine too."""
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.05)
        return found


def edit(project: Project, module: str, words: str = "\n# edited\n") -> None:
    """Write something at the end of a module of the copy's package."""
    path = project.folder / "workflow" / "onepass" / module
    path.write_text(path.read_text() + words)


def take_back(project: Project, module: str) -> None:
    """The module as it was."""
    shutil.copy(ROOT / "workflow" / "onepass" / module, project.folder / "workflow" / "onepass" / module)


def hold(project: Project) -> None:
    """Let jobs that simulate wait, once they have loaded their code, until the copy has a file `go`.

    The module that says so is behind no result; a file `at_work` tells that one waits.
    """
    edit(project, "pipeline/row.py", HELD)


def half_written(folder: str, names: list[str]) -> list[str]:
    """What a process beside this one may just be compiling."""
    return [n for n in names if folder.endswith("__pycache__") and not n.endswith(COMPILED)]
