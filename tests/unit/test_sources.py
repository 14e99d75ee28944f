"""The code behind a module, as the sources say it and as Python loads it."""

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from helpers.cells import outputs, simulated
from helpers.experiments import exactness, experiment
from onepass.pipeline import cell as cells
from onepass.pipeline.config import FIGURES
from onepass.pipeline.grid import cells_of
from onepass.sources import PACKAGE, closure, sources

CELL, GATHERED = "onepass.pipeline.cell", "onepass.pipeline.aggregate"


def printed(code, folder=PACKAGE.parent):
    """What a process that imports the package from `folder` prints after some code, on its last line."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "MPLBACKEND": "agg"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[-2]


def loaded(code):
    """The package's modules that are loaded after some code, by a process of its own."""
    names = "print(*[name for name in sys.modules if name.startswith('onepass.')])"
    return set(printed(f"import sys\n{code}\n{names}").split())


def rooms():
    return {".".join(path.parent.relative_to(PACKAGE.parent).parts) for path in PACKAGE.rglob("__init__.py")}


def test_what_a_cell_loads_is_behind_it(configuration):
    """Every engine, and every form of its batches."""
    point = replace(cells_of("he3", configuration.experiments["he3"])[0], dimension=16, steps=1, replicas=1)
    pair = {"target": "He2(x1) + x2", "activation": "He2", "students": 2, "second_layer": (1.0, -0.5)}
    models = {"target": "He3(x1)", "activation": "He3"}, pair  # compiled for the laws of leaps as well
    points = [
        *(replace(point, engine=engine, batch_size=4) for engine in ("sgd", "chain")),
        *(
            replace(point, engine=engine, batch_size=10**6, **model)
            for model in models
            for engine in ("gaussian", "leap")
        ),
        replace(point, protocol="projected_adaptive", engine="sgd", batch_size=4),
    ]
    found = loaded(
        f"from onepass.pipeline.cell import unpack\nfor cell in unpack({cells.pack(points)!r}): cell.simulate()"
    )
    assert "onepass.simulation.chain.kernel" in found
    assert found - rooms() <= set(closure(CELL))


def test_what_gathers_fits_and_draws_loads_is_behind_it(small_grid, tmp_path):
    """At work, on data: what is imported inside a function counts too."""
    settings = small_grid.model_copy(update={"replicas": 8})
    grid = cells_of("he3", settings)
    simulated(grid, tmp_path)
    recovery, made_up = tmp_path / "recovery.nc", tmp_path / "exactness.nc"
    experiment().to_netcdf(recovery)
    exactness().to_netcdf(made_up)
    for module, use in [
        (
            GATHERED,
            "from onepass.pipeline.experiments import experiment_from\n"
            f"module.aggregate('he3', experiment_from({settings.model_dump_json()!r}), {outputs(grid, tmp_path)!r})",
        ),
        ("onepass.analysis.fits", f"module.fit_experiment(xr.open_dataset({str(recovery)!r}), resamples=10)"),
        ("onepass.figures.time_exponents", f"module.draw([xr.open_dataset({str(recovery)!r})])"),
        ("onepass.figures.chain_exactness", f"module.draw([xr.open_dataset({str(made_up)!r})])"),
    ]:
        found = loaded(f"import importlib\nmodule = importlib.import_module({module!r})\nimport xarray as xr\n{use}")
        own = {
            "onepass.pipeline.experiments",
            "onepass.pipeline.comparisons",
            "onepass.pipeline.keys",
            "onepass.pipeline.protocols",
            "onepass.pipeline.choices",
        }  # asked for by this test
        assert module in found
        assert found - rooms() - (own if module == GATHERED else set()) <= set(closure(module)), module


@pytest.mark.parametrize("module", ["onepass.analysis.summary", "onepass.figures.learning_rate_phase_diagram"])
def test_what_a_module_imports_is_behind_it(module):
    assert loaded(f"import {module}") - rooms() <= set(closure(module))


RESULTS = {
    "cells": CELL,
    "fits": "onepass.analysis.fits",
    "gathered": GATHERED,
    "time_exponents": "onepass.figures.time_exponents",
    "leap": "onepass.figures.leap",
}
EDITED = {  # whose code changes with a file
    "simulation/chain/kernel.py": {"cells", "fits", "gathered", "leap"},
    "simulation/cuda/philox.cuh": {"cells", "fits", "gathered", "leap"},
    "formulas/language.py": {"cells", "fits", "gathered", "leap", "time_exponents"},
    "protocol.py": {*RESULTS},
    "theory/exponents.py": {"fits", "gathered", "time_exponents", "leap"},
    "analysis/recovery.py": {"fits", "leap"},
    "pipeline/store.py": {"gathered"},
    "figures/style.py": {"time_exponents", "leap"},
    "figures/leap.py": {"leap"},
    "pipeline/time_left.py": set(),
    "targets/warnings.py": set(),
    "cli/app.py": set(),
}
HASHES = f"""
from pathlib import Path
from onepass import sources

def hashes():
    for known in (sources._imports, sources.closure, sources.code_version, sources.digest):
        known.cache_clear()
    return {{name: sources.code_version(module) for name, module in {RESULTS!r}.items()}}

before, changed = hashes(), {{}}
for name in {[*EDITED]!r}:
    file = sources.PACKAGE / name
    content = file.read_bytes()
    file.write_bytes(content + b" ")
    after = hashes()
    changed[name] = {{result for result in before if after[result] != before[result]}}
    file.write_bytes(content)
assert hashes() == before, "the content counts, not its date"
print(repr(changed))
"""


def test_an_edit_changes_the_code_of_what_imports_the_file(tmp_path):
    """In a copy of the package, kernels of a GPU included."""
    shutil.copytree(PACKAGE, tmp_path / "onepass", ignore=shutil.ignore_patterns("__pycache__"))
    assert ast.literal_eval(printed(HASHES, tmp_path).replace("set()", "{}")) == {
        name: results or {} for name, results in EDITED.items()
    }


def test_rooms_hold_names_alone():
    """They are behind no result: what stands in them is a sentence and what they lend out, nothing to compute with."""
    for path in PACKAGE.rglob("__init__.py"):
        sentence, *rest = ast.parse(path.read_text()).body
        assert isinstance(sentence.value, ast.Constant), path
        for statement in map(ast.unparse, rest):
            lent = re.fullmatch(r"__getattr__, __dir__, __all__ = lazy_loader\.attach\(__name__, .*\)", statement)
            own = re.fullmatch(r"__version__ = '[\d.]+'|__all__ = \['__version__', \*__all__\]", statement)
            assert lent or own or statement == "import lazy_loader", f"{path}: {statement}"


def test_gathered_cells_have_the_code_of_the_cells_behind_them():
    """So a gathered file need not name the origins of its cells, which whoever gathers compares."""
    assert set(closure(CELL)) <= set(closure(GATHERED))


def test_wording_is_behind_no_cell():
    for module in ("onepass.pipeline.progress", "onepass.pipeline.time_left", "onepass.cli.app", "onepass.errors"):
        assert (module in closure(CELL)) == (module == "onepass.errors")


def test_every_figure_has_code_and_the_kernels_of_a_gpu_are_behind_cells():
    for name in FIGURES:
        assert f"onepass.figures.{name}" in closure(f"onepass.figures.{name}")
    names = {path.name for path in sources(CELL)}
    assert {"chain.cuh", "philox.cuh", "kernel.py"} <= names
    assert all(path.is_file() for path in sources(CELL))
