"""Figures of engines compared show the p-values and distances of their data."""

import numpy as np
import pytest
import xarray as xr
from helpers.experiments import PROTOCOLS, exactness
from onepass.analysis.exactness import TIMES, compare, equal_laws
from onepass.figures import (
    chain_exactness,
    gaussian_exactness,
)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("shift", "engines", "labels"),
    [
        (0.0, ["sgd", "chain"], ["SGD in $d$ dimensions", "chain"]),
        (50.0, ["chain", "gaussian"], ["chain", "chain, Gaussian sums"]),
    ],
)
def test_draws_chain_exactness(shift, engines, labels):
    dataset = exactness(shift).assign_coords(engine=engines)
    figure = chain_exactness.draw([dataset])
    ax = figure.axes[-1]
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    shown = np.concatenate([line.get_ydata() for line in ax.lines if line.get_marker() not in ("", "None")])
    p_value = compare(dataset).p_value.values
    np.testing.assert_array_equal(np.sort(shown), np.sort(np.maximum(p_value[np.isfinite(p_value)], 1e-12)))
    left, _ = figure.subfigs
    assert [text.get_text() for text in left.legends[0].get_texts()] == labels
    figure.draw_without_rendering()


def test_distances_are_those_of_the_data():
    rng, sizes = np.random.default_rng(3), [10, 100, 1000]
    coords = {"protocol": PROTOCOLS, "students": [1], "batch_size": sizes, "dimension": [64]}
    coords |= {"engine": ["chain", "gaussian"]}
    shape = (2, 1, 3, 1, 2, 400)
    shift = np.array([0.9, 0.3, 0.0])[:, None, None, None] * np.array([0, 1])[:, None]
    times = xr.Dataset({TIMES[0]: ((*coords, "replica"), rng.normal(size=shape) + shift)}, coords=coords)
    times.attrs = {"threshold": 0.5, "gaussian_from": 1000, "steps": 100}
    distance = compare(times).distance.squeeze()
    assert (distance.sel(batch_size=10) > equal_laws(400, 0.999)).all()
    assert (distance.sel(batch_size=1000) < equal_laws(400, 0.999)).all()
    (ax,) = gaussian_exactness.draw([times]).axes
    shown = [line.get_ydata() for line in ax.lines if line.get_marker() in ("o", "s")]
    np.testing.assert_array_equal(shown, distance.transpose("protocol", "batch_size"))
