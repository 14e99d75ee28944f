"""Hermite expansions of functions of a product of coordinates, such as ``tanh(x1*x2*x3*x4)``, of any number of them.

Signs apart, the logarithm of a product is a sum of independent variables: with ``x_i = ± exp(u_i)`` and ``v = Σ u_i``
the mean ``E[g(x_1 ⋯ x_k) Π h_i(x_i)]`` is an integral over v of the part of g that is even or odd as the h_i are,
times the convolution of ``2 φ(e^u) h_i(e^u) e^u`` over i. The convolution is smooth and its spectrum short, whatever g
is. So g is integrated on panels that end at its kinks, and its values are spread on a grid for the Fourier transform.
"""

from collections import Counter
from collections.abc import Iterator
from math import ceil, comb, floor, log, pi, prod, sqrt

import numpy as np

from onepass.gaussian.expansion import NEGLIGIBLE, ROUNDING, TOLERANCE, Expansion, HermiteError, check_count
from onepass.gaussian.panels import REACH, zeros
from onepass.gaussian.parts import Part
from onepass.gaussian.polynomials import hermite_polynomials
from onepass.gaussian.quadrature import refined

COUNTS = (64, 128, 256, 512, 1024, 2048)  # points of the grid a unit of v
BAND = 256.0  # frequencies beyond have no part in the law of a logarithm
NODES, STENCIL = 8, 12  # Gauss–Legendre nodes in a cell of the grid; points that each is spread on
SPACING = 0.005  # of kinks that are told apart


def of_a_product(part: Part, order: int) -> Expansion:
    """The expansion of a function of the product of its coordinates.

    Raises
    ------
    HermiteError
        If its mean square diverges, if it changes too fast, or if it has too many coefficients.
    """
    kinks = _kinks(part)
    found = refined(lambda count: _means(part, kinks, count, order), COUNTS, TOLERANCE, _distance)
    coefficients, (square, magnitude, *_) = found.value
    if not found.error <= TOLERANCE:
        raise HermiteError(
            f"formula {part.text!r} changes too fast: {found.fine * NODES} nodes for a factor e in the product of "
            f"{part.names} find its Hermite coefficients to {found.error:.1g} of its size; allowed: {TOLERANCE:g}"
        )
    mean = coefficients.get((0,) * len(part.used), 0.0)
    every = {
        alpha: value
        for ordered, value in coefficients.items()
        if abs(value) > NEGLIGIBLE * sqrt(magnitude)
        for alpha in _arrangements(ordered)
    }
    return Expansion(every, mean, square - mean**2, magnitude, found.error + ROUNDING)


def _distance(coarse, fine) -> float:
    (before, squares), (after, (square, magnitude, *terms)) = coarse, fine
    units = np.array([magnitude, magnitude, *terms])
    change = max((abs(after.get(alpha, 0.0) - before.get(alpha, 0.0)) for alpha in {*after, *before}), default=0.0)
    relative = abs(np.subtract([square, magnitude, *terms], squares)) / np.where(units > 0, units, 1.0)
    return max(change / sqrt(magnitude or 1.0), relative.max())


def _means(part: Part, kinks: np.ndarray, count: int, order: int) -> tuple[dict[tuple[int, ...], float], list[float]]:
    """Coefficients by their powers in falling order; mean squares of the function, of its size and of its terms."""
    width = len(part.used)
    lowest = -_below(width)
    highest = width * log(REACH / sqrt(width))  # beyond, all of it is outside of the ball of radius REACH
    ends = np.unique([*np.arange(floor(lowest * count), ceil(highest * count) + 1) / count, *kinks[kinks < highest]])
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half, middle = (np.diff(ends) / 2)[:, None], ((ends[1:] + ends[:-1]) / 2)[:, None]
    v, weights = (middle + half * nodes).ravel(), (half * weights).ravel()
    terms = np.array([part.values(_points(sign * np.exp(v), width)) for sign in (1.0, -1.0)])  # (sign, term, node)
    up, down = terms.sum(axis=1)
    square, magnitude = ((values**2).mean(axis=0) for values in (terms.sum(axis=1), abs(terms).sum(axis=1)))
    outside = square * (v > width * log((REACH - 2) / sqrt(width)))
    values = [(up + down) / 2, (up - down) / 2, outside, square, magnitude, *(terms**2).mean(axis=0)]
    law = _Law(width, count, order)
    even, odd, *spectra = law.spectra(v, weights * values)
    outside, *squares = (law.mean(spectrum, (0,) * width) for spectrum in spectra)
    if not outside <= TOLERANCE * squares[1]:
        raise HermiteError(f"formula {part.text!r} grows too fast for its mean square to be found from its product")
    coefficients = {}
    for parity, (half, values) in enumerate(((even, up + down), (odd, up - down))):
        if abs(values).max() > 1e-15 * max(abs(up).max(), abs(down).max()):
            pairs = (order - parity * width) // 2
            check_count(comb(max(pairs, 0) + width, width), part.text, order)
            coefficients |= {alpha: law.mean(half, alpha) for alpha in _powers(order, width, parity, order)}
    return coefficients, squares


