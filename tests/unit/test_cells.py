"""From grids to cells, files and seeds, and back."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from onepass.pipeline import cell as cells
from onepass.pipeline import row, store
from onepass.pipeline.aggregate import aggregate
from onepass.pipeline.grid import cells_of
from onepass.pipeline.verify import DamageError, verify


def everything(configuration):
    return [cell for name, grid in configuration.experiments.items() for cell in cells_of(name, grid)]


def test_paths_say_what_a_cell_is(configuration):
    grid = cells_of("he3", configuration.experiments["he3"])
    assert "cells/he3/projected_square_mu1.00_d04096.nc" in [cell.path for cell in grid]
    for cell in everything(configuration):
        recovery = ("protocol", "mu", "dimension") + (("delta",) if cell.delta is not None else ())
        keys = recovery if cell.mu is not None else ("protocol", "students", "batch_size", "dimension", "engine")
        assert cells.parse(cell.path) == {key: getattr(cell, key) for key in keys}
    with pytest.raises(ValueError, match=r"such as 'projected_square_mu1.50_d01024.nc'"):
        cells.parse("data/he3.nc")


def test_close_exponents_have_files_of_their_own(small_grid):
    close = small_grid.model_copy(update={"mu": [1.0, 1.001, 1 / 3]})
    assert len({cell.path for cell in cells_of("he3", close)}) == 12


def test_no_two_cells_share_a_stream(configuration):
    draws = {tuple(np.random.SeedSequence(cell.entropy).generate_state(4)) for cell in everything(configuration)}
    assert len(draws) == len(everything(configuration))


def test_a_cell_does_not_know_its_grid(small_grid):
    larger = small_grid.model_copy(update={"mu": [0.25, 0.5, 1.0], "dimensions": [16, 32, 64]})
    assert set(cells_of("he3", small_grid)) < set(cells_of("he3", larger))


def test_scalings(configuration):
    """γ = γ0 d^-δ, n_b = n0 d^μ and the budget in units of the theory's time, by hand for He3 at d = 1024."""
    change = {"mu": [1.0, 1.75], "dimensions": [1024], "gamma0": 0.002, "start": 2.0, "step_budget": 0.3}
    listed = cells_of("he3", configuration.experiments["he3"].model_copy(update=change))
    grid = {(c.protocol, c.mu, c.dimension): c for c in listed}
    for key, delta, theta in [
        (("projected_square", 1.0, 1024), 0.5, 1.0),
        (("projected_square", 1.75, 1024), 0.0, 0.5),
        (("projected_correlation", 1.75, 1024), -0.25, 0.25),
    ]:
        cell = grid[key]
        assert cell.batch_size == round(1024 ** key[1])
        assert cell.learning_rate == pytest.approx(0.002 * 1024**-delta)
        assert cell.steps == pytest.approx(0.3 / 0.002 * 1024**theta, abs=1)
        assert cell.initial == 2 / 32
        assert cell.engine == ("gaussian" if key[1] == 1.75 else "chain")  # from a batch of 3000


def test_cells_survive_the_parameters_of_a_job(configuration):
    grid = everything(configuration)
    assert cells.unpack(cells.pack(grid)) == grid
    layered = replace(grid[0], students=2, second_layer=(1.0, -1.0))
    assert cells.unpack(cells.pack([layered])) == [layered]


