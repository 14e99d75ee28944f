"""What a job does: simulate the cells of a row, keeping every finished one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

from onepass import store
from onepass.cells import Cell, code_version


def simulate_row(cells: Sequence[Cell], outputs: Sequence[str], cache: str | Path, gpu_from: float = math.inf) -> None:
    """Simulate cells, one file each.

    A cell is written to the cache first, under a name that hashes its parameters and the simulation's code, and
    then copied to its output. So a second try of an interrupted row, or a row with one new cell, computes only
    what is new.

    Parameters
    ----------
    cells, outputs : the cells and their files, in the same order.
    cache : folder of the finished cells.
    gpu_from : random numbers a step from which a cell with backend ``auto`` looks for a GPU; by default none does.
    """
    code = code_version()
    for cell, output in zip(cells, outputs, strict=True):
        key = hashlib.sha256(f"{cell.identity}\0{code}".encode()).hexdigest()
        kept = Path(cache) / f"{key}.nc"
        try:
            store.read_cell(cell, kept)
        except store.StoreError:
            store.write_cell(cell, cell.simulate(gpu_from), kept)
            print(f"simulated {output}")
        else:
            print(f"kept {output}")
        store.copy(kept, output)
