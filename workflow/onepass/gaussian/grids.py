"""Hermite expansions on grids, products of a rule for each coordinate: exact for polynomials, refined for others."""

from functools import reduce
from math import prod, sqrt

import numpy as np

from onepass.gaussian.adaptive import Adaptive
from onepass.gaussian.expansion import ROUNDING, TOLERANCE, Expansion, HermiteError, Sums
from onepass.gaussian.panels import REACH, kinks_along, panel_ends, panel_rule, reads
from onepass.gaussian.parts import Part
from onepass.gaussian.polynomials import hermite_polynomials
from onepass.gaussian.quadrature import COUNTS, gauss_hermite, refined

LARGEST_GRID = 1_000_000  # points of a polynomial's exact rule
WIDEST = 3  # coordinates of a function that is no polynomial
PANELS, NODES = (8, 12, 14), 16  # of panels on a line, and of nodes in each
SMOOTH = COUNTS[4:]  # of Gauss–Hermite nodes on a line
LOOK = 0.5  # width of the panels that see what is narrow before others are halved
SPACING = 0.005  # of kinks that are told apart
STARTS = (2.0, 1.0)  # widths of the panels that are halved, of the outer and of the inner coordinate
HELD = 4_000_000  # points, at once
Rule = tuple[np.ndarray, np.ndarray]


def fits(part: Part) -> bool:
    """Whether the exact rule of a polynomial can be held."""
    return (part.degree + 1) ** len(part.used) <= LARGEST_GRID


def of_polynomial(part: Part, order: int) -> Expansion:
    """The expansion of a polynomial that `fits`."""
    # Exact for f² and for f times a polynomial up to its degree; all higher ones are orthogonal to f.
    rule = gauss_hermite(part.degree + 1)
    return _grid(part, min(order, part.degree), [rule] * len(part.used))[0].expansion(order)


def of_coordinates(part: Part, order: int) -> Expansion:
    """The expansion of a function of `WIDEST` coordinates at most.

    Raises
    ------
    HermiteError
        If its mean square diverges, or no rule that can be afforded finds its coefficients.
    """
    width = len(part.used)
    why = "has kinks that depend on several of them; allowed: such kinks in a function of two coordinates"
    kinks = [kinks_along(part, axis, SPACING) for axis in np.eye(width)]
    rules = []
    if width > 2 and not part.kinks:
        rules.append((SMOOTH, lambda n: [gauss_hermite(n)] * width))
    if all(reads(part, kink).sum() < 2 for kink in part.kinks):
        rules.append((PANELS, lambda n: [panel_rule(panel_ends(2 * REACH / n, own), NODES) for own in kinks]))
    for counts, rule in rules:
        distance = lambda coarse, fine: _distance(part, coarse, fine)  # noqa: E731
        found = refined(lambda n, rule=rule: _grid(part, order, rule(n)), counts, TOLERANCE, distance)
        if found.error <= TOLERANCE and not part.unseen(found.value[1]):
            return found.value[0]._replace(error=found.error + ROUNDING).expansion(order)
        error, unseen = f"{found.error:.1g}", part.unseen(found.value[1])
        why = f"changes too fast: a grid finds its coefficients to {error} of its size; allowed: {TOLERANCE:g}"
        why = f"holds {unseen.text!r}, which is 0 wherever it was looked at" if unseen else why
    if width == 2:
        sums, pieces = _grid(part, 0, [panel_rule(panel_ends(LOOK), NODES)] * width)
        starts = [panel_ends(size, shift=0.4 * size) for size in STARTS]
        return Adaptive(part, order, sums.magnitude, pieces, starts).sums().expansion(order)
    raise HermiteError(f"formula {part.text!r} couples {width} coordinates ({part.names}) and {why}")


def _distance(part: Part, coarse: tuple[Sums, np.ndarray], fine: tuple[Sums, np.ndarray]) -> float:
    (before, pieces_before), (after, pieces) = coarse, fine
    scale = sqrt(after.magnitude) or 1.0
    return max(
        abs(after.coefficients - before.coefficients).max() / scale,
        abs(after.variance - before.variance) / scale**2,
        (abs(pieces - pieces_before) / part.units(pieces)).max(),
    )


def _grid(part: Part, order: int, rules: list[Rule]) -> tuple[Sums, np.ndarray]:
    """Means over a grid, and those of what has to settle by itself."""
    (nodes, weights), *rest = rules
    held = max(1, HELD // prod(len(x) for x, _ in rest))
    found, centre = [], None
    for i in range(0, len(nodes), held):
        found.append(_slab(part, order, [(nodes[i : i + held], weights[i : i + held]), *rest], centre))
        centre = found[0][1] if centre is None else centre
    coefficients, mean, spread, magnitude, outside, *pieces = (sum(own) for own in zip(*found, strict=True))
    if part.degree is None:
        part.check_growth(outside, magnitude)
    return Sums(coefficients, mean, spread - (mean - centre) ** 2, magnitude, 0.0), np.array(pieces)


def _slab(part: Part, order: int, rules: list[Rule], centre: float | None) -> list:
    """Sums over a slab of a grid: coefficients, mean, square about a centre (or the mean), size, outside, pieces."""
    grid = np.stack(np.meshgrid(*[nodes for nodes, _ in rules], indexing="ij"), axis=-1)
    joint = reduce(np.multiply.outer, [weights for _, weights in rules])
    terms = part.values(grid)
    values = sum(terms)
    coefficients = values
    for nodes, weights in rules:
        # The axis moves to the end: a full turn.
        coefficients = np.tensordot(coefficients, hermite_polynomials(nodes, order) * weights, axes=(0, 1))
    mean = float((joint * values).sum())
    outside = float((joint * values**2)[(abs(grid) > REACH - 2).any(axis=-1)].sum())
    spread = float((joint * (values - (mean if centre is None else centre)) ** 2).sum())
    magnitude = float((joint * sum(map(abs, terms)) ** 2).sum())
    return [
        coefficients,
        mean,
        spread,
        magnitude,
        outside,
        *((joint * own).sum() for own in part.settling(grid, terms)),
    ]