class _Law:
    """The law of the logarithm of a product, on a grid of `count` points a unit."""

    def __init__(self, width: int, count: int, order: int) -> None:
        self.width, self.count = width, count
        self.first = floor((-_below(width) - (width - 1) * log(REACH)) * count)
        u = np.arange(self.first, ceil(log(REACH) * count) + 1) / count
        self.size = 1 << (u.size + STENCIL).bit_length()
        self.band = ceil(BAND * self.size / count / (2 * pi))
        x = np.exp(u)
        densities = hermite_polynomials(x, order) * (sqrt(2 / pi) * np.exp(-(x**2) / 2) * x / count)
        self.factors = np.fft.rfft(densities, self.size)[:, : self.band]

    def spectra(self, v: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Fourier transforms of point masses (…, nodes) at v, spread so that they meet smooth functions unchanged."""
        offsets = np.arange(STENCIL) - STENCIL // 2 + 1
        cell = np.floor(v * self.count)
        apart = (v * self.count - cell) - offsets[:, None]
        ones = np.ones((1, v.size))
        before = np.cumprod(np.concatenate([ones, apart[:-1]]), axis=0)
        after = np.cumprod(np.concatenate([ones, apart[:0:-1]]), axis=0)[::-1]
        shares = before * after / [[np.delete(o - offsets, i).prod()] for i, o in enumerate(offsets)]  # Lagrange's
        place = (cell.astype(int) + offsets[:, None] - self.width * self.first) % self.size
        spread = [np.bincount(place.ravel(), (shares * own).ravel(), self.size) for own in values]
        return np.fft.rfft(spread)[:, : self.band]

    def mean(self, spectrum: np.ndarray, powers: tuple[int, ...]) -> float:
        """The mean of a function, of a spectrum, times the Hermite polynomials of these powers."""
        product = prod(self.factors[power] ** times for power, times in Counter(powers).items())
        terms = (spectrum.conj() * product).real
        return float(2 * terms.sum() - terms[0]) * self.count / self.size


def _below(width: int) -> float:
    """Products below the exponential of minus this are as good as 0: of less than 1e-15 of all inputs."""
    return 38.0 + 2.0 * width


def _kinks(part: Part) -> np.ndarray:
    """Logarithms of the products at which a function is not smooth."""
    grid = np.arange(log(1e-9), len(part.used) * log(REACH), SPACING) + 1e-7
    signs = np.array([1.0, -1.0])

    def values(kink):
        points = lambda v, line: _points(signs[line] * np.exp(v), len(part.used))  # noqa: E731
        return lambda v, line: kink.array(np)(part.inputs(kink, points(v, line)))

    return np.concatenate([[], *(zeros(values(kink), 2, grid).ravel() for kink in part.kinks)])


def _points(product: np.ndarray, width: int) -> np.ndarray:
    """Points (…, width) whose coordinates have such a product."""
    return np.concatenate([product[..., None], np.ones((*product.shape, width - 1))], axis=-1)


def _powers(order: int, width: int, parity: int, largest: int) -> Iterator[tuple[int, ...]]:
    """Multi-indices in falling order, all of them even or all odd, that add up to an order at most."""
    if width == 0:
        yield ()
        return
    for power in range(parity, min(largest, order - parity * (width - 1)) + 1, 2):
        for rest in _powers(order - power, width - 1, parity, power):
            yield (power, *rest)


def _arrangements(powers: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All orders of these powers, each once."""
    if not powers:
        yield ()
    for power in sorted({*powers}):
        rest = [*powers]
        rest.remove(power)
        for others in _arrangements(tuple(rest)):
            yield (power, *others)
