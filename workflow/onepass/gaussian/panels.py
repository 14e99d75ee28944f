"""Gauss–Legendre panels under the Gaussian weight, that end wherever a function has a kink."""

from collections.abc import Callable, Iterable

import numpy as np

from onepass.formulas.formula import Formula
from onepass.gaussian.parts import Part

REACH = 12.0  # the Gaussian weight beyond is below 1e-31


def fine_grid(spacing: float) -> np.ndarray:
    """Places on [-REACH, REACH] to look for sign changes between, none on a round number."""
    return np.linspace(-REACH, REACH, round(2 * REACH / spacing) + 1) + 1e-7


def panel_ends(width: float, kinks: Iterable[float] = (), shift: float = 0.0) -> np.ndarray:
    """Ends of panels of one width on [-REACH, REACH] and at kinks; without a shift, one is at 0."""
    return np.array(sorted({-REACH, *np.arange(-REACH + shift, REACH + width / 4, width).tolist(), REACH, *kinks}))


def panel_rule(ends: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights (panels · count,) with sum 1 from the ends (panels + 1,) of panels."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    a, b = ends[:-1, None], ends[1:, None]
    x = ((b - a) / 2 * nodes + (a + b) / 2).ravel()
    w = ((b - a) / 2 * weights).ravel() * np.exp(-(x**2) / 2)
    return x, w / w.sum()


def kinks_along(part: Part, axis: np.ndarray, spacing: float) -> list[float]:
    """Where a function has kinks along an axis, a unit vector (used,): those of its kinks that read nothing else."""
    found = []
    for kink in part.kinks:
        if reads(part, kink)[axis == 0].any() or not reads(part, kink).any():
            continue

        def value(z, _, kink=kink):
            return kink.array(np)(part.inputs(kink, z[..., None] * axis))

        found += zeros(value, 1, fine_grid(spacing)).ravel().tolist()
    return found


def reads(part: Part, kink: Formula) -> np.ndarray:
    """Which of a part's coordinates one of its kinks reads, (used,)."""
    return np.isin(part.used, kink.used) | (not kink.coordinates)


def zeros(function: Callable[[np.ndarray, np.ndarray], np.ndarray], lines: int, grid: np.ndarray) -> np.ndarray:
    """Where a function changes its sign on every one of several lines, shape (lines, most on any of them).

    Parameters
    ----------
    function : of places on a line and the numbers (from 0) of their lines, arrays of one shape.
    grid : places; of two changes between the same ones those are found that a parabola tells. Best none where a change
        is likely.

    Returns
    -------
    The places, filled up with the last one of the grid.
    """
    values = function(*np.broadcast_arrays(grid, np.arange(lines)[:, None]))
    signs = np.sign(values)
    line, place = np.nonzero(signs[:, :-1] * signs[:, 1:] < 0)
    left, right = grid[place], grid[place + 1]
    hidden = _dips(function, values, grid)
    if hidden.size:
        line = np.concatenate([line, *np.tile(hidden[0].astype(int), (2, 1))])
        left, right = np.concatenate([left, *hidden[1:3]]), np.concatenate([right, *hidden[2:4]])
        order = np.lexsort((left, line))
        line, left, right = line[order], left[order], right[order]
    found = np.full((lines, np.bincount(line, minlength=1).max()), grid[-1])
    if line.size:
        roots = _between(function, line, left, right)
        found[line, np.arange(line.size) - np.searchsorted(line, line)] = np.round(roots, 14)
    return found


def _dips(function, values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Where a function dips through 0 between places of one sign: line, place before, place of the dip, place after."""
    size, signs = abs(values), np.sign(values)
    same = (signs[:, :-2] == signs[:, 1:-1]) & (signs[:, 2:] == signs[:, 1:-1])
    # Of two equal places at the bottom the first one is taken.
    line, middle = np.nonzero(same & (size[:, 1:-1] < size[:, :-2]) & (size[:, 1:-1] <= size[:, 2:]))
    middle = middle + 1
    before, at, after = (size[line, middle + i] for i in (-1, 0, 1))
    bottom = grid[middle] + (grid[middle + 1] - grid[middle]) * (before - after) / (2 * (before - 2 * at + after))
    through = np.sign(function(bottom, line)) * signs[line, middle] < 0
    return np.stack([line, grid[middle - 1], bottom, grid[middle + 1]])[:, through]


def _between(function, line: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Zeros of functions of opposite signs at both ends; of straight ones at once, without loading SciPy's search."""
    low, high = function(left, line), function(right, line)
    straight = left + (right - left) * (low / (low - high))
    if (abs(function(straight, line)) <= 1e-13 * (abs(high) + abs(low))).all():
        return straight
    from scipy.optimize.elementwise import find_root

    return find_root(function, (left, right), args=(line,)).x
