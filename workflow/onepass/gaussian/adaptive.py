"""Hermite expansions of what is fast, narrow or not smooth: panels on lines, each halved until two rules agree on it.

Of two coordinates the integral over one stands inside that over the other, and on every line the panels end at the
kinks that it meets. What is left to the halving are roots and jumps that no kink tells, places where a line touches a
curve of kinks, and speed.
"""

from collections.abc import Sequence
from math import pi, sqrt

import numpy as np

from onepass.gaussian.expansion import ROUNDING, TOLERANCE, HermiteError, Sums
from onepass.gaussian.panels import REACH, fine_grid, reads, zeros
from onepass.gaussian.parts import Part
from onepass.gaussian.polynomials import hermite_polynomials

RULES = (14, 17)  # nodes of the two rules of a panel, of which the finer one counts
SETTLED = 0.001 * TOLERANCE  # change of a panel between them
HALVINGS = 60
LARGEST = 6_000_000  # points at which the function is looked at
SPACING = 0.05  # of kinks that are told apart
HELD = 1 << 17  # points, at once
LINES = 512  # of the second coordinate, at once


class Adaptive:
    """The integration of a function of one direction, or of two coordinates.

    Parameters
    ----------
    order : largest of one coordinate.
    magnitude : ``E[(Σ|terms|)²]``, roughly.
    pieces : means, roughly, of what has to settle by itself, however small it is.
    ends : of the panels to begin with, of each coordinate; no feature should hide at one but a kink.
    """

    def __init__(
        self, part: Part, order: int, magnitude: float, pieces: np.ndarray, ends: Sequence[np.ndarray]
    ) -> None:
        if not magnitude > 0:
            part.refuse_unseen(part.text)
        self.part, self.order, self.ends = part, order, ends
        self.places = [0] if part.direction is not None else _in_order(part)
        self.axes = np.atleast_2d(part.direction) if part.direction is not None else np.eye(len(part.used))[self.places]
        self.width, self.points = len(ends), 0
        self.units = np.array([sqrt(magnitude), *[magnitude] * 3, *part.units(pieces)])
        self.doubts = [0.0] * self.width  # by coordinate, the largest sum of changes on a line

    def sums(self) -> Sums:
        """The means, with their error.

        Raises
        ------
        HermiteError
            If the mean square diverges, or the function needs more points than `LARGEST`.
        """
        (found,) = self.lines(np.empty((1, 0)))
        coefficients, (mean, square, magnitude, outside, *pieces) = np.split(found, [(self.order + 1) ** self.width])
        self.part.check_growth(outside, magnitude)
        self.part.check_seen(pieces)
        coefficients = coefficients.reshape((self.order + 1,) * self.width).transpose(np.argsort(self.places))
        error = sum(self.doubts) + ROUNDING
        if not error <= TOLERANCE:
            self._refuse(f"found to {error:.1g}")
        return Sums(coefficients, mean, square - mean**2, magnitude, error)

    def lines(self, before: np.ndarray) -> np.ndarray:
        """Means over the coordinates that follow those of some places (lines, coordinates), shape (lines, means).

        First the coefficients, then the mean, and the mean squares of the function, of its size and of what of it lies
        outside, last of what has to settle by itself.
        """
        level = before.shape[1]
        units = np.concatenate([np.full((self.order + 1) ** (self.width - level), self.units[0]), self.units])
        total, doubt = np.zeros((len(before), units.size)), np.zeros(len(before))
        held = (HELD if level + 1 == self.width else LINES) // sum(RULES)  # panels at once
        panels = self._panels(before)
        for _ in range(HALVINGS):
            left = []
            for line, start, end in (panels[:, i : i + held] for i in range(0, panels.shape[1], held)):
                line = line.astype(int)
                coarse, fine = (self._on(before[line], start, end, count) for count in RULES)
                change = (abs(fine - coarse) / units).max(axis=1)
                unsettled = ~(change <= SETTLED)  # nor nan
                np.add.at(total, line[~unsettled], fine[~unsettled])
                np.add.at(doubt, line[~unsettled], change[~unsettled])
                middle = (start + end) / 2
                left += [np.stack(half)[:, unsettled] for half in ((line, start, middle), (line, middle, end))]
            panels = np.concatenate(left, axis=1)
            if not panels.size:
                break
        else:
            self._refuse(f"not found by {HALVINGS} halvings")
        self.doubts[level] = float(np.maximum(self.doubts[level], doubt.max()))  # nan stays
        return total

    def _panels(self, before: np.ndarray) -> np.ndarray:
        """Panels (3, panels) of some lines: to which line each belongs, where it starts and ends."""
        level = before.shape[1]
        ends = [self.ends[level][None]]
        for kink in self.part.kinks:
            read = np.flatnonzero(self.axes[:, reads(self.part, kink)].any(axis=1))
            if read.max(initial=-1) == level:

                def value(z, line, kink=kink):
                    places = np.concatenate([before[line], z[..., None]], axis=-1)
                    return kink.array(np)(self.part.inputs(kink, places @ self.axes[: level + 1]))

                ends.append(zeros(value, len(before), fine_grid(SPACING)))
        ends = np.concatenate([np.broadcast_to(own, (len(before), own.shape[1])) for own in ends], axis=1)
        ends.sort(axis=1)
        line, place = np.nonzero(np.diff(ends, axis=1))
        return np.stack([line, ends[line, place], ends[line, place + 1]])

    def _on(self, before: np.ndarray, start: np.ndarray, end: np.ndarray, count: int) -> np.ndarray:
        """What panels (panels,), each on a line of its own, add to the means, shape (panels, means)."""
        nodes, weights = np.polynomial.legendre.leggauss(count)
        half = ((end - start) / 2)[:, None]
        nodes = half * nodes + ((start + end) / 2)[:, None]
        weights = half * weights * np.exp(-(nodes**2) / 2) / sqrt(2 * pi)
        places = np.concatenate([np.repeat(before[:, None], count, axis=1), nodes[..., None]], axis=-1)
        if places.shape[-1] == self.width:
            self.points += nodes.size
            if self.points > LARGEST:
                self._refuse(f"not found with {LARGEST:,} points")
            points = places @ self.axes
            terms = self.part.values(points)
            values = sum(terms)
            outside = (abs(places) > REACH - 2).any(axis=-1)
            squares = [values**2, sum(map(abs, terms)) ** 2, values**2 * outside]
            means = np.stack([values, *squares, *self.part.settling(points, terms)], axis=-1)
            sums = values[..., None]
        else:
            found = self.lines(places.reshape(-1, places.shape[-1])).reshape(*nodes.shape, -1)
            sums, means = np.split(found, [-len(self.units)], axis=2)
        projection = np.moveaxis(hermite_polynomials(nodes, self.order) * weights, 0, 1)  # (panels, order + 1, nodes)
        sums = (projection @ sums).reshape(len(nodes), -1)
        return np.concatenate([sums, (weights[:, None] @ means)[:, 0]], axis=1)

    def _refuse(self, how: str) -> None:
        raise HermiteError(
            f"formula {self.part.text!r} changes too fast or too abruptly: its Hermite coefficients are {how}; "
            f"allowed: {TOLERANCE:g} of its size"
        )


def _in_order(part: Part) -> list[int]:
    """Places of the coordinates, last the one along which kinks that couple several are straight lines: there they move
    smoothly with the others."""
    x = np.random.default_rng(0).standard_normal((50, len(part.used)))
    straight = np.zeros(len(part.used))
    for kink in (kink for kink in part.kinks if len(kink.used) > 1):
        value = lambda points, kink=kink: kink.array(np)(part.inputs(kink, points))  # noqa: E731
        for i, step in enumerate(np.eye(len(part.used))):
            slope = value(x + step) - value(x)
            straight[i] += abs(slope[0]) > 0 and bool(np.allclose(slope, slope[0], rtol=1e-9))
    return sorted(range(len(part.used)), key=lambda i: straight[i])
