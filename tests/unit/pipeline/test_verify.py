"""Every file that is there is read."""

import pytest
import xarray as xr
from helpers.cells import simulated
from onepass.pipeline import store
from onepass.pipeline.grid import cells_of
from onepass.pipeline.verify import DamageError, verify


def test_verify_reads_all_that_is_there(small_grid, tmp_path, capsys):
    grid = cells_of("he3", small_grid)
    simulated(grid[:3], tmp_path)
    other = tmp_path / "he3.nc"
    store.write(xr.Dataset({"a": 1.0}), other)
    verify(grid, [str(other)], tmp_path, "take away")
    assert "4 files are whole" in capsys.readouterr().out
    other.write_bytes(other.read_bytes()[:-100])
    with pytest.raises(
        DamageError, match=rf"(?s)1 damaged files.*he3.nc is empty, truncated.*\nto rebuild: take away {other}$"
    ):
        verify(grid, [str(other)], tmp_path, "take away")


def test_what_cannot_be_read_is_not_to_be_rebuilt():
    unreadable = {"a.nc": store.UnreadableError("a.nc cannot be read")}
    assert str(DamageError(unreadable, "take away")) == "1 files that cannot be read\n  a.nc cannot be read"
    both = str(DamageError(unreadable | {"b.nc": store.StoreError("b.nc is empty")}, "take away"))
    assert both.endswith("1 damaged files\n  b.nc is empty\nto rebuild: take away b.nc")
