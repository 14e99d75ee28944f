"""Cells: their files, seeds and texts."""

from dataclasses import replace

import numpy as np
from onepass.pipeline import cell as cells
from onepass.pipeline.grid import cells_of


def everything(configuration):
    return [cell for name, grid in configuration.experiments.items() for cell in cells_of(name, grid)]


def test_paths_say_what_a_cell_is(configuration):
    grid = cells_of("he3", configuration.experiments["he3"])
    assert "cells/he3/projected_square_mu1.00_d04096.nc" in [cell.path for cell in grid]
    found = everything(configuration)
    assert len({cell.path for cell in found}) == len(found)
    for cell in found:
        words = [f"p{cell.students}", f"n{cell.batch_size:04d}", f"d{cell.dimension:05d}", cell.engine]
        if cell.mu is not None:
            words = [f"mu{cell.mu:.2f}", f"d{cell.dimension:05d}"]
        folder, experiment, name = cell.path.removesuffix(".nc").split("/")
        assert (folder, experiment) == ("cells", cell.experiment)
        assert set(words) <= set(name.removeprefix(f"{cell.protocol}_").split("_"))


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
