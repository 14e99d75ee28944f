"""Whether the steps and times that a plan expects are true."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.configuration import configured
from helpers.project import ROOT
from onepass.pipeline import cost
from onepass.pipeline.cell import pack
from onepass.pipeline.grid import cells_of, jobs_of
from onepass.pipeline.progress import Row, summary
from onepass.pipeline.row import own


@pytest.mark.parametrize(
    "name, change",
    [
        ("he3", {"dimensions": [2048], "mu": [1.25]}),
        ("square", {"dimensions": [512], "mu": [0.5]}),
        ("erf", {"dimensions": [512], "mu": [0.0, 1.5]}),
        ("he4", {"dimensions": [512], "mu": [2.0, 3.25]}),
        ("he3_paper_rate", {"dimensions": [256], "mu": [1.0, 2.0]}),
        ("he3_map_square", {"dimensions": [64], "mu": [1.0, 2.0], "deltas": [0.0, 0.5]}),
        ("ode_flow", {"dimensions": [1000], "steps": 500}),
    ],
)
def test_steps_are_known_before_a_run(name, change, configuration):
    """Mean steps of the replicas against what is expected: a factor of 2, seldom more where noise decides."""
    experiment = configuration.experiments[name].model_copy(update=change | {"replicas": 8})
    ratios = []
    for cell in cells_of(name, experiment):
        ran = float(cell.simulate().recovery_step.mean())
        ratios.append(cost.expected_steps(cell) / max(ran, 1.0))
        assert 1 / 4 < ratios[-1] < 4, cell.path
    assert 1 / 2 < np.exp(np.mean(np.log(ratios))) < 2


@pytest.mark.parametrize("command, overlays", [("figures", []), ("quick", [ROOT / "config" / "quick.yaml"])])
def test_the_expected_times_are_those_that_the_readme_measured(command, overlays):
    """On two cores, to within a factor of 2."""
    (minutes,) = re.findall(rf"^make {command} .* (\d+) min", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    configuration = configured(*overlays)
    rows = [
        Row(cells, [cell.path for cell in cells], "no.log", "nowhere")
        for name, experiment in configuration.experiments.items()
        for grid in [cells_of(name, experiment)]
        for cells in jobs_of(grid, cost.costs(pack(grid))).values()
    ]
    figures = len(configuration.figures) + 2 * len(configuration.experiments)
    text = summary(rows, [row.seconds() for row in rows], 0, 2, ["nowhere", ""], figures)
    number, unit = re.search(r"about (\d+) (s|min)", text).groups()
    assert 1 / 2 < int(number) / (60 if unit == "s" else 1) / int(minutes) < 2


def test_a_kept_cell_costs_next_to_nothing(small_grid, tmp_path):
    cell = replace(cells_of("he3", small_grid)[0], steps=10**9, threshold=None)
    row = Row([cell], [cell.path], "no.log", tmp_path / "cache")
    before = row.seconds()
    file = own(cell, row.cache)
    file.parent.mkdir(parents=True)
    file.touch()
    assert row.seconds() < 2 < before
