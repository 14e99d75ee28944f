"""Directions of a step: what is made of the gradient G (replicas, students, width), by inner products alone."""

import numpy as np

from onepass.choices import Direction
from onepass.simulation.algorithms.algorithm import norms

RANK = 1e-10  # a singular value below this fraction of the largest is rounding


def shaped(direction: Direction, gradient: np.ndarray) -> np.ndarray:
    """The direction of a gradient; what is 0 stays 0."""
    if direction == Direction.NORMALISED:
        return _divided(gradient, frobenius(gradient))
    if direction == Direction.ROWS:
        return _divided(gradient, norms(gradient))
    if direction == Direction.POLAR:
        finite = np.isfinite(gradient).all(axis=(1, 2), keepdims=True)
        left, values, right = np.linalg.svd(np.where(finite, gradient, 0.0), full_matrices=False)
        left = np.where(finite, left, np.nan)
        return (left * (values > RANK * values[:, :1])[:, None]) @ right  # the rank is n_b at most
    return gradient


def clipped(gradient: np.ndarray, clip: float) -> np.ndarray:
    """``min(1, clip / ‖G‖_F) G``."""
    norm = frobenius(gradient)
    return gradient * np.divide(clip, norm, out=np.ones_like(norm), where=norm > clip)


def frobenius(gradient: np.ndarray) -> np.ndarray:
    """``‖G‖_F``, (replicas, 1, 1)."""
    return np.sqrt((gradient**2).sum(axis=(1, 2), keepdims=True))


def _divided(gradient: np.ndarray, norm: np.ndarray) -> np.ndarray:
    return np.divide(gradient, norm, out=np.zeros_like(gradient), where=norm > 0)
