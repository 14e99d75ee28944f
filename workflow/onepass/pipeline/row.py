"""What a job does: simulate the cells of a row, keeping every finished one."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from onepass.errors import OnepassError
from onepass.pipeline import store
from onepass.pipeline.cell import Cell, unpack
from onepass.pipeline.time_left import told

CACHE = "cells/.cache"  # of finished cells, below the data folder


class RowError(OnepassError, RuntimeError):
    """Cells of a row that could not be simulated; the others are done."""


def simulate_row(
    cells: Sequence[Cell], outputs: Sequence[str], cache: str | Path, gpu_from: float = math.inf, *, anew: bool = False
) -> None:
    """Simulate cells, one file each; what happens to each is printed.

    A cell is written to the cache first, under the hash of its origin, and then copied to its output. So a second try
    of an interrupted row, or a row with one new cell, computes only what is new. Of a cell that is kept with other
    numbers of replicas or steps, only the replicas are simulated that it does not have. A cell that fails does not stop
    those after it: its error is printed, and there is a `RowError` at the end.

    Parameters
    ----------
    cells, outputs : the cells and their files, in the same order.
    cache : folder of the finished cells.
    gpu_from : random numbers a step from which a cell with backend ``auto`` looks for a GPU; by default none does.
    anew : whether to simulate the cells that are kept as well.
    """
    failed = []
    for cell, output in zip(cells, outputs, strict=True):
        finished = own(cell, cache)
        try:
            if not anew and (found := _whole(cell, cache)):
                finished = found
                print(f"kept {output}", flush=True)
            else:
                there, runs = (0, None) if anew else relative(cell, cache)
                print(f"simulating {output}", flush=True)
                if there:
                    print(f"  {there} of {cell.replicas} replicas are there", flush=True)
                with told(lambda line: print(f"  {line}", flush=True)):
                    runs = cell.simulate(gpu_from, runs)
                store.write_cell(cell, runs, finished)
                print(f"simulated {output}", flush=True)
        except (FloatingPointError, MemoryError, ValueError) as error:
            failed.append(f"{output}: {error}")
            print(f"failed {failed[-1]}", flush=True)
            continue
        store.copy(finished, output)
    if failed:
        raise RowError(f"{len(failed)} of {len(cells)} cells failed; the first is {failed[0]}")


def own(cell: Cell, cache: str | Path) -> Path:
    """Where the finished cell is kept: in a folder of its family and the code that simulates."""
    return Path(cache, store.Origin(store.CODE, cell.family).hash(), f"{cell.replicas}_{cell.steps}.nc")


def kept(cell: Cell, cache: str | Path) -> Iterator[Path]:
    """Files of the finished cell: its own, then those of the data folders above, below and beside its own one."""
    for folder in () if cell.until else _folders(cell, Path(cache)):
        if os.access(path := folder / own(cell, cache).name, os.F_OK):
            yield path


def keep(cells: Sequence[Cell], outputs: Sequence[str], cache: str | Path) -> None:
    """Keep those that are there with other numbers of replicas or steps: a job replaces them.

    The cache has what was simulated here; not what an archive, or somebody, has brought.
    """
    for cell, output in zip(cells, outputs, strict=True):
        with suppress(store.StoreError):
            runs = store.read_relative(cell, output)
            finished = own(unpack(f"[{runs.attrs['parameters']}]")[0], cache)
            try:
                store.read_relative(cell, finished)
            except store.StoreError:  # missing, or damaged
                store.copy(output, finished)


def relative(cell: Cell, cache: str | Path, *files: str | Path):
    """Of its replicas so many are in the cache, or these files, in other numbers or with other steps; and the runs."""
    found = [(0, None)]
    for path in (*(path for folder in _folders(cell, Path(cache)) for path in sorted(folder.glob("*.nc"))), *files):
        with suppress(store.StoreError):
            runs = store.read_relative(cell, path)
            found.append((len(cell.held(runs)), runs))
    return max(found, key=lambda each: each[0])


def _folders(cell: Cell, cache: Path) -> list[Path]:
    """Folders of the cell's family: its own, then those of the other data folders."""
    name = own(cell, cache).parent.name
    return [folder / name for folder in (cache, *_others(cache))]


@lru_cache(maxsize=16)
def _others(cache: Path) -> list[Path]:
    """The caches of other data folders; what they hold is taken by the hash that is its name, and only read."""
    data = cache.parent.parent
    found = [data.parent / CACHE, *sorted(data.parent.glob(f"*/{CACHE}")), *sorted(data.glob(f"*/{CACHE}"))]
    return [folder for folder in found if folder != cache]


def _whole(cell: Cell, cache: str | Path) -> Path | None:
    for path in kept(cell, cache):
        try:
            store.read_cell(cell, path)
        except store.UnreadableError:
            if path == own(cell, cache):
                raise
            continue
        except store.StoreError:
            continue
        return path
