"""Whether result files are whole and what their names say."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from onepass.errors import OnepassError
from onepass.pipeline import store
from onepass.pipeline.cell import Cell


class DamageError(OnepassError, ValueError):
    """Files that are missing, damaged, of another origin or not readable; names each and how to rebuild it.

    What cannot be read may be whole, and is not to be rebuilt.

    Parameters
    ----------
    faults : what is wrong with each file, by its path.
    rebuild : what to do about files that no plan sees to be damaged; their names are put after it.
    """

    def __init__(self, faults: Mapping[str, store.StoreError], rebuild: str = "remove") -> None:
        unreadable = [error for error in faults.values() if isinstance(error, store.UnreadableError)]
        damaged = {path: error for path, error in faults.items() if error not in unreadable}
        unseen = [path for path, error in damaged.items() if not isinstance(error, store.OriginError)]
        again = " ".join([rebuild, *unseen]) if unseen else "the same command again"
        lines = _listed("files that cannot be read", unreadable) + _listed("damaged files", damaged.values())
        super().__init__("\n".join([*lines, f"to rebuild: {again}"] if damaged else lines))


def _listed(what: str, errors: Collection[store.StoreError]) -> list[str]:
    return [f"{len(errors)} {what}", *(f"  {error}" for error in errors)] if errors else []


def verify(cells: Sequence[Cell], others: Sequence[str], folder: str | Path, rebuild: str) -> None:
    """Read the files of the cells and the others, those that are there; what is wrong with them is a `DamageError`."""
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
        raise DamageError(faults, rebuild)
