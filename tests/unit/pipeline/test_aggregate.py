"""Experiments gathered from their cells."""

import os
import re

import numpy as np
import pytest
import xarray as xr
from helpers.cells import outputs, simulated
from helpers.trajectories import gathered
from onepass.pipeline import freshness, store
from onepass.pipeline.aggregate import aggregate
from onepass.pipeline.grid import cells_of
from onepass.pipeline.verify import DamageError


def test_aggregate(small_grid, tmp_path, monkeypatch):
    grid = cells_of("he3", small_grid)
    simulated(grid, tmp_path)
    gathered = aggregate("he3", small_grid, outputs(grid[::-1], tmp_path))
    assert gathered.recovery_step.dims == ("protocol", "mu", "dimension", "replica")
    for cell in grid:
        here = gathered.sel(protocol=cell.protocol, mu=cell.mu, dimension=cell.dimension)
        np.testing.assert_array_equal(here.recovery_step, xr.open_dataset(tmp_path / cell.path).recovery_step)
        assert (here.batch_size, here.learning_rate) == (cell.batch_size, cell.learning_rate)
    np.testing.assert_allclose(gathered.theta_theory, [[1.5, 1.0], [1.5, 1.0]])
    np.testing.assert_allclose(gathered.start_norm, gathered.dimension**-0.5)
    np.testing.assert_array_equal(gathered["delta"], [[1.0, 0.5], [1.0, 0.5]])
    rates = small_grid.gamma0 * gathered.dimension ** -gathered["delta"]
    np.testing.assert_allclose(gathered.learning_rate, rates.transpose(*gathered.learning_rate.dims), rtol=1e-11)
    assert gathered.attrs["information_exponent"] == 3
    assert all({"long_name", "units"} <= gathered[name].attrs.keys() for name in gathered.variables)
    store.write(gathered, tmp_path / "he3.nc")

    (tmp_path / grid[3].path).write_bytes(b"")
    (tmp_path / grid[5].path).write_bytes((tmp_path / grid[4].path).read_bytes())
    with pytest.raises(DamageError) as error:
        aggregate("he3", small_grid, outputs(grid, tmp_path), "take away")
    assert re.search(
        rf"^2 damaged files\n.*{grid[3].row}.* is empty.*\n.*{grid[5].row}.* of other param", str(error.value)
    )
    assert str(error.value).endswith(f"\nto rebuild: take away {tmp_path / grid[3].path}"), "the other one is seen"

    monkeypatch.setattr(freshness, "code_version", lambda _: "edited")
    with pytest.raises(DamageError, match=rf"(?s)^8 damaged files\n.*{grid[0].row}.* was made by other code"):
        aggregate("he3", small_grid, outputs(grid, tmp_path))
    simulated(grid, tmp_path)
    os.unlink(tmp_path / grid[6].path)
    with pytest.raises(DamageError, match=r"(?s)^1 damaged files\n.* is missing\nto rebuild: the same command again$"):
        aggregate("he3", small_grid, outputs(grid, tmp_path))


def test_aggregate_exactness(configuration, tmp_path):
    change = {"protocols": ["spherical_square"], "students": [1, 2], "batch_sizes": [2], "replicas": 5}
    grid = configuration.experiments["chain_exactness"].model_copy(update=change)
    points = cells_of("e", grid)
    simulated(points, tmp_path)
    gathered = aggregate("e", grid, outputs(points, tmp_path))
    assert gathered.overlap.shape == (1, 2, 1, 2, 2, 5)
    one = gathered.sel(students=1)
    np.testing.assert_allclose(one.overlap_norm, abs(one.overlap))
    np.testing.assert_allclose(one.gram_sum, 1)


def test_aggregated_runs(tmp_path):
    dataset = gathered(tmp_path)
    assert dataset.overlap_norm.dims == ("protocol", "mu", "dimension", "replica", "record")
    assert dataset.step.dims == ("protocol", "mu", "dimension", "record")
    assert (dataset.step.diff("record") >= 0).all()
    np.testing.assert_allclose(dataset.overlap_norm.isel(record=0, dimension=0), 1 / 4)
    assert dataset.overlaps.dims == (*dataset.overlap_norm.dims, "student", "teacher")
    np.testing.assert_allclose(np.linalg.norm(dataset.overlaps, axis=(-2, -1)), dataset.overlap_norm)
    assert np.isfinite(dataset.risk).all()
    expected = np.round(2.0 * dataset.dimension**2 / dataset.batch_size)
    np.testing.assert_array_equal(dataset.step.isel(record=-1, protocol=0), expected.transpose("mu", "dimension"))
    assert all({"long_name", "units"} <= dataset[name].attrs.keys() for name in dataset.variables)
