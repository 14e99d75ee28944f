"""The code behind a module, as the sources say it and as Python loads it."""

import ast
import subprocess
import sys
from dataclasses import replace

import pytest
from onepass.pipeline import cell as cells
from onepass.pipeline.config import FIGURES
from onepass.pipeline.grid import cells_of
from onepass.sources import PACKAGE, closure, sources

CELL, GATHERED = "onepass.pipeline.cell", "onepass.pipeline.aggregate"


def loaded(code):
    """The package's modules that are loaded after some code, by a process of its own."""
    names = "print(*[name for name in sys.modules if name.startswith('onepass.')])"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{names}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split("\n")[-2].split())


def rooms():
    return {".".join(path.parent.relative_to(PACKAGE.parent).parts) for path in PACKAGE.rglob("__init__.py")}


def test_what_a_cell_loads_is_behind_it(configuration):
    """Every engine, and every form of its batches."""
    point = replace(cells_of("he3", configuration.experiments["he3"])[0], dimension=16, steps=1, replicas=1)
    models = {"target": "He3(x1)", "activation": "He3"}, {"target": "He3(x1)", "activation": "relu"}
    points = [
        *(replace(point, engine=engine, batch_size=4) for engine in ("sgd", "chain")),
        *(replace(point, engine="gaussian", batch_size=10**6, **model) for model in models),
        replace(point, protocol="projected_adaptive", engine="sgd", batch_size=4),
    ]
    found = loaded(
        f"from onepass.pipeline.cell import unpack\nfor cell in unpack({cells.pack(points)!r}): cell.simulate()"
    )
    assert "onepass.simulation.chain.kernel" in found
    assert found - rooms() <= set(closure(CELL))


@pytest.mark.parametrize(
    "module",
    [GATHERED, "onepass.analysis.fits", "onepass.analysis.summary", "onepass.figures.learning_rate_phase_diagram"],
)
def test_what_a_module_loads_is_behind_it(module):
    assert loaded(f"import {module}") - rooms() <= set(closure(module))


def test_rooms_hold_names_alone():
    """They are behind no result: what stands in them is a sentence and what they lend out, nothing to compute with."""
    for path in PACKAGE.rglob("__init__.py"):
        _, *rest = ast.parse(path.read_text()).body
        for statement in rest:
            imported = isinstance(statement, ast.Import | ast.ImportFrom)
            assert imported or (isinstance(statement, ast.Assign) and "__" in ast.unparse(statement.targets)), path


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
