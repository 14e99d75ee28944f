"""The smoothed landscape: activations averaged over a neighbourhood of the weights, of radius s.

On the sphere, as in Damian, Nichani, Ge & Lee (arXiv:2305.10633): the weights are ``(w + sθ)/√(1 + s²)``, θ uniform on
the unit sphere orthogonal to w; then ``θ·z = √R t`` with ``R = ‖z‖² − λ²`` and t the coordinate of a uniform unit
vector in d − 1 dimensions. In flat space they are ``w + sg``, g standard Gaussian, and ``g·z = ‖z‖ t`` with t normal.
Both are means over one t, by a rule that is exact for polynomials.
"""

import numpy as np

from onepass.errors import OnepassError
from onepass.formulas.formula import Formula
from onepass.gaussian.quadrature import gauss_hermite


class SmoothingError(OnepassError, ValueError):
    """An activation whose smoothing is not known exactly."""


class Smoothing:
    """Value and slope of a smoothed activation; `sphere` tells on what it is smoothed."""

    def __init__(self, activation: Formula, radius: float, sphere: bool, dimension: int) -> None:
        if activation.degree is None:
            raise SmoothingError(
                f"smoothing {radius:g} does not go with activation {activation.text!r}; allowed: polynomials, whose "
                "means over the smoothing are exact"
            )
        self.radius, self.sphere = radius, sphere
        self.value, self.slope = activation.array(np), activation.array(np, derivative=True)
        count = activation.degree // 2 + 1  # exact for σ' times t
        self.nodes, self.weights = sphere_rule(count, dimension - 1) if sphere else gauss_hermite(count)

    def response(self, fields: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Smoothed activations and slopes c at fields (replicas, n_b, p) of samples with ``‖z‖²`` (replicas, n_b).

        The descent direction is ``Σ c z``, on the sphere its tangent part: there turning w changes R, not ``‖z‖``.
        """
        s, t = self.radius, self.nodes
        if not self.sphere:
            shifted = fields[..., None] + s * np.sqrt(squares)[..., None, None] * t
            return self.value(shifted) @ self.weights, self.slope(shifted) @ self.weights
        rest = np.sqrt(np.maximum(squares[..., None] - fields**2, 0.0))[..., None]
        share = np.sqrt(1 + s**2)
        shifted = (fields[..., None] + s * rest * t) / share
        turned = 1 - fields[..., None] * s * t / np.where(rest > 0, rest, np.inf)
        return self.value(shifted) @ self.weights, (self.slope(shifted) * turned) @ self.weights / share


def sphere_rule(count: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of a mean over a coordinate of a uniform unit vector, exact up to degree ``2 count − 1``.

    By Golub & Welsch (1969) from the recurrence of the Gegenbauer polynomials.
    """
    alpha, n = dimension / 2 - 1, np.arange(2, count)
    squares = np.concatenate(
        [[1 / dimension][: count - 1], n * (n + 2 * alpha - 1) / (4 * (n + alpha) * (n + alpha - 1))]
    )
    side = np.diag(np.sqrt(squares), 1)
    nodes, vectors = np.linalg.eigh(side + side.T)
    return nodes, vectors[0] ** 2
