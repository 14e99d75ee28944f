"""Rows: what is kept of them, made again, and left out."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.cells import outputs, simulated
from onepass.pipeline import cell as cells
from onepass.pipeline import freshness, row
from onepass.pipeline.grid import cells_of


def test_a_second_try_computes_only_what_is_missing(small_grid, tmp_path, monkeypatch, capsys):
    grid = cells_of("he3", small_grid)
    simulated(grid[:2], tmp_path)
    before = [Path(output).read_bytes() for output in outputs(grid[:2], tmp_path)]
    asked = []
    real = cells.Cell.simulate
    monkeypatch.setattr(cells.Cell, "simulate", lambda cell, *given: asked.append(cell) or real(cell, *given))
    for output in outputs(grid[:2], tmp_path):
        os.unlink(output)
    simulated(grid[:3], tmp_path)
    assert asked == [grid[2]]
    assert [Path(output).read_bytes() for output in outputs(grid[:2], tmp_path)] == before
    assert capsys.readouterr().out.count("kept") == 2

    simulated(grid[1:2], tmp_path, anew=True)
    assert asked == [grid[2], grid[1]]
    assert Path(outputs(grid[1:2], tmp_path)[0]).read_bytes() == before[1]

    # other code: nothing is kept
    monkeypatch.setattr(freshness, "code_version", lambda _: "edited")
    simulated(grid[:1], tmp_path)
    assert asked == [grid[2], grid[1], grid[0]]


def test_a_damaged_file_in_the_cache_is_made_again(small_grid, tmp_path):
    (cell, *_) = cells_of("he3", small_grid)
    simulated([cell], tmp_path)
    (kept,) = (tmp_path / "cache").rglob("*.nc")
    good = kept.read_bytes()
    kept.write_bytes(good[:100])
    simulated([cell], tmp_path)
    assert kept.read_bytes() == good


def test_a_diverging_cell_leaves_no_file_and_names_its_parameters(small_grid, tmp_path):
    grid = cells_of("he3", small_grid)
    wild = replace(grid[0], learning_rate=1e200)
    tried = [grid[1], wild]
    with pytest.raises(row.RowError, match=r"1 of 2 cells failed.*diverged at step .* learning_rate 1e[+]200"):
        simulated(tried[::-1], tmp_path)
    assert [path.name for path in tmp_path.rglob("*.nc") if "cache" not in path.parts] == [Path(grid[1].path).name]
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_cells_of_another_data_folder_are_taken_and_only_read(small_grid, tmp_path, capsys):
    """Above, below or beside the own one; a damaged one is left as it is."""
    (cell, *_) = cells_of("he3", small_grid)
    folders = [tmp_path / "data", tmp_path / "data" / "other", tmp_path / "data" / "mine"]
    for folder in folders:
        (folder / row.CACHE).mkdir(parents=True)
    for i, folder in enumerate(folders):
        row.simulate_row([cell], [str(tmp_path / f"{i}.nc")], folder / row.CACHE)
    assert capsys.readouterr().out.count("kept") == 2
    assert len({(tmp_path / f"{i}.nc").read_bytes() for i in range(3)}) == 1
    (finished,) = row.kept(cell, folders[2] / row.CACHE)
    assert finished == row.own(cell, folders[0] / row.CACHE)
    finished.write_bytes(finished.read_bytes()[:100])
    row.simulate_row([cell], [str(tmp_path / "2.nc")], folders[2] / row.CACHE)
    assert "simulated" in capsys.readouterr().out
    assert finished.stat().st_size == 100
    assert row.own(cell, folders[2] / row.CACHE).read_bytes() == (tmp_path / "0.nc").read_bytes()
