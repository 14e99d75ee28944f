"""Where this user keeps what is slow to make again: compiled code, what was found out about formulas."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


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
