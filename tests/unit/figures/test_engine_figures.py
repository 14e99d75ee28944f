"""Figures of engines compared show the p-values and distances of their data."""

import numpy as np
import pytest
import xarray as xr
from helpers.experiments import PROTOCOLS, exactness
from onepass.analysis.exactness import TIMES, compare, equal_laws, leap_errors
from onepass.figures import (
    chain_exactness,
    gaussian_exactness,
    leap_exactness,
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


def leap_times(late=0.2):
    """Planted times of single steps and leaps, those of the largest tolerance later by a fraction."""
    rng, tolerances = np.random.default_rng(4), [0.0, 0.1, 0.01]
    coords = {"protocol": PROTOCOLS[:1], "gamma0": [0.001, 0.01], "batch_size": [1, 64], "dimension": [64]}
    coords |= {"leap_tolerance": tolerances}
    times = 1000 * np.exp(0.1 * rng.normal(size=(1, 2, 2, 1, 3, 400)))
    times[..., 1, :] *= 1 + late
    recovered = np.ones(times.shape, dtype=bool)
    recovered[0, 0, 0, 0, :, 0] = False
    leaps = np.broadcast_to(np.where(np.array(tolerances) == 0.1, 20.0, 900.0)[:, None], times.shape)
    data = {"recovery_step": times, "recovered": recovered, "leaps": leaps}
    return xr.Dataset({name: ((*coords, "replica"), values) for name, values in data.items()}, coords=coords)


def test_errors_of_leaps_are_those_of_the_data():
    """A planted bias lies in its interval, equal laws have none."""
    errors = leap_errors(leap_times())
    assert errors.leap_tolerance.values.tolist() == [0.1, 0.01]
    late, equal = (errors.sel(leap_tolerance=tolerance) for tolerance in (0.1, 0.01))
    assert ((late.bias_low < 0.2) & (late.bias_high > 0.2)).all()
    assert (late.bias_low > 0.1).all()
    assert ((equal.bias_low < 0) & (equal.bias_high > 0)).all()
    assert (late.distance > equal_laws(400, 0.999)).all()
    assert (equal.distance < equal_laws(400, 0.999)).all()
    assert (late.single < 0.05).all()
    assert (equal.single > 0.8).all()
    for found, planted in ((late, 0.2), (equal, 0.0)):
        assert (found.mean_low < planted).all()
        assert (found.mean_high > planted).all()
        assert (found.mean_high - found.mean_low < (found.bias_high - found.bias_low).min()).all(), "of four settings"


def test_medians_of_few_steps_are_told_apart():
    """A time of whole steps lies within the last of them: 3 of a law of medians 2.5 and 2.7 alike."""
    planted = leap_times(0.0)
    for tolerance, median in ((0.0, 2.5), (0.1, 2.7), (0.01, 2.5)):
        scatter = np.random.default_rng(5).normal(size=planted.recovery_step.isel(leap_tolerance=0).shape)
        exact = median * np.exp(0.3 * scatter)
        planted.recovery_step.loc[{"leap_tolerance": tolerance}] = np.ceil(exact)
    planted["recovered"][:] = True
    late = leap_errors(planted).sel(leap_tolerance=0.1)
    assert late.mean_bias.item() == pytest.approx(0.08, abs=0.03)


@pytest.mark.filterwarnings("error")
def test_leap_exactness_shows_the_errors():
    dataset = leap_times()
    figure = leap_exactness.draw([dataset])
    top, bottom = figure.axes
    assert top.get_ylabel()
    assert bottom.get_ylabel()
    points = [line for line in bottom.lines if len(line.get_ydata()) == 1]
    shown = np.sort(np.concatenate([line.get_ydata() for line in points]))
    np.testing.assert_allclose(shown, np.sqrt(400 / 2) * np.sort(leap_errors(dataset).distance.values.ravel()))
    figure.draw_without_rendering()
