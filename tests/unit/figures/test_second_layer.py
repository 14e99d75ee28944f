"""The figure of the second layer shows its runs, and the limit from the start of each."""

import numpy as np
import pytest
from helpers.trajectories import ERF, gathered
from onepass.figures import second_layer

NAMES = ["plain_square", "plain_square_layer2"]
MODEL = ERF | {"target": "mean(2*erf(x1/sqrt(2)), erf(x2/sqrt(2)))", "students": 2}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    settings = {"mu": [0.5], "delta": 0.5, "gamma0": 2.0, "initial": "sphere", "dimensions": [64], "engine": "sgd"}
    settings |= {"samples": None, "steps": 20, "replicas": 2}
    return gathered(tmp_path_factory.mktemp("runs"), model=MODEL, protocols=NAMES, **settings)


@pytest.mark.parametrize("name", NAMES)
def test_the_limit_begins_where_the_run_does(dataset, name):
    run = dataset.sel(protocol=name).isel(mu=0, dimension=0, replica=1)
    solved = second_layer.limit(run, name)
    start = run.isel(record=0)
    np.testing.assert_allclose(solved.overlap[0], start.overlaps)
    np.testing.assert_allclose(solved.student_gram[0], start.student_gram)
    assert float(solved.risk[0]) == pytest.approx(float(start.risk), rel=1e-9)
    assert int(solved.step[-1]) == 20
    assert solved.attrs["regime"] == "saad_solla"
    assert ("second_layer" in solved) == (name != NAMES[0])


@pytest.mark.filterwarnings("error")
def test_every_replica_is_drawn(dataset):
    risk, norms, layer = second_layer.draw([dataset]).axes
    runs = dataset.isel(mu=0, dimension=0)
    drawn = [line.get_ydata() for line in risk.lines]
    for values in runs.risk.transpose("protocol", "replica", "record").values.reshape(4, -1):
        assert any(len(line) == len(values) - 1 and np.allclose(line, values[1:]) for line in drawn)
    assert len(risk.lines) == 4 + 4  # runs and limits
    assert len(norms.lines) == 2 * 8
    assert len(layer.lines) == 2 * 6, "a layer that does not learn has no limit"
    np.testing.assert_allclose(risk.lines[0].get_xdata(), runs.step.values.reshape(2, -1)[0, 1:] / 64)
