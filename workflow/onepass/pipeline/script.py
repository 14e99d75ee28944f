"""How a script of the workflow begins and ends: a Matplotlib as it comes, output in a log, errors in words."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path

from onepass.errors import OnepassError

INTERRUPTED = "interrupted"  # the last line of a log of what the user has stopped


@contextmanager
def logged(path: str | Path) -> Iterator[None]:
    """Send all output to the file `path`; end the process at an exception, after writing it there.

    The package's own errors are written for the reader of a log: their message is enough. Any other exception is
    a bug, and comes with its traceback.
    """
    Path(path).unlink(missing_ok=True)  # whom a killed run left behind writes into the old file, not into this
    with open(path, "w", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):
        try:
            yield
        except KeyboardInterrupt:
            print(INTERRUPTED)
            sys.exit(130)
        except OnepassError as error:
            print(f"error: {error}")
            sys.exit(1)
        except Exception:
            traceback.print_exc()
            sys.exit(1)


def own_matplotlib() -> None:
    """Import Matplotlib as it comes, whatever the user's files of settings say: one that is broken stops its import.

    The backend of a notebook, which its kernel hands on to every process, stops it as well.
    """
    os.environ.pop("MPLBACKEND", None)
    with chdir(Path(find_spec("matplotlib").origin).parent / "mpl-data"):  # it looks for its settings here first
        import matplotlib
    matplotlib.use("agg")
