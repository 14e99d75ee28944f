"""The figure of one cell shows the medians of its runs."""

import numpy as np
from helpers.commands import some_runs


def test_plot_shows_a_single_step_too():
    from onepass.figures import runs as module

    figure = module.draw([some_runs([0, 1])])
    for ax in figure.axes:
        assert all(line.get_marker() == "o" for line in ax.lines if len(line.get_xdata()) == 1)
        assert any(len(line.get_xdata()) == 1 for line in ax.lines)


def test_plot_shows_the_medians_of_every_coordinate():
    from onepass.figures import runs as module

    runs = some_runs([0, 1, 5, 9])
    overlap = runs.overlap.values
    figure = module.draw([runs])
    left, right = figure.axes
    norm = np.median(np.linalg.norm(overlap, axis=(2, 3)), axis=0)[1:]
    drawn = [line.get_ydata() for line in left.lines]
    assert any(np.array_equal(norm, values) for values in drawn)
    parts = np.median(np.linalg.norm(overlap, axis=2), axis=0)[1:]
    for r in range(3):
        assert any(np.array_equal(parts[:, r], values) for values in drawn)
    assert np.array_equal(right.lines[-1].get_ydata(), np.median(runs.risk, axis=0)[1:])
    assert {text.get_text() for text in figure.legends[0].get_texts()} >= {"median", "threshold", "$x_{3}$ alone"}
    figure.draw_without_rendering()
