"""Snakemake called over and over, without loading it each time: half of what a plan of a small grid takes.

Each call is a process of its own, forked from one that has loaded Snakemake and nothing of the project.
"""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from subprocess import CompletedProcess

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["snakemake.cli"])


def snakemake(arguments: list[str], folder: Path, environment: dict[str, str], umask: int = -1) -> CompletedProcess:
    """What ``python -m snakemake`` does in a folder, with what it prints."""
    with tempfile.TemporaryDirectory() as said:
        streams = [Path(said, name) for name in ("out", "err")]
        process = _PROCESSES.Process(target=_call, args=(arguments, folder, environment, umask, streams))
        process.start()
        process.join()
        return CompletedProcess(["snakemake", *arguments], process.exitcode, *(path.read_text() for path in streams))


def _call(arguments, folder, environment, umask, streams):
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), number)
    os.chdir(folder)
    if umask >= 0:
        os.umask(umask)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0:0] = [str(folder), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()
