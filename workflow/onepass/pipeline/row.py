"""What a job does: simulate the cells of a row, keeping every finished one."""

import math
from collections.abc import Sequence
from pathlib import Path

from onepass.errors import OnepassError
from onepass.pipeline import store
from onepass.pipeline.cell import Cell
from onepass.pipeline.time_left import told

CACHE = "cells/.cache"  # of finished cells, below the data folder


class RowError(OnepassError, RuntimeError):
    """Cells of a row that could not be simulated; the others are done."""


def simulate_row(
    cells: Sequence[Cell], outputs: Sequence[str], cache: str | Path, gpu_from: float = math.inf, *, anew: bool = False
) -> None:
    """Simulate cells, one file each; what happens to each is printed.

    A cell is written to the cache first, under the hash of its origin, and then copied to its output. So a second try
    of an interrupted row, or a row with one new cell, computes only what is new. A cell that fails does not stop those
    after it: its error is printed, and there is a `RowError` at the end.

    Parameters
    ----------
    cells, outputs : the cells and their files, in the same order.
    cache : folder of the finished cells.
    gpu_from : random numbers a step from which a cell with backend ``auto`` looks for a GPU; by default none does.
    anew : whether to simulate the cells that are kept as well.
    """
    failed = []
    for cell, output in zip(cells, outputs, strict=True):
        finished = kept(cell, cache)
        try:
            if not anew and _is_whole(cell, finished):
                print(f"kept {output}", flush=True)
            else:
                print(f"simulating {output}", flush=True)
                with told(lambda line: print(f"  {line}", flush=True)):
                    runs = cell.simulate(gpu_from)
                store.write_cell(cell, runs, finished)
                print(f"simulated {output}", flush=True)
        except (FloatingPointError, MemoryError, ValueError) as error:
            failed.append(f"{output}: {error}")
            print(f"failed {failed[-1]}", flush=True)
            continue
        store.copy(finished, output)
    if failed:
        raise RowError(f"{len(failed)} of {len(cells)} cells failed; the first is {failed[0]}")


def kept(cell: Cell, cache: str | Path) -> Path:
    """Where the finished cell is kept, by its parameters and the code that simulates."""
    return Path(cache) / f"{store.origin(cell).hash()}.nc"


def _is_whole(cell: Cell, path: Path) -> bool:
    try:
        store.read_cell(cell, path)
    except store.UnreadableError:
        raise
    except store.StoreError:
        return False
    return True
