"""Where results come from: their files carry it, whatever their format."""

import pytest
import xarray as xr
from onepass.figures import style
from onepass.pipeline import freshness, store
from onepass.pipeline.freshness import EditedError, Origin
from onepass.sources import code_version, digest

CODE = "onepass.errors"  # the smallest there is
ORIGIN = Origin(CODE, "{}")


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A folder of scripts of its own, with one in it; what was known of them and of the code is forgotten."""
    monkeypatch.setattr(freshness, "SCRIPTS", tmp_path)
    (tmp_path / "one.py").write_text("1")
    yield tmp_path
    digest.cache_clear()
    code_version.cache_clear()


def test_any_part_of_an_origin_tells_it_from_others(scripts, monkeypatch):
    (scripts / "two.py").write_text("2")
    inputs = (ORIGIN, Origin(CODE, "[]"))
    origins = [
        ORIGIN,
        *(ORIGIN._replace(**other) for other in ({"code": "onepass.sources"}, {"parameters": "[]"})),
        *(ORIGIN._replace(script=name) for name in ("one", "two")),
        *(ORIGIN._replace(inputs=made) for made in (inputs, inputs[::-1], inputs[:1])),
    ]
    hashes = {origin.hash() for origin in origins}
    assert len(hashes) == len(origins)
    monkeypatch.setattr(freshness, "code_version", lambda module: f"{module} edited")
    assert not hashes & {origin.hash() for origin in origins}


@pytest.mark.parametrize("name", ["a.nc", "a.pdf", "a.png"])
def test_a_file_carries_its_origin(name, tmp_path):
    path = tmp_path / name
    if path.suffix == ".nc":  # as many attributes and numbers as the largest have
        runs = xr.Dataset({"a": ("x", [0.5] * 100_000)}, attrs={f"attribute {i}": "x" * 100 for i in range(60)})
        store.write(runs.assign_attrs(origin=ORIGIN.hash()), path)
    else:
        style.save(style.new_figure(1.0), [path], ORIGIN.hash())
    assert ORIGIN.is_of(path)
    assert not ORIGIN._replace(parameters="[]").is_of(path)
    path.write_bytes(b"")
    assert not ORIGIN.is_of(path)
    path.unlink()
    assert not ORIGIN.is_of(path)


def test_what_is_made_of_data_has_their_origins():
    parts = [ORIGIN, Origin(CODE, "[]")]
    read = [xr.Dataset(attrs={"origin": part.hash()}) for part in parts]
    assert Origin(CODE, "1").of(*read).hash() == Origin(CODE, "1", inputs=tuple(parts)).hash()
    assert Origin(CODE, "1").of(xr.Dataset()).hash() != Origin(CODE, "1").hash(), "data of an unknown origin"


def test_code_that_is_edited_while_it_is_loaded_makes_nothing(scripts, monkeypatch):
    origin = Origin(CODE, "{}", "one")
    before = origin.hash()
    assert origin.load() == origin
    assert origin.hash() == before
    (scripts / "one.py").write_text("edited later")
    assert origin.hash() == before, "what was loaded"
    digest.cache_clear()
    monkeypatch.setattr(freshness, "import_module", lambda _: (scripts / "one.py").write_text("edited in between"))
    with pytest.raises(EditedError, match="the same command again"):
        origin.load()
