"""Whether result files are whole and what their names say, and the one command that makes damaged ones again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from onepass.errors import OnepassError
from onepass.pipeline import store
from onepass.pipeline.cell import Cell


class DamageError(OnepassError, ValueError):
    """Files that are missing, damaged or of another origin; the message names each and how to rebuild them."""


def damaged(reads: Iterable[tuple[str, store.StoreError]]) -> DamageError:
    """The error that names the files with what is wrong with each."""
    faults = dict(reads)
    lines = [f"  {error}" for error in faults.values()]
    again = f"to rebuild: the same command, and at its end -R {' '.join(faults)}"
    return DamageError("\n".join([f"{len(faults)} damaged files", *lines, again]))


def verify(cells: Sequence[Cell], others: Sequence[str], folder: str | Path) -> None:
    """Read the files of the cells and the others, those that are there.

    Raises
    ------
    DamageError
        If some are damaged or hold something else.
    """
    faults, whole = {}, 0
    for path, read in [
        *((f"{folder}/{cell.path}", lambda path, cell=cell: store.read_cell(cell, path)) for cell in cells),
        *((path, store.read) for path in others),
    ]:
        if Path(path).exists():
            try:
                read(path)
                whole += 1
            except store.StoreError as error:
                faults[path] = error
    print(f"{whole} files are whole")
    if faults:
        raise damaged(faults.items())
