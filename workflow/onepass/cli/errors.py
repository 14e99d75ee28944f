"""How commands end that cannot do what they were asked, and how they warn."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from onepass.errors import OnepassError


@contextmanager
def plain_errors() -> Iterator[None]:
    """End with 1 and one message at an error of the package's own, or of the file system."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever reads has heard enough, and typer ends quietly
    except (OnepassError, OSError) as error:  # any other is a bug, with its traceback
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


def warn(sentences) -> None:
    """Say each warning on the standard error."""
    for sentence in sentences:
        print(f"warning: {sentence}", file=sys.stderr)


def drawn_to(path: Path) -> Path:
    """The path of a figure, if it is of a kind that can be drawn."""
    if path.suffix not in (".png", ".pdf"):
        raise typer.BadParameter(f"{path}: allowed: a name that ends with .png or .pdf", param_hint="--output")
    return path
