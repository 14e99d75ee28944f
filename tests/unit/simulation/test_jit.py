"""Compiled code that is damaged, of other sources, or that cannot be kept."""

import errno
import importlib.util
import os
import shutil
import subprocess
import sys

import pytest
from helpers.project import ROOT
from numba.core import caching
from onepass.simulation import jit

SOURCE = """
from onepass.simulation.jit import compiled

@compiled
def double(x):
    return x + x
"""


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Load a module of the package with one compiled function, as a new process does; whether its code was kept."""
    path = tmp_path / "probe.py"
    path.write_text(SOURCE)
    monkeypatch.setattr(jit, "code_version", lambda _: "of today")

    def load():
        specification = importlib.util.spec_from_file_location("onepass.probe", path)
        module = importlib.util.module_from_spec(specification)
        monkeypatch.setitem(sys.modules, "onepass.probe", module)
        specification.loader.exec_module(module)
        assert module.double(21.0) == 42.0
        return bool(module.double.stats.cache_hits)

    return load


def kept(folder, suffix):
    (path,) = (folder / "__pycache__").glob(f"*{suffix}")
    return path


def test_code_is_kept(loaded):
    assert [loaded(), loaded()] == [False, True]


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("length", [0, 1, 40, 200])
def test_a_file_that_is_cut_is_made_once_more(loaded, tmp_path, suffix, length, caplog):
    loaded()
    path = kept(tmp_path, suffix)
    path.write_bytes(path.read_bytes()[:length])
    assert not loaded()
    assert "cannot be used" in caplog.text
    assert loaded(), "and kept again"


def test_code_of_other_sources_is_not_taken(loaded, monkeypatch):
    """Of any file that the module imports, which Numba does not look at."""
    loaded()
    monkeypatch.setattr(jit, "code_version", lambda _: "of tomorrow")
    assert not loaded()
    assert loaded()


OUTER = """
from onepass.inner import Pair, inner
from onepass.simulation.jit import compiled

@compiled
def outer(pair: Pair):
    return inner(pair) + pair.first
"""
INNER = """
from typing import NamedTuple
from onepass.simulation.jit import compiled

class Pair(NamedTuple):
    first: float
    second: float

@compiled
def inner(pair: Pair):
    return 10.0 * pair.second
"""


def test_an_edit_of_an_imported_file_is_noticed(tmp_path):
    """Of what a compiled function calls, and of the places of the fields that it reads: two numbers are of one type."""
    package = tmp_path / "onepass"
    shutil.copytree(ROOT / "workflow" / "onepass", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "outer.py").write_text(OUTER)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    code = "from onepass.outer import Pair, outer; print(outer(Pair(first=1.0, second=2.0)), outer.stats.cache_hits)"

    def printed(inner):
        (package / "inner.py").write_text(inner)
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
        value, _, hits = done.stdout.strip().partition(" ")
        return float(value), hits != "Counter()"

    assert [printed(INNER), printed(INNER)] == [(21.0, False), (21.0, True)]
    assert printed(INNER.replace("10.0", "100.0")) == (201.0, False)
    first, second = "    first: float\n", "    second: float\n"
    swapped = INNER.replace(first + second, second + first)
    assert swapped != INNER
    assert printed(swapped) == (21.0, False)


def test_a_full_disk_costs_a_compilation(loaded, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_data", full)
    assert not loaded()


def test_where_the_source_cannot_be_written_code_is_kept_in_the_cache_folder(loaded, tmp_path, monkeypatch):
    """Of Numba's own places one is left, which is used once it has been named."""
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [caching.UserProvidedCacheLocator])
    monkeypatch.setattr(jit.numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("ONEPASS_CACHE", str(tmp_path / "cache"))
    assert [loaded(), loaded()] == [False, True]
    assert list((tmp_path / "cache" / "numba").rglob("*.nbc"))


def test_many_jobs_compile_into_one_empty_cache(tmp_path):
    """Jobs that start at once race for the same files: all of them end, with the same numbers."""
    code = f"""if True:
        import sys
        from onepass.simulation.chain.build import kept_module
        sys.stdin.readline()
        print(kept_module(["probe"], lambda: {SOURCE!r}).double(21.0))"""
    environment = {**os.environ, "ONEPASS_CACHE": str(tmp_path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    jobs = [subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes) for _ in range(2)]
    for job in jobs:  # both have loaded what they need
        job.stdin.write("\n")
        job.stdin.flush()
    printed = [job.communicate()[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0]
    assert printed == ["42.0\n"] * 2
    assert len(list(tmp_path.glob("__pycache__/*.nbc"))) == 1
