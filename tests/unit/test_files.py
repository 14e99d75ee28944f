"""Files appear whole or not at all, with the mode of the user; and where it is kept what is slow to make again."""

import os

import pytest
from onepass import files
from onepass.simulation.chain import build


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    with files.atomic(path) as part:
        part.write_text("first")
        assert not path.exists()
    with pytest.raises(TypeError), files.atomic(path) as part:
        part.write_text(part.write_text("second"))
    assert path.read_text() == "first"
    assert [child.name for child in path.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_file_has_the_mode_that_the_umask_gives(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        with files.atomic(tmp_path / "a.txt") as part:
            part.write_text("text")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == mode


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The three folders that a user can name, in their order, none of them there."""
    folders = [tmp_path / "own", tmp_path / "user", tmp_path / "home"]
    for name, folder in zip(("ONEPASS_CACHE", "XDG_CACHE_HOME", "HOME"), folders, strict=True):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(files.tempfile, "tempdir", str(tmp_path))
    files._first_writable.cache_clear()
    yield [folders[0], folders[1] / "onepass", folders[2] / ".cache" / "onepass", tmp_path / f"onepass-{os.getuid()}"]
    files._first_writable.cache_clear()


@pytest.mark.parametrize("blocked", range(4))
def test_the_first_folder_that_can_be_written_is_taken(places, blocked, tmp_path, caplog):
    for name in ("own", "user", "home")[:blocked]:
        (tmp_path / name).write_text("a file where a folder should be")
    assert files.cache_folder() == files.cache_folder() == places[blocked]
    assert len(caplog.records) == (blocked > 0), "one line, however often it is asked for"
    assert str(places[blocked]) in caplog.text or not blocked


def test_a_kernel_that_was_cut_is_written_once_more(tmp_path):
    path = tmp_path / "kernel.py"
    source = "value = 1\n" * 100
    path.write_text(f"{build._heading(source)}\n{source}")
    assert build._is_whole(path)
    for length in (0, 10, 300):
        path.write_bytes(path.read_bytes()[:length])
        assert not build._is_whole(path)
    path.write_bytes(b"\xff\xfe")
    assert not build._is_whole(path)
