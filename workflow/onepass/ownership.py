"""One run at a time in a folder, and nothing written by the jobs of a run that was killed.

A run holds a lock on the folder for as long as its process lives, however that ends, and leaves its name there. Its
jobs know the name from their environment, on whatever machine they are, and look whether it is still there before they
give a file its final name. So the children of a killed run, or its jobs on a cluster, may go on as long as they like:
the run that comes after it owns the folder.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: Snakemake's own lock has to do
    fcntl = None

VARIABLE = "ONEPASS_RUN"  # folder and name of the run that a job belongs to
_held: dict[Path, int] = {}  # open files, whose locks last as long as this process


class BusyError(RuntimeError):
    """A folder in which another run is at work."""


class SupersededError(RuntimeError):
    """A job whose run was killed, in a folder that belongs to another run by now."""


def take(folder: str | Path) -> None:
    """Make this process the run that works in `folder`, until it ends or calls `release`.

    What the last run left in the queue of a cluster is cancelled, if that run was killed.

    Raises
    ------
    BusyError
        If another process is at work there; the message names it.
    """
    place = _place(folder)
    place.mkdir(parents=True, exist_ok=True)
    handle = _lock(place / "lock", wait=False)
    if handle is None:
        raise BusyError(found_at(folder) or f"another run is at work in {folder}")
    _held[place] = handle
    _cancel(place)
    name = uuid.uuid4().hex
    owner = {"name": name, "process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}
    with _locked(place):
        _owner(place).write_text(json.dumps(owner), encoding="utf-8")
    os.environ[VARIABLE] = f"{name}:{place.resolve()}"


def release(folder: str | Path) -> None:
    """Give the folder back: the end of a run that was not killed."""
    place = _place(folder)
    if place in _held:
        with _locked(place):
            _owner(place).unlink(missing_ok=True)
        os.close(_held.pop(place))
    os.environ.pop(VARIABLE, None)


def found_at(folder: str | Path, leftover: str | Path | None = None) -> str:
    """One line on the run that works in `folder`, or was killed there and has left a file in `leftover`; or nothing."""
    place = _place(folder)
    if place in _held or not _owner(place).exists():
        return ""
    owner = json.loads(_owner(place).read_text(encoding="utf-8") or "{}")
    run = f"process {owner.get('process')} on {owner.get('host')}, since {owner.get('since')}"
    handle = _lock(place / "lock", wait=False)
    if handle is None:
        return f"another run is at work in {folder} ({run}); wait for its end, or stop it first"
    os.close(handle)
    if leftover and Path(leftover).is_dir() and any(Path(leftover).iterdir()):
        return (
            f"a run in {folder} was killed ({run}) and its lock remains; to go on: "
            "the same command with --unlock, then the same command again. Finished cells are kept"
        )
    return ""


def join() -> None:
    """Say that this process works for the run in its environment, before it touches anything.

    Raises
    ------
    SupersededError
        If that run no longer owns its folder.
    """
    check()
    place, job = _from_environment()[1], os.environ.get("SLURM_JOB_ID", "")
    if place and job.isdigit():
        (place / "jobs").mkdir(exist_ok=True)
        (place / "jobs" / job).touch()


def check() -> None:
    """Raise `SupersededError` if the run of this job no longer owns its folder; outside of a run, do nothing."""
    name, place = _from_environment()
    if place is None:
        return
    owner = {}
    with suppress(OSError, ValueError):
        owner = json.loads(_owner(place).read_text(encoding="utf-8"))
    if owner.get("name") != name:
        raise SupersededError(f"the run of this job was stopped, {place.parent} belongs to another: nothing is written")


def publish(temporary: str | Path, path: str | Path) -> None:
    """Give a finished file its final name, unless the run of this job no longer owns the folder.

    Raises
    ------
    SupersededError
        If so; the file stays under its temporary name.
    """
    place = _from_environment()[1]
    if place is None:
        os.replace(temporary, path)
        return
    with _locked(place, shared=True):  # between the look and the name, no other run can take the folder
        check()
        os.replace(temporary, path)


def _place(folder: str | Path) -> Path:
    return Path(folder) / ".run"


def _owner(place: Path) -> Path:
    return place / "owner.json"


def _from_environment() -> tuple[str, Path | None]:
    name, _, place = os.environ.get(VARIABLE, "").partition(":")
    return name, Path(place) if place else None


def _lock(path: Path, *, wait: bool, shared: bool = False) -> int | None:
    """An open file that holds the lock; None if another process does. A file system without locks grants all."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    if fcntl is None:
        return handle
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        pass
    return handle


@contextmanager
def _locked(place: Path, *, shared: bool = False) -> Iterator[None]:
    try:
        handle = _lock(place / "turn", wait=True, shared=shared)
    except FileNotFoundError:
        raise SupersededError(f"{place} is gone: nothing is written") from None
    try:
        yield
    finally:
        os.close(handle)


def _cancel(place: Path) -> None:
    """Kill the jobs that a killed run has on a cluster; those that wait in its queue end themselves, in `join`."""
    if not (jobs := [path.name for path in (place / "jobs").glob("*")]):
        return
    if shutil.which("scancel"):
        # KILL: at any other signal Snakemake, in the job, would remove the job's outputs.
        subprocess.run(["scancel", "--signal=KILL", "--full", *jobs], capture_output=True, timeout=60)
        for _ in range(60):
            queue = ["squeue", "--noheader", "--format=%A", "--states=RUNNING,COMPLETING"]
            left = subprocess.run(queue, capture_output=True, text=True, timeout=60).stdout.split()
            if not set(jobs) & set(left):
                break
            time.sleep(1)
    for job in jobs:
        (place / "jobs" / job).unlink(missing_ok=True)
