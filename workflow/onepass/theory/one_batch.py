"""Gradient descent on one batch of α d samples as d → ∞: its mean-field limit, for a fixed number of steps.

The fields of all steps are a function of jointly Gaussian ones, because every step sees the same inputs Z:
``h_t = G_t + Σ_{s<t} b_ts c_s / α`` with the weights c of the gradient and Gaussian G of the covariance of the weight
vectors; and ``Zᵀ c_t / n_b = U_t + Σ_v E[∂c_t/∂G_v] w_v``, v over the teacher and the students so far, with U Gaussian
of covariance ``E[c_s c_t]/α``. b_ts is what w_t has of U_s. By Stein's lemma the mean derivatives are the coefficients
of the regression of c_t on G. State evolution of first-order methods (Celentano, Montanari & Wu, arXiv:2002.12903); for
networks dynamical mean-field theory (Gerbelot, Troiani, Mignacco, Krzakala & Zdeborová, arXiv:2210.06591).
"""

from math import sqrt

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from onepass.choices import ProtocolError, Update
from onepass.formulas.named import NamedFormula
from onepass.model import Model
from onepass.protocol import Protocol

KNOWN = ("loss", "label", "update", "passes")  # choices that the limit follows


def mean_field(
    model: Model,
    protocol: Protocol,
    *,
    batch_ratio: float,
    learning_rate: float,
    steps: int,
    overlap: np.ndarray,
    gram: np.ndarray,
    samples: int = 2**17,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Overlaps (steps + 1, p, k) and Gram matrices (steps + 1, p, p) of gradient descent on one batch.

    Parameters
    ----------
    protocol : of any loss and update; its number of passes does not matter.
    batch_ratio, learning_rate : α = n_b/d and γ.
    overlap, gram : M (p, k) and Q (p, p) at the start.
    samples : of the fields, drawn to find the means, a power of two.

    Raises
    ------
    ProtocolError
        For a protocol that does more than that.
    """
    if protocol != Protocol(**{key: getattr(protocol, key) for key in KNOWN}):
        raise ProtocolError(
            f"the mean-field limit does not know protocol {protocol.name!r}; allowed: any {', '.join(KNOWN)}, no more"
        )
    p, k = model.students, model.teachers
    noises = _normals(k + p * (steps + 1) + 1, samples, seed)  # the first is the labels'
    base = np.block([[np.eye(k), overlap.T], [overlap, gram]])  # Gram matrix of teacher, first students, then the U
    vectors = np.eye(k + p)  # teacher and students so far, in coordinates of these
    gaussian = np.empty((samples, k + p * (steps + 1)), order="F")  # G of teacher and students
    weights = np.empty((samples, p * (steps + 1)), order="F")  # c of all steps
    layer, derivative = model.output_weights, model.activation_formula.array(np, derivative=True)
    activation, psi = model.activation_formula.array(np), protocol.psi.array(np)
    overlaps, grams = [], []
    for step in range(steps + 1):
        known, seen = len(vectors), p * step
        products = vectors @ base @ vectors.T
        overlaps.append(products[-p:, :k])
        grams.append(products[-p:, -p:])
        _extend(gaussian, known - p if step else 0, products, noises)
        if step == 0:
            labels = model.target_formula.array(np)(gaussian[:, :k]) + sqrt(model.noise) * noises[:, 0]
            labels = labels if protocol.label is None else NamedFormula.of(protocol.label, "y").array(np)(labels)
        fields = gaussian[:, known - p : known] + weights[:, :seen] @ vectors[-p:, k + p :].T / batch_ratio
        c = layer * derivative(fields) * psi(labels, activation(fields) @ layer)[:, None]

        g = gaussian[:, :known]
        derivatives = (np.linalg.pinv(g.T @ g, hermitian=True) @ (g.T @ c)).T  # (p, known)
        if protocol.update == Update.SPHERICAL:
            derivatives[:, -p:] -= np.diag((c * fields).mean(axis=0))
        weights[:, seen : seen + p] = c
        base = _with_noise(base, weights[:, : seen + p].T @ c / samples / batch_ratio, k + p)
        change = np.hstack([derivatives @ vectors, np.eye(p)])
        vectors = np.pad(vectors, ((0, 0), (0, p)))
        moved = vectors[-p:] + learning_rate * change
        if protocol.update != Update.PLAIN:
            moved /= np.sqrt(np.einsum("jx,xy,jy->j", moved, base, moved))[:, None]
        vectors = np.vstack([vectors, moved])
    return np.array(overlaps), np.array(grams)


def _normals(columns: int, samples: int, seed: int) -> np.ndarray:
    """Unit normals (samples, columns) from a scrambled Sobol sequence, whose means have smaller errors."""
    points = qmc.Sobol(columns, rng=np.random.default_rng(seed)).random_base2(int(np.log2(samples)))
    return ndtri(points.clip(1e-16, 1 - 1e-16))


def _extend(gaussian: np.ndarray, known: int, covariance: np.ndarray, noises: np.ndarray) -> None:
    """Fill in the columns that this covariance has beyond those known, given these."""
    along = np.linalg.pinv(covariance[:known, :known], hermitian=True) @ covariance[:known, known:]
    values, axes = np.linalg.eigh(covariance[known:, known:] - covariance[known:, :known] @ along)
    fresh = noises[:, known + 1 : len(covariance) + 1] * np.sqrt(values.clip(0))
    gaussian[:, known : len(covariance)] = gaussian[:, :known] @ along + fresh @ axes.T


def _with_noise(base: np.ndarray, products: np.ndarray, fixed: int) -> np.ndarray:
    """The Gram matrix with the newest U, of these products (U so far and new, new), beside the fixed vectors."""
    old, count = base.shape[0], products.shape[1]
    whole = np.zeros((old + count, old + count))
    whole[:old, :old] = base
    whole[fixed:, old:] = products
    whole[old:, fixed:] = products.T
    return whole
