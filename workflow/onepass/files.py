"""Files that appear whole or not at all, and the folder of what is slow to make again."""

import logging
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

logger = logging.getLogger("onepass")


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` for the caller to write; the file there gets its final name when the block ends well.

    Folders are made. An exception leaves what was there before, and no half-written file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where this user keeps what is slow to make again; the first of these that can be written.

    ``$ONEPASS_CACHE``, ``$XDG_CACHE_HOME/onepass``, ``~/.cache/onepass``, a folder of the user's own for temporary
    files, a new one. Where that is not the first, a line in the log says so, once.
    """
    return _first_writable(os.environ.get("ONEPASS_CACHE"), os.environ.get("XDG_CACHE_HOME"))


@cache
def _first_writable(own: str | None, user: str | None) -> Path:
    named = [Path(own)] if own else []
    named += [Path(user, "onepass")] if user else []
    named += [Path(os.path.expanduser("~"), ".cache", "onepass")]
    faults = []
    for folder in [*named, Path(tempfile.gettempdir(), f"onepass-{os.getuid()}")]:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o777 if folder in named else 0o700)
            if folder not in named and folder.stat().st_uid != os.getuid():
                continue  # code from here is run: nobody else may have put it there
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(1 << 16))
        except OSError as error:
            faults.append(f"{folder} ({error.strerror})")
            continue
        break
    else:
        folder = Path(tempfile.mkdtemp(prefix="onepass-"))
    if faults:
        logger.warning("compiled code is kept in %s: it cannot be kept in %s", folder, ", ".join(faults))
    return folder
