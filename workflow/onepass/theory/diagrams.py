"""The phase diagrams of the theory: lines, regions and special points, as data.

The exponents behind them are those of `exponents`; after Arnaboldi et al., arXiv:2406.02157, the diagram of the
deterministic limits in its consistent reading.
"""

from typing import NamedTuple

import numpy as np

from onepass.theory.exponents import TOLERANCE, ExponentError, finite, giant_step, half


class Diagram(NamedTuple):
    """Open lines and closed regions, arrays of points (n, 2), and special points (2,), by name.

    A line or region that has no extent at this information exponent is an array of shape (0, 2).
    """

    lines: dict[str, np.ndarray]
    regions: dict[str, np.ndarray]
    points: dict[str, np.ndarray]


def time_diagram(information_exponent, mu_max=None, theta_max=None):
    """Return the (μ, θ) diagram in ``0 ≤ μ ≤ mu_max``, ``0 ≤ θ ≤ theta_max``.

    The correlation line is drawn where it leaves the SGD line.  ``validity`` is the line
    ``θ = ℓ/2 - 3/4 - μ/2`` (δ = 1/4 - μ/2) above which the expansion behind the theory holds.
    """
    h, ell = half(information_exponent), information_exponent
    top = 2 * h - 1
    right = _window("mu_max", mu_max, top + 1.5, max(ell, top))
    high = _window("theta_max", theta_max, top + 0.5, top)
    corner, end = (h, h - 1), (top, 0)
    return Diagram(
        lines={
            "sgd": _line((0, top), corner, (right, h - 1)),
            "correlation": _line(corner, end),
            "polylog": _line(end, (ell, 0)),
            "one_step": _line((ell, 0), (right, 0)),
            "validity": _line((0, h - 0.75), (2 * h - 1.5, 0)),
        },
        regions={
            "sgd": _region((0, top), corner, (right, h - 1), (right, high), (0, high)),
            "correlation": _region(corner, end, (right, 0), (right, h - 1)),
            "not_learning": _region((0, 0), (0, top), corner, end),
        },
        points={
            "sgd_optimum": np.array(corner, float),
            "correlation_optimum": np.array(end, float),
            "one_step": np.array((ell, 0), float),
        },
    )


def learning_rate_diagram(information_exponent, mu_max=None, delta_min=None, delta_max=None):
    """Return the (μ, δ) diagram of a cold start (overlap ``~ 1/√d``)."""
    h, one = half(information_exponent), giant_step(information_exponent)
    top = 2 * h - 1
    right = _window("mu_max", mu_max, top + 1.5, max(one.mu, top))
    last = (1 - right) / 2  # δ of the edge of learning at mu_max
    low = _window("delta_min", delta_min, last - 0.25, last, side=-1)
    high = _window("delta_max", delta_max, h + 0.5, h)
    corner, end = (h, 0), (top, 1 - h)
    return Diagram(
        lines={
            "sgd": _line((0, h), corner, (right, 0)),
            "correlation": _line(corner, end),
            "polylog": _line(end, (right, last)),
            "one_step": _line((one.mu, one.delta), (right, one.delta)),
        },
        regions={
            "sgd": _region((0, h), corner, (right, 0), (right, high), (0, high)),
            "correlation": _region(corner, end, (right, 1 - h), (right, 0)),
            "polylog": _region(end, (right, 1 - h), (right, last)),
            "not_learning": _region((0, low), (0, h), corner, end, (right, last), (right, low)),
        },
        points={
            "sgd_optimum": np.array(corner, float),
            "correlation_optimum": np.array(end, float),
            "one_step": np.array((one.mu, one.delta)),
        },
    )


def ode_diagram(mu_max=2.0, delta_min=-0.5, delta_max=1.5):
    """Return the (μ, δ) diagram of the deterministic limits from a warm start; names as in `regime`."""
    right = _window("mu_max", mu_max, None, 1)
    low = _window("delta_min", delta_min, None, 0, side=-1)
    high = _window("delta_max", delta_max, None, 1)
    return Diagram(
        lines={"saad_solla": _line((0, 1), (1, 0)), "large_batch": _line((1, 0), (right, 0))},
        regions={
            "population_flow": _region((0, 1), (1, 0), (right, 0), (right, high), (0, high)),
            "noise_learning": _region((0, 0.5), (0, 1), (1, 0)),
            "no_limit": _region((0, low), (0, 0.5), (1, 0), (right, 0), (right, low)),
        },
        points={"coexistence": np.array((1.0, 0.0))},
    )


def as_plain(information_exponent) -> dict:
    """Both diagrams of ℓ as plain lists: lines, regions and points of (μ, θ) and of (μ, δ), by name."""
    found: dict = {"information_exponent": information_exponent}
    for name, diagram in (("mu_theta", time_diagram), ("mu_delta", learning_rate_diagram)):
        parts = diagram(information_exponent)._asdict()
        found[name] = {part: {key: v.tolist() for key, v in values.items()} for part, values in parts.items()}
    return found


def _window(name, value, default, edge, side=1):
    """Check that a limit of a diagram lies above (side 1) or below (-1) the last thing to show."""
    value = float(finite(name, default if value is None else value))
    if side * (value - edge) <= 0:
        where = "above" if side > 0 else "below"
        raise ExponentError(f"{name} = {value:g}: it must be {where} {edge:g}, or the diagram hides a line")
    return value


def _line(*points):
    """Join points without repeats; a line of no length is empty."""
    points = np.array(points, dtype=float)
    points = points[np.r_[True, np.any(np.diff(points, axis=0), axis=1)]]
    return points if len(points) > 1 else np.empty((0, 2))


def _region(*points):
    """Corners of a polygon, not closed; a polygon of no area is empty."""
    corners = _line(*points)
    x, y = corners.T
    area = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2
    return corners if abs(area) > TOLERANCE else np.empty((0, 2))
