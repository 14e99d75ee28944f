"""Figures of tuned rates show the values of their data."""

import numpy as np
import pytest
import xarray as xr
from helpers.searches import searches
from onepass.analysis import tuned
from onepass.analysis.scaling import ScalingError
from onepass.figures import critical_batch, critical_rate, tuned_exponents


def fitted(**about):
    runs = searches(**about)
    return xr.merge([runs, tuned.fit_experiment(runs, resamples=100)], combine_attrs="override")


def drawn(ax):
    """Values of all markers in a panel, sorted."""
    lines = [line.get_ydata() for line in ax.lines if line.get_marker() in "os^"]
    return np.sort(np.concatenate(lines))


@pytest.mark.filterwarnings("error")
def test_exponents_are_those_of_the_data():
    datasets = [fitted(mu=0.5), fitted(mu=1.0, delta=0.5, theta=1.0)]
    figure = tuned_exponents.draw(datasets)
    for ax, name in zip(figure.axes, ("theta", "delta", "sample_exponent"), strict=True):
        expected = np.sort([dataset[name].item() for dataset in datasets])
        np.testing.assert_allclose(drawn(ax), expected)
    figure.draw_without_rendering()


@pytest.mark.filterwarnings("error")
def test_batches_collapse_by_the_power_of_the_saddle():
    datasets = [fitted(mu=0.5), fitted(mu=1.0, theta=1.5)]
    steps, _, _, scaled = critical_batch.draw(datasets).axes
    times = np.concatenate([dataset.best_time.values.ravel() for dataset in datasets])
    np.testing.assert_allclose(drawn(steps), np.sort(times))
    samples = np.concatenate([(dataset.best_samples / dataset.dimension**2.0).values.ravel() for dataset in datasets])
    np.testing.assert_allclose(drawn(scaled), np.sort(samples))


@pytest.mark.filterwarnings("error")
def test_the_critical_rate_is_the_unit_of_its_figure():
    """γ_c of He₃ is 1/18; a rate of 0.3 γ_c is read between those of the search."""
    dataset = fitted(mu=2.0, theta=0.0, delta=0.0)
    dataset = dataset.assign({name: dataset[name] / 40 for name in ("learning_rate", "best_rate")})
    dataset = dataset.assign({name: dataset[name] / 40 for name in ("best_rate_low", "best_rate_high")})
    rates, times, gaps = critical_rate.draw([dataset]).axes
    assert critical_rate.critical_rate(critical_rate.model_of(dataset)) == pytest.approx(1 / 18, rel=1e-9)
    np.testing.assert_allclose(drawn(gaps), np.sort(1 - 18 * dataset.best_rate.values.ravel()))
    assert set(dataset.best_time.values.ravel()) <= set(drawn(times))
    assert rates.xaxis_inverted()


def test_batches_below_its_regime_are_refused():
    with pytest.raises(ScalingError, match=r"He3\(x1\): no batch exponent above 1.5 and up to 2 to draw"):
        critical_rate.draw([fitted(mu=1.0)])
