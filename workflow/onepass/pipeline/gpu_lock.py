"""One GPU for one job of this machine, however many jobs a workflow starts at once."""

import getpass
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "CUDA_VISIBLE_DEVICES"
PAUSE = 0.2  # seconds between two looks for a free device


@contextmanager
def exclusive_gpu(wanted: int = 1) -> Iterator[str | None]:
    """Show this process one GPU that no other job has, waiting for it if need be; its name, None if there is none.

    Must come before anything that starts CUDA: what a process sees is settled then. A device is held by the lock on a
    file, which the system lets go when the process ends, however it ends. Devices to choose from are those of
    ``CUDA_VISIBLE_DEVICES``, where a scheduler has set it, or all that ``nvidia-smi`` lists. Nothing happens for a job
    that wants none.
    """
    names = devices() if wanted else []
    if not names:
        yield None
        return
    before = os.environ.get(VARIABLE)
    name, lock = _locked(names)
    os.environ[VARIABLE] = name
    try:
        yield name
    finally:
        lock.release()
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def devices() -> list[str]:
    """Names of the GPUs that this process may use."""
    if VARIABLE in os.environ:
        return [name.strip() for name in os.environ[VARIABLE].split(",") if name.strip()]
    command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    with suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        return [line.strip() for line in listed.splitlines() if line.strip()]
    return []


def _locked(names: list[str]):
    """Name and lock of the first device that is free."""
    from filelock import FileLock, Timeout  # a job without a GPU does not wait for it

    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()
    folder = Path(tempfile.gettempdir()) / f"onepass-gpus-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    locks = {name: FileLock(folder / re.sub(r"[^\w.-]", "_", name)) for name in names}
    while True:
        for name, lock in locks.items():
            with suppress(Timeout):
                lock.acquire(blocking=False)
                return name, lock
        time.sleep(PAUSE)
