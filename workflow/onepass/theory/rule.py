"""The Gaussian means of a step, and the rule by which compiled code finds them."""

from typing import NamedTuple

import numpy as np

NONE = np.empty(0)


class Rule(NamedTuple):
    """How the means of one model are found; arrays that its family does not use are empty."""

    closed: bool  # arcsine laws, else Gauss–Hermite
    layer: np.ndarray  # (p,) a_j/p; of a second layer that learns as it is now
    noise: float  # variance Δ of the labels
    directions: np.ndarray = np.empty((0, 0))  # (t, k) vectors t of the target's erf(⟨t, λ*⟩/√2)
    coefficients: np.ndarray = NONE  # (t,) their weights
    nodes: np.ndarray = NONE  # (n,)
    weights: np.ndarray = NONE  # (n,) with sum 1
    target: np.ndarray = NONE  # (n**k,) values of the target on the grid of the teachers, first coordinate fastest
    activation: np.ndarray = NONE  # (degree + 1,) the activation's coefficients, lowest power first


class Moments(NamedTuple):
    """Means over the local fields ``(λ, λ*) ~ N(0, [[Q, M], [Mᵀ, I]])`` and the label noise.

    E is ``y − f`` (square loss) or ``y`` (correlation loss); the factors ``a_j/p`` of the second layer are left out.
    ``u`` are white normals of dimension p + k of which the fields are linear functions: ``|u|²`` is ``uᵀΩ⁻¹u``
    where Ω has an inverse, and beyond that counts the dimensions that no field spans.
    Numbers have no units.
    """

    psi: np.ndarray  # (p, k)  ψ_jr = E[σ'(λ_j) λ*_r E]
    gf: np.ndarray  # (p, p)  φGF_jl = E[σ'(λ_j) λ_l E]
    hd: np.ndarray  # (p, p)  φHD_jl = E[σ'(λ_j) σ'(λ_l) E²]
    bc: np.ndarray  # (p, p)  φBC_jl = E[σ'(λ_j) E u]·E[σ'(λ_l) E u]
    length: np.ndarray  # (p, p)  E[σ'(λ_j) σ'(λ_l) E² |u|²]
    radial: np.ndarray  # (p, p)  E[σ'(λ_j) σ'(λ_l) E² (λ_j² + λ_l² − Q_jl λ_j λ_l)]
    value: np.ndarray  # (p,)  E[σ(λ_j) E]
