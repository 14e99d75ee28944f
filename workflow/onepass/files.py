"""Files that appear whole or not at all, and the folder of what is slow to make again."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic(path: str | Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield a path beside `path` for the caller to write; the file there gets its final name when the block ends well.

    An exception leaves what was there before, and no half-written file.

    Parameters
    ----------
    path : final name; its folders are made.
    replace : whether a file of that name gives way; otherwise the first one stays.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        if replace or not path.exists():
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def cache_folder() -> Path:
    """``$ONEPASS_CACHE``, by default ``~/.cache/onepass``; a temporary one where that is not writable."""
    folder = Path(os.environ.get("ONEPASS_CACHE") or Path.home() / ".cache" / "onepass")
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        folder = Path(tempfile.gettempdir()) / f"onepass-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():  # code from here is run: nobody else may have put it there
            folder = Path(tempfile.mkdtemp(prefix="onepass-"))
    return folder
