"""Snakemake and its jobs without loading their libraries each time: most of what a run of a small grid takes.

Each call is a process of its own, and so is each job: forked from one that has loaded libraries, and nothing of the
project. What `Project.start` starts has fresh interpreters throughout, as a user's run has.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import threading
from functools import cache
from multiprocessing import connection, forkserver
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

_PROCESSES = multiprocessing.get_context("forkserver")
_ONE_AT_A_TIME = threading.Lock()


@cache
def _ready() -> None:
    """Load the libraries, once."""
    _PROCESSES.set_forkserver_preload(["helpers.libraries"])
    with mock.patch.dict(os.environ, {"PYTHONPATH": str(Path(__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}):
        forkserver.ensure_running()


def snakemake(arguments: list[str], folder: Path, environment: dict[str, str], umask: int = -1) -> CompletedProcess:
    """What ``python -m snakemake`` does in a folder, with what it prints."""
    _ready()
    with tempfile.TemporaryDirectory() as said:
        streams = [Path(said, name) for name in ("out", "err")]
        for path in streams:
            path.touch()
        code = _ended(_call, arguments, folder, environment, umask, streams)
        return CompletedProcess(["snakemake", *arguments], code, *(path.read_text() for path in streams))


def _ended(target, *arguments) -> int:
    """Exit status of a process of its own.

    A thread that starts one reads the status of those of other threads too, where they have ended: it is read once.
    """
    process = _PROCESSES.Process(target=target, args=arguments)
    with _ONE_AT_A_TIME:
        process.start()
    connection.wait([process.sentinel])
    with _ONE_AT_A_TIME:
        process.join()
    return process.exitcode


def _enter(folder, environment, umask, streams):
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), number)
    os.chdir(folder)
    if umask >= 0:
        os.umask(umask)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))


def _call(arguments, folder, environment, umask, streams):
    _enter(folder, environment, umask, streams)
    sys.path.insert(0, str(folder))
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main
    from snakemake.script import PythonScript

    def execute(_, path, edit=False):
        if code := _ended(_job, path, os.getcwd(), dict(os.environ), umask, streams):
            raise subprocess.CalledProcessError(code, path)

    forkserver._forkserver.ensure_running = lambda: None  # the one at hand: against its word it starts another
    PythonScript.execute_script = execute
    main()


def _job(path, *surroundings):
    _enter(*surroundings)
    sys.argv = [path]
    runpy.run_path(path, run_name="__main__")
