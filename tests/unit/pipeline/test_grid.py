"""From grids to cells: scalings, budgets and lengths."""

import pytest
from helpers.trajectories import HE3, STAIRCASE, experiment
from onepass.pipeline.grid import FEWEST_STEPS, LONGEST_JOB, cells_of, jobs_of


def test_a_cell_does_not_know_its_grid(small_grid):
    larger = small_grid.model_copy(update={"mu": [0.25, 0.5, 1.0], "dimensions": [16, 32, 64]})
    assert set(cells_of("he3", small_grid)) < set(cells_of("he3", larger))


def test_scalings(configuration):
    """γ = γ0 d^-δ, n_b = n0 d^μ and the budget in units of the theory's time, by hand for He3 at d = 1024."""
    change = {"mu": [1.0, 1.75], "dimensions": [1024], "gamma0": 0.002, "start": 2.0, "step_budget": 0.3}
    change |= {"engine": "auto", "gaussian_from": 3000, "tolerance": None}
    listed = cells_of("he3", configuration.experiments["he3"].model_copy(update=change))
    grid = {(c.protocol, c.mu, c.dimension): c for c in listed}
    for key, delta, theta in [
        (("projected_square", 1.0, 1024), 0.5, 1.0),
        (("projected_square", 1.75, 1024), 0.0, 0.5),
        (("projected_correlation", 1.75, 1024), -0.25, 0.25),
    ]:
        cell = grid[key]
        assert cell.batch_size == round(1024 ** key[1])
        assert cell.learning_rate == pytest.approx(0.002 * 1024**-delta)
        assert cell.steps == pytest.approx(0.3 / 0.002 * 1024**theta, abs=1)
        assert cell.initial == 2 / 32
        assert cell.engine == ("gaussian" if key[1] == 1.75 else "chain")  # from a batch of 3000


def test_a_map_that_goes_by_the_own_rate_has_its_budget(configuration):
    """In units of d^(δ + 1/2)/γ0 for He3, at d = 1024; where that is next to nothing, some steps."""
    change = {"mu": [1.0], "deltas": [-1.0, 1.0], "dimensions": [256, 1024], "gamma0": 0.02, "step_budget": 0.1}
    experiment = configuration.experiments["he3_map_square"].model_copy(update=change)
    steps = {c.delta: c.steps for c in cells_of("he3_map_square", experiment) if c.dimension == 1024}
    assert steps == {1.0: round(0.1 / 0.02 * 1024**1.5), -1.0: FEWEST_STEPS}
    best = experiment.model_copy(update={"budget": "best"})
    assert {c.steps for c in cells_of("he3_map_square", best) if c.dimension == 1024} == {round(5 * 1024**1.5)}


@pytest.mark.parametrize("name", ["he3", "he3_map_square", "leaps_square", "chain_exactness"])
def test_a_job_simulates_as_much_as_is_cheap(name, configuration):
    cells = cells_of(name, configuration.experiments[name])
    protocols, rows = {cell.protocol for cell in cells}, {cell.row for cell in cells}
    whole = 0.9 * LONGEST_JOB
    of_protocols = protocols if len(protocols) > 1 else {""}
    for total, names in ((whole, {""}), (whole * len(protocols), of_protocols), (1.1 * LONGEST_JOB * len(cells), rows)):
        jobs = jobs_of(cells, [total / len(cells)] * len(cells))
        assert jobs.keys() == names
        assert sorted(c.path for job in jobs.values() for c in job) == sorted(c.path for c in cells)
        kinds = {tuple(c.name.removeprefix(common) for c in job) for common, job in jobs.items()}
        assert len(kinds) == 1, "files of all jobs differ by the name of the job alone"


def test_the_edge_of_learning_by_hand():
    """γ = γ0 p n_b d^(-ℓ/2) and n_b T = samples d^(ℓ-1)."""
    model = HE3 | {"students": 2}
    cell = cells_of("runs", experiment(model=model, mu=[1.0], dimensions=[64], samples=10.0))[0]
    assert cell.batch_size == 64
    assert cell.learning_rate == pytest.approx(0.01 * 2 * 64 * 64**-1.5)
    assert cell.steps == 10 * 64
    assert cell.threshold is None
    assert cells_of("runs", experiment(delta=0.25))[0].learning_rate == pytest.approx(0.01 * 16**-0.25)
    stair = cells_of("runs", experiment(model=STAIRCASE, mu=[0.5], dimensions=[64], samples=10.0))[0]
    assert stair.learning_rate == pytest.approx(0.01 * 8 / 64), "ℓ = 1 costs what ℓ = 2 does: d samples"
    assert stair.steps == 10 * 64 / 8


def test_one_length_and_no_other():
    for lengths in ({"samples": None}, {"steps": 5}):
        with pytest.raises(ValueError, match="one of them, the other null"):
            experiment(**lengths)
