"""Archives: whole or refused, nothing written over, nothing outside of the folder."""

import json
import zipfile
from pathlib import Path

import pytest
from onepass.pipeline import archive
from onepass.pipeline.archive import MANIFEST, ArchiveError

FILES = {"data/cells/a.nc": b"cells", "data/a.nc": b"gathered", "figures/a.png": b"drawn"}


@pytest.fixture
def packed(tmp_path, monkeypatch):
    home = tmp_path / "home"
    for name, content in FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    monkeypatch.chdir(home)
    archive.write("packed.zip", list(FILES), {"data": "data"})
    return home / "packed.zip"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def changed(packed, change):
    """The archive with other entries, and a manifest that may know them."""
    with zipfile.ZipFile(packed) as whole:
        entries = {name: whole.read(name) for name in whole.namelist()}
    change(entries)
    with zipfile.ZipFile(packed, "w") as other:
        for name, content in entries.items():
            other.writestr(name, content)


def test_what_was_packed_is_restored_in_the_order_in_which_it_was_made(packed, tmp_path):
    clone = tmp_path / "clone"
    assert archive.restore(packed, clone) == list(FILES)
    assert contents(clone) == FILES
    dates = [(clone / name).stat().st_mtime for name in FILES]
    assert dates == sorted(dates)
    assert len(set(dates)) == 3
    manifest, _ = archive.read(packed)
    assert manifest["licence"] == "MIT"
    assert manifest["configuration"] == {"data": "data"}
    assert {"numpy", "xarray"} <= {name.lower() for name in manifest["packages"]}
    before = packed.read_bytes()
    archive.write(packed, list(FILES), {"data": "data"})
    assert packed.read_bytes() == before, "equal results, equal archives"


def test_what_is_there_and_differs_is_named_and_kept(packed, tmp_path):
    clone = tmp_path / "clone"
    (clone / "data").mkdir(parents=True)
    (clone / "data/a.nc").write_bytes(b"mine")
    with pytest.raises(ArchiveError, match=r"data/a.nc are there and differ"):
        archive.restore(packed, clone)
    assert contents(clone) == {"data/a.nc": b"mine"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entries: entries.update({"data/a.nc": b"other"}), r"data/a.nc differ from the manifest"),
        (lambda entries: entries.pop("data/a.nc"), r"no whole archive"),
        (lambda entries: entries.pop(MANIFEST), r"no whole archive"),
        (lambda entries: entries.update({MANIFEST: b"[1]"}), r"no whole archive"),
    ],
)
def test_damage_is_found_before_anything_is_written(packed, tmp_path, change, said):
    changed(packed, change)
    with pytest.raises(ArchiveError, match=said):
        archive.restore(packed, tmp_path / "clone")
    assert not (tmp_path / "clone").exists()


def test_a_file_that_is_no_archive_and_one_that_is_cut(packed, tmp_path):
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(ArchiveError, match="no whole archive"):
        archive.restore(packed)
    with pytest.raises(ArchiveError, match="no whole archive"):
        archive.restore(tmp_path / "nothing.zip")


@pytest.mark.parametrize("name", ["/tmp/evil.nc", "../evil.nc"])
def test_nothing_leaves_the_folder(packed, tmp_path, name):
    def change(entries):
        manifest = json.loads(entries[MANIFEST])
        manifest["files"][name] = archive._hash(b"evil")
        entries.update({name: b"evil", MANIFEST: json.dumps(manifest).encode()})

    changed(packed, change)
    with pytest.raises(ArchiveError, match="would lie outside of the working folder"):
        archive.restore(packed, tmp_path / "clone")
    with pytest.raises(ArchiveError, match="allowed: 'data' and 'figures_folder' below it"):
        archive.write("other.zip", [str(Path("data/a.nc").resolve())], {})
