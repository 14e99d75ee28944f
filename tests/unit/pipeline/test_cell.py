"""Cells: their files, seeds and texts."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from onepass.pipeline import cell as cells
from onepass.pipeline.grid import cells_of

NAME = re.compile(
    r"(?P<protocol>[a-z]+(_[a-z]+[^_]*)+?)_"
    r"(mu(?P<mu>\d+\.\d+)(_delta(?P<delta>-?\d+\.\d+))?|p(?P<students>\d+)_n(?P<batch_size>\d+))"
    r"_d(?P<dimension>\d+)(_(?P<engine>[a-z]+))?(_g(?P<gamma0>[\d.e-]+)_(?P<tolerance>[\d.]+))?\.nc"
)
KINDS = {
    "mu": float,
    "delta": float,
    "dimension": int,
    "students": int,
    "batch_size": int,
    "gamma0": float,
    "tolerance": float,
}


def everything(configuration):
    return [cell for name, grid in configuration.experiments.items() for cell in cells_of(name, grid)]


def test_paths_say_what_a_cell_is(configuration):
    grid = cells_of("he3", configuration.experiments["he3"])
    assert "cells/he3/projected_square_mu1.00_d04096.nc" in [cell.path for cell in grid]
    for cell in everything(configuration):
        recovery = ("protocol", "mu", "dimension") + (("delta",) if cell.delta is not None else ())
        keys = recovery if cell.mu is not None else ("protocol", "students", "batch_size", "dimension", "engine")
        said = NAME.fullmatch(Path(cell.path).name).groupdict().items()
        found = {key: KINDS.get(key, str)(value) for key, value in said if value is not None}
        keys += ("gamma0", "tolerance") if cell.gamma0 is not None else ()
        assert found == {key: getattr(cell, key) or 0 for key in keys}, "single steps have no tolerance"


def test_close_exponents_have_files_of_their_own(small_grid):
    close = small_grid.model_copy(update={"mu": [1.0, 1.001, 1 / 3]})
    assert len({cell.path for cell in cells_of("he3", close)}) == 12


def test_no_two_cells_share_a_stream(configuration):
    draws = {tuple(np.random.SeedSequence(cell.entropy).generate_state(4)) for cell in everything(configuration)}
    assert len(draws) == len(everything(configuration))


def test_cells_survive_the_parameters_of_a_job(configuration):
    grid = everything(configuration)
    assert cells.unpack(cells.pack(grid)) == grid
    layered = replace(grid[0], students=2, second_layer=(1.0, -1.0))
    assert cells.unpack(cells.pack([layered])) == [layered]
