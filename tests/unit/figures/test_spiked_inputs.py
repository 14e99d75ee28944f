"""The figure of spiked inputs shows searches against both dimensions, the control apart, and exponents by the spike."""

import numpy as np
import pytest
from helpers.searches import fitted
from onepass.figures import spiked_inputs
from onepass.inputs.described import inputs_of
from onepass.theory.effective_dimension import labelled_dimension, spiked_exponent

ALONG, APART, NOISE, WEAK = "spike1d0.25a1", "spike1d0.25a0.5", "spike1d0.25a1", "spike1d0.125a1"


def search(inputs, theta, noise=0.0, ell=3):
    found = fitted(theta=theta, mu=0.0)
    about = {"target": f"He{ell}(x1)", "activation": f"He{ell}", "noise": noise, "information_exponent": ell}
    return found.assign_attrs(about | {"inputs": inputs})


@pytest.fixture(scope="module")
def datasets():
    return [search("isotropic", 2.0), search(APART, 1.1), search(ALONG, 1.0), search(NOISE, 2.5, noise=1e6),
            search(WEAK, 1.5), search(ALONG, 0.5, ell=2)]  # fmt: skip


def points(ax, marker):
    return [line.get_xydata() for line in ax.lines if line.get_marker() == marker and line.get_linestyle() != "None"]


@pytest.mark.filterwarnings("error")
def test_searches_stand_at_their_dimensions(datasets):
    figure = spiked_inputs.draw(datasets)
    plain, collapse, _ = figure.axes
    for marker, place, shown in (("o", 0, True), ("s", 1, True), ("D", 2, True), ("^", 4, False)):
        own = datasets[place]
        found = [inputs_of(own.attrs["inputs"]).at(int(d), 1) for d in own.dimension.values]
        (drawn,) = points(collapse, marker)
        np.testing.assert_allclose(drawn[:, 0], [labelled_dimension(one, 3) for one in found])
        np.testing.assert_allclose(drawn[:, 1], own.best_samples.values.ravel())
        assert len(points(plain, marker)) == shown, "spikes of another power are not in the first panel"
        if shown:
            np.testing.assert_allclose(points(plain, marker)[0][:, 0], own.dimension.values)
    assert len(points(plain, "x")) == 1
    assert not points(collapse, "x"), "noise has no label to find"
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[0] == "isotropic"
    assert labels[3] == "labels are noise, cosine 1"
    figure.draw_without_rendering()


def test_exponents_stand_at_the_power_of_spikes_along_the_teacher(datasets):
    ax = spiked_inputs.draw(datasets).axes[2]
    marks = sorted((*line.get_xydata()[0], line.get_marker()) for line in ax.lines if line.get_marker() in ("o", "h"))
    expected = [(0.0, datasets[0], "o"), (0.125, datasets[4], "o"), (0.25, datasets[5], "h"), (0.25, datasets[2], "o")]
    expected = sorted((power, own.sample_exponent.item(), marker) for power, own, marker in expected)
    assert [mark[2] for mark in marks] == [mark[2] for mark in expected]
    np.testing.assert_allclose([mark[:2] for mark in marks], [mark[:2] for mark in expected])
    lines = [line.get_xydata() for line in ax.lines if len(line.get_xdata()) > 100]
    assert len(lines) == 4
    np.testing.assert_allclose(lines[0][[0, 50], 1], [2, spiked_exponent(3, 0.25)])
    np.testing.assert_allclose(lines[1][[0, 50], 1], [2, spiked_exponent(3, 0.25, noisy=False)])
