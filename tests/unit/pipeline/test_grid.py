"""From grids to cells: scalings, budgets and lengths."""

import pytest
from helpers.trajectories import HE3, STAIRCASE, experiment
from onepass.pipeline.grid import cells_of


def test_a_cell_does_not_know_its_grid(small_grid):
    larger = small_grid.model_copy(update={"mu": [0.25, 0.5, 1.0], "dimensions": [16, 32, 64]})
    assert set(cells_of("he3", small_grid)) < set(cells_of("he3", larger))


def test_scalings(configuration):
    """γ = γ0 d^-δ, n_b = n0 d^μ and the budget in units of the theory's time, by hand for He3 at d = 1024."""
    change = {"mu": [1.0, 1.75], "dimensions": [1024], "gamma0": 0.002, "start": 2.0, "step_budget": 0.3}
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