def test_the_simulation_modules_are_those_that_a_cell_loads(configuration):
    """What `Cell.simulate` imports must be in the list, or an edit would leave stale results; not more, either."""
    change = {"engine": "sgd", "target": "x1", "activation": "x", "steps": 1, "replicas": 1, "batch_size": 1}
    code = f"""if True:
        import sys
        from onepass import cells
        (cell,) = cells.unpack({cells.pack([replace(everything(configuration)[0], **change)])!r})
        cell.simulate()
        print(*[name.removeprefix("onepass.") for name in sys.modules if name.startswith("onepass.")])"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) == set(cells.SIMULATION_MODULES)


def outputs(grid, folder):
    return [str(folder / cell.path) for cell in grid]


def test_a_second_try_computes_only_what_is_missing(small_grid, tmp_path, monkeypatch, capsys):
    grid = cells_of("he3", small_grid)
    row.simulate_row(grid[:2], outputs(grid[:2], tmp_path), tmp_path / "cache")
    before = [Path(output).read_bytes() for output in outputs(grid[:2], tmp_path)]
    simulated = []
    real = cells.Cell.simulate
    monkeypatch.setattr(cells.Cell, "simulate", lambda cell, *given: simulated.append(cell) or real(cell, *given))
    for output in outputs(grid[:2], tmp_path):
        os.unlink(output)
    row.simulate_row(grid[:3], outputs(grid[:3], tmp_path), tmp_path / "cache")
    assert simulated == [grid[2]]
    assert [Path(output).read_bytes() for output in outputs(grid[:2], tmp_path)] == before
    assert capsys.readouterr().out.count("kept") == 2

    # other code: nothing is kept
    monkeypatch.setattr(row, "code_version", lambda: "edited")
    row.simulate_row(grid[:1], outputs(grid[:1], tmp_path), tmp_path / "cache")
    assert simulated == [grid[2], grid[0]]


def test_a_damaged_file_in_the_cache_is_made_again(small_grid, tmp_path):
    (cell, *_) = cells_of("he3", small_grid)
    row.simulate_row([cell], outputs([cell], tmp_path), tmp_path / "cache")
    (kept,) = (tmp_path / "cache").glob("*.nc")
    good = kept.read_bytes()
    kept.write_bytes(good[:100])
    row.simulate_row([cell], outputs([cell], tmp_path), tmp_path / "cache")
    assert kept.read_bytes() == good


def test_a_diverging_cell_leaves_no_file_and_names_its_parameters(small_grid, tmp_path):
    grid = cells_of("he3", small_grid)
    wild = replace(grid[0], learning_rate=1e200)
    tried = [grid[1], wild]
    with pytest.raises(row.RowError, match=r"1 of 2 cells failed.*diverged at step .* learning_rate 1e[+]200"):
        row.simulate_row(tried[::-1], outputs(tried[::-1], tmp_path), tmp_path / "cache")
    assert [path.name for path in tmp_path.rglob("*.nc") if "cache" not in path.parts] == [Path(grid[1].path).name]
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_the_file_of_a_cell_says_where_it_is_from(small_grid, tmp_path):
    (cell, *_) = cells_of("he3", small_grid)
    store.write_cell(cell, cell.simulate(), tmp_path / "a.nc")
    found = store.read_cell(cell, tmp_path / "a.nc").attrs
    parameters = {"target", "protocol", "mu", "dimension", "batch_size", "learning_rate", "steps", "replicas", "seed"}
    origin = {
        "engine",
        "backend",
        "dtype",
        "device",
        "version_numpy",
        "version_onepass",
        "git_commit",
        "schema_version",
    }
    assert parameters | origin <= found.keys()
    assert found["dimension"] == 16
    with pytest.raises(store.StoreError, match=r"cell of other parameters \(replicas\)"):
        store.read_cell(replace(cell, replicas=4), tmp_path / "a.nc")
    store.write(store.read(tmp_path / "a.nc").assign_attrs(parameters="[1, 2"), tmp_path / "b.nc")
    with pytest.raises(store.StoreError, match="cell of other parameters"):
        store.read_cell(cell, tmp_path / "b.nc")


def test_equal_runs_make_equal_files(small_grid, tmp_path):
    (cell, *_) = cells_of("he3", small_grid)
    for name in "ab":
        store.write_cell(cell, cell.simulate(), tmp_path / f"{name}.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    dataset = xr.Dataset({"a": ("x", np.arange(4.0))})
    path = tmp_path / "deep" / "a.nc"
    store.write(dataset, path)
    good = path.read_bytes()
    with pytest.raises(store.StoreError, match="'a' has numbers that are not finite; nothing was written"):
        store.write(dataset * np.nan, path)
    monkeypatch.setattr(store, "read", lambda _: dataset + 1)
    with pytest.raises(store.StoreError, match="differs from what was written"):
        store.write(dataset, path)
    assert path.read_bytes() == good
    assert [child.name for child in path.parent.iterdir()] == ["a.nc"], "no temporary file stays"


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is missing"), (b"", "empty, truncated or no NetCDF"), (b"hello", "empty, truncated or no NetCDF")],
)
def test_damaged_files_are_refused(content, words, tmp_path):
    path = tmp_path / "a.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(store.StoreError, match=words):
        store.read(path)


def test_a_file_of_another_schema_is_refused(tmp_path):
    xr.Dataset({"a": 1.0}).to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    with pytest.raises(store.StoreError, match="has schema version None; this version reads 1"):
        store.read(tmp_path / "a.nc")


def test_aggregate(small_grid, tmp_path):
    grid = cells_of("he3", small_grid)
    row.simulate_row(grid, outputs(grid, tmp_path), tmp_path / "cache")
    gathered = aggregate("he3", small_grid, outputs(grid[::-1], tmp_path))
    assert gathered.recovery_step.dims == ("protocol", "mu", "dimension", "replica")
    for cell in grid:
        here = gathered.sel(protocol=cell.protocol, mu=cell.mu, dimension=cell.dimension)
        np.testing.assert_array_equal(here.recovery_step, xr.open_dataset(tmp_path / cell.path).recovery_step)
        assert (here.batch_size, here.learning_rate) == (cell.batch_size, cell.learning_rate)
    np.testing.assert_allclose(gathered.theta_theory, [[1.5, 1.0], [1.5, 1.0]])
    assert gathered.attrs["information_exponent"] == 3
    assert all({"long_name", "units"} <= gathered[name].attrs.keys() for name in gathered.variables)
    store.write(gathered, tmp_path / "he3.nc")

    (tmp_path / grid[3].path).write_bytes(b"")
    (tmp_path / grid[5].path).write_bytes((tmp_path / grid[4].path).read_bytes())
    with pytest.raises(DamageError) as error:
        aggregate("he3", small_grid, outputs(grid, tmp_path))
    assert re.search(
        rf"^2 damaged files\n.*{grid[3].row}.* is empty.*\n.*{grid[5].row}.* of other param", str(error.value)
    )
    assert str(error.value).endswith(f" -R {tmp_path / grid[3].path} {tmp_path / grid[5].path}")


def test_verify_reads_all_that_is_there(small_grid, tmp_path, capsys):
    grid = cells_of("he3", small_grid)
    row.simulate_row(grid[:3], outputs(grid[:3], tmp_path), tmp_path / "cache")
    other = tmp_path / "he3.nc"
    store.write(xr.Dataset({"a": 1.0}), other)
    verify(grid, [str(other)], tmp_path)
    assert "4 files are whole" in capsys.readouterr().out
    other.write_bytes(other.read_bytes()[:-100])
    with pytest.raises(DamageError, match=rf"(?s)1 damaged files.*he3.nc is empty, truncated.* -R {other}$"):
        verify(grid, [str(other)], tmp_path)


def test_aggregate_exactness(configuration, tmp_path):
    change = {"protocols": ["spherical_square"], "students": [1, 2], "batch_sizes": [2], "replicas": 5}
    grid = configuration.experiments["chain_exactness"].model_copy(update=change)
    points = cells_of("e", grid)
    row.simulate_row(points, outputs(points, tmp_path), tmp_path / "cache")
    gathered = aggregate("e", grid, outputs(points, tmp_path))
    assert gathered.overlap.shape == (1, 2, 1, 2, 2, 5)
    one = gathered.sel(students=1)
    np.testing.assert_allclose(one.overlap_norm, abs(one.overlap))
    np.testing.assert_allclose(one.gram_sum, 1)
