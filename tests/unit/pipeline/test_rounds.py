"""Rounds of replicas until θ is known: when they end, and that their runs are those of so many replicas at once."""

from pathlib import Path

import numpy as np
import pytest
from helpers.configuration import tree
from onepass.analysis.closing import closing
from onepass.analysis.fits import fit_experiment
from onepass.pipeline import store
from onepass.pipeline.aggregate import aggregate
from onepass.pipeline.experiments import Until
from onepass.pipeline.grid import cells_of, jobs_of
from onepass.pipeline.progress import Row, summary
from onepass.pipeline.rounds import simulate_rounds, widest
from onepass.pipeline.row import simulate_row
from onepass.pipeline.validation import ConfigurationError, validated

FIT = {"points": 4, "resamples": 200}


@pytest.fixture
def experiment(small_grid):
    change = {"protocols": ["projected_square"], "mu": [0.5, 1.0], "dimensions": [16, 32], "replicas": 8}
    change |= {"gamma0": 0.05, "step_budget": 5.0}
    return small_grid.model_copy(update=change)


def asked(experiment, halfwidth, most=10**6):
    return experiment.model_copy(update={"until": Until(theta_halfwidth=halfwidth, most_replicas=most, **FIT)})


def files(experiment, folder):
    return [str(folder / cell.path) for cell in cells_of("he3", experiment)]


def rounds(experiment, folder):
    simulate_rounds("he3", experiment, files(experiment, folder), folder / "cache")
    return aggregate("he3", experiment, files(experiment, folder))


def at_once(experiment, replicas, folder):
    plain = experiment.model_copy(update={"replicas": replicas, "until": None})
    simulate_row(cells_of("he3", plain), files(plain, folder), folder / "cache")
    return aggregate("he3", plain, files(plain, folder))


def test_replicas_are_doubled_until_every_exponent_is_known(experiment, tmp_path, capsys):
    widths = {}
    for replicas in (8, 16, 32):
        runs = at_once(experiment, replicas, tmp_path / str(replicas))
        widths[replicas] = widest(fit_experiment(runs, **FIT))[0]
    assert widths[8] > widths[16] > widths[32] > 0
    capsys.readouterr()
    mine = asked(experiment, (widths[16] + widths[32]) / 2)
    found = rounds(mine, tmp_path / "rounds")
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines() if "round of" in line] == ["8", "16", "32"]
    assert found.recovery_step.equals(runs.recovery_step)
    assert found.attrs["replicas"] == found.sizes["replica"] == 32
    fits = fit_experiment(found, **FIT)
    store.write(fits, tmp_path / "fits.nc", finite=False)
    said = f"rounds of he3 ended with 32 replicas: θ is known to ± {widths[32]:.2g} or better, asked for"
    assert said in closing([store.read(tmp_path / "fits.nc")])
    (cell, *_) = cells_of("he3", mine)
    assert store.read_cell(cell, tmp_path / "rounds" / cell.path).attrs["replicas"] == 32

    # again, with nothing in the way of a second run; and a wish that the first round fulfils
    before = Path(files(mine, tmp_path / "rounds")[0]).read_bytes()
    rounds(mine, tmp_path / "rounds")
    assert Path(files(mine, tmp_path / "rounds")[0]).read_bytes() == before
    assert rounds(asked(experiment, 10.0), tmp_path / "rounds").sizes["replica"] == 8


def test_rounds_end_with_the_most_replicas(experiment, tmp_path):
    assert rounds(asked(experiment, 1e-9, 20), tmp_path).sizes["replica"] == 20


def test_a_row_without_an_exponent_is_not_waited_for(experiment, tmp_path):
    short = asked(experiment.model_copy(update={"step_budget": 1e-6}), 0.1)
    assert rounds(short, tmp_path).sizes["replica"] == 8


def test_a_median_without_an_upper_bound_is_waited_for(experiment, tmp_path):
    fits = fit_experiment(at_once(experiment, 8, tmp_path), **FIT)
    assert 0 < widest(fits)[0] < np.inf
    fits["median_high"][0, 1, 0] = np.inf
    assert widest(fits) == (np.inf, "a median without an upper bound, of projected_square at mu = 1")
    fits["median"][0, 1, 0] = np.inf
    assert 0 < widest(fits)[0] < np.inf


def test_a_cell_of_a_smaller_grid_is_not_the_same(experiment):
    mine = asked(experiment, 0.1)
    for change in ({"dimensions": [16, 32, 64]}, {"mu": [0.5]}):
        first, other = (cells_of("he3", each)[0] for each in (mine, mine.model_copy(update=change)))
        assert first.path == other.path
        assert first.family == other.family
        assert store.origin(first).hash() != store.origin(other).hash()


def test_cells_of_different_rounds_are_not_gathered(experiment, tmp_path):
    mine = asked(experiment, 10.0)
    rounds(mine, tmp_path)
    (cell, *_) = cells_of("he3", mine)
    path = tmp_path / cell.path
    store.write_cell(cell, store.read_cell(cell, path).isel(replica=slice(7)), path)
    with pytest.raises(ValueError, match="holds 8 replicas, others 7"):
        aggregate("he3", mine, files(mine, tmp_path))


def test_rounds_are_one_job_and_share_random_numbers_with_runs_without_them(experiment):
    cells, plain = cells_of("he3", asked(experiment, 0.1)), cells_of("he3", experiment)
    assert [*jobs_of(cells, [1e6] * len(cells))] == [""]
    row = Row.of(cells, ["a.nc"] * len(cells), "no.log", "cache", False)
    said = summary([row], [row.seconds()], 4, 1, ["data", "figures"], 0)
    assert "replicas of 4 cells are doubled until their exponents are known" in said
    assert [cell.entropy for cell in cells] == [cell.entropy for cell in plain]
    assert all(cell.identity != other.identity for cell, other in zip(cells, plain, strict=True))


def test_the_fit_of_the_configuration_decides_unless_another_is_named():
    own = {"theta_halfwidth": 0.02}
    found = validated(tree({"experiments": {"he3": {"until": own}}}))
    until, fit = found.experiments["he3"].until, found.fit
    assert (until.most_replicas, until.points, until.resamples) == (4096, fit.points, fit.resamples)
    assert found.grid("he3")[0].until[:-1] == (0.02, 4096, fit.points, fit.resamples)
    for change, words in (
        (
            {"until": own | {"most_replicas": 32}},
            "until.most_replicas is 32 and replicas 64, .*; allowed: as many or more",
        ),
        ({"until": own, "dimensions": [64]}, r"until is given and dimensions are \[64\]; allowed: two or more"),
        ({"until": {"theta_halfwidth": 0.0}}, "until.theta_halfwidth: 0.0: allowed: greater than 0"),
        ({"until": {"theta": 0.1}}, "until.theta: 0.1: unknown key; allowed: theta_halfwidth, most_replicas"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            validated(tree({"experiments": {"he3": change}}))
