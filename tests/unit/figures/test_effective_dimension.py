"""The figure of effective dimensions shows the samples of its searches, where their inputs belong."""

import numpy as np
import pytest
import xarray as xr
from helpers.searches import searches
from onepass.analysis import tuned
from onepass.figures import effective_dimension
from onepass.inputs.described import inputs_of

NAMES = ("spectrum0.25x24t2", "isotropic", "spike1d0.25a0.5")


@pytest.fixture(scope="module")
def datasets():
    found = []
    for place, name in enumerate(NAMES):
        runs = searches(theta=2.0 - 0.2 * place)
        model = {"activation": "He3", "students": 1, "second_layer": "null", "noise": 0.0, "inputs": name}
        runs.attrs |= {"target": "He3(x1)", **model}
        found.append(xr.merge([runs, tuned.fit_experiment(runs, resamples=100)], combine_attrs="override"))
    return found


@pytest.mark.filterwarnings("error")
def test_each_panel_has_every_search_at_its_own_dimension(datasets):
    figure = effective_dimension.draw(datasets)
    for panel, ax in enumerate(figure.axes):
        for place, marker in zip((1, 0, 2), "osD", strict=True):  # isotropic first, then by name
            (points,) = [line.get_xydata() for line in ax.lines if line.get_marker() == marker]
            own = datasets[place]
            found = [inputs_of(NAMES[place]).at(int(d), 1) for d in own.dimension.values]
            expected = [own.dimension.values, *([getattr(one, key) for one in found]
                        for key in ("effective_dimension", "diffused_dimension"))][panel]  # fmt: skip
            np.testing.assert_allclose(points[:, 0], expected)
            np.testing.assert_allclose(points[:, 1], own.best_samples.values.ravel())
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["isotropic", "variances $i^{\\,-0.25}$", "spike $1 + d^{\\,0.25}$, cosine 0.5"]
    figure.draw_without_rendering()


def test_the_theory_says_nothing_of_other_inputs(datasets):
    assert np.isfinite(datasets[1].theta_theory).all()
    assert np.isnan(datasets[0].theta_theory).all()
