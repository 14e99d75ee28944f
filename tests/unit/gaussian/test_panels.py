"""Where functions change their sign along lines."""

import numpy as np
import pytest
from onepass.formulas.formula import Formula
from onepass.gaussian.panels import REACH, fine_grid, kinks_along, zeros
from onepass.gaussian.parts import Part


def test_zeros_of_many_lines():
    """x² = n on line n: none, one that only touches, then two each, filled up with the end of the grid."""
    grid = fine_grid(0.01)
    found = zeros(lambda x, line: x**2 - np.array([-1.0, 0.0, 2.0, 9.0])[line], 4, grid)
    assert found.shape == (4, 2)
    assert (found[:2] == grid[-1]).all()
    np.testing.assert_allclose(found[2:], [[-np.sqrt(2), np.sqrt(2)], [-3, 3]], atol=1e-13)


def test_zeros_of_straight_lines_need_no_search(monkeypatch):
    """Nor what that loads."""
    monkeypatch.setitem(__import__("sys").modules, "scipy.optimize.elementwise", None)
    found = zeros(lambda x, line: 2 * x - 0.37 * line, 3, fine_grid(0.005))
    np.testing.assert_allclose(found.ravel(), [0, 0.185, 0.37], atol=1e-15)


@pytest.mark.parametrize(
    ("text", "axis", "kinks"),
    [
        ("relu(x1 - 0.37)", [1.0], [0.37]), ("abs(abs(x1) - 1)", [1.0], [-1, 0, 1]),
        ("sign(x1**3 - x1)", [1.0], [-1, 0, 1]),
        ("relu(x1)*abs(x2 - 1)", [0.0, 1.0], [1]), ("relu(x1 - x2)", [1.0, 0.0], []),
        ("sign(sin(x1))", [1.0], np.pi * np.arange(-3, 4)),
        ("relu(x1 + x2 - 1)", [0.5**0.5, 0.5**0.5], [0.5**0.5]), ("tanh(x1)", [1.0], []),
    ],
)  # fmt: skip
def test_kinks_along_an_axis(text, axis, kinks):
    found = kinks_along(Part.of(Formula.target(text)), np.array(axis), 0.005)
    np.testing.assert_allclose(sorted(x for x in found if abs(x) < REACH), kinks, atol=1e-12)
