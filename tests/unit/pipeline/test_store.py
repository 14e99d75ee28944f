"""Files of results: whole, refused when damaged, and they say where they are from."""

import errno
import fcntl
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from onepass.pipeline import store
from onepass.pipeline.grid import cells_of


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


def test_files_say_where_they_were_computed(tmp_path, configuration):
    from onepass.pipeline import store

    cell = replace(cells_of("he3", configuration.experiments["he3"])[0], steps=2)
    store.write_cell(cell, cell.simulate(), tmp_path / "a.nc")
    attributes = store.read_cell(cell, tmp_path / "a.nc").attrs
    assert (attributes["backend"], attributes["device"]) == ("numpy", "cpu")
    store.write_cell(cell, cell.simulate().assign_attrs(backend="cupy", device="A GPU"), tmp_path / "b.nc")
    assert store.read_cell(cell, tmp_path / "b.nc").attrs["device"] == "A GPU"


def saved(tmp_path):
    store.write(xr.Dataset({"a": ("x", np.arange(4.0))}), tmp_path / "a.nc")
    return tmp_path / "a.nc"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.EIO, errno.ENOLCK, errno.ESTALE])
def test_a_file_that_the_system_does_not_open_is_not_called_damaged(tmp_path, monkeypatch, number, reliability):
    path = saved(tmp_path)
    expected = {path: path.read_bytes()}

    def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(xr, "open_dataset", refused)
    monkeypatch.setattr(store.Path, "read_bytes", refused)
    with pytest.raises(store.UnreadableError, match=rf"a.nc cannot be read \({os.strerror(number)}, .* may be whole"):
        store.read(path)
    monkeypatch.undo()
    found = {path: path.read_bytes()}
    fault = "a file that may be whole cannot be opened: no permission, no memory, no lock, a stale handle"
    reliability(fault, 1, expected, found, "the same command, when it can be opened")
    assert found == expected


def test_a_file_that_cannot_be_locked_is_not_called_damaged(tmp_path, monkeypatch):
    """As where the user insists on locks and the file system has none."""
    path = saved(tmp_path)

    def unlocked(*_, **__):
        raise OSError(-101, "NetCDF: HDF error")

    monkeypatch.setattr(xr, "open_dataset", unlocked)
    with pytest.raises(store.UnreadableError, match=r"whole and cannot be opened.*HDF5_USE_FILE_LOCKING=FALSE"):
        store.read(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(store.StoreError, match="truncated") as error:
        store.read(path)
    assert not isinstance(error.value, store.UnreadableError)


def test_files_are_read_and_written_without_locks(tmp_path):
    """While another process holds a lock on the whole file."""
    path = saved(tmp_path)
    code = f"from onepass.pipeline import store; print(float(store.read({str(path)!r}).a.sum()))"
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "6.0", done.stderr
