"""Wishart matrices: their random factors, and factors of matrices that students make singular."""

from math import log, sqrt

from onepass.simulation.jit import inlined

RANK_TOLERANCE = 1e-13  # a pivot below this fraction of its diagonal is rounding, not rank


@inlined
def semidefinite_cholesky(gram, p, factor, column):
    """Write the lower-triangular factor of a positive semi-definite (p, p) matrix into `factor` from `column` on.

    Columns of zero pivot are left out, zeros fill the end. Returns the rank. Written out because LAPACK's
    refuses singular matrices, and students do align.
    """
    rank = 0
    for j in range(p):
        pivot = gram[j, j]
        for r in range(rank):
            pivot -= factor[j, column + r] * factor[j, column + r]
        for r in range(rank, p):
            factor[j, column + r] = 0.0
        if pivot <= RANK_TOLERANCE * gram[j, j]:
            continue
        pivot = sqrt(pivot)
        factor[j, column + rank] = pivot
        for i in range(j + 1, p):
            value = gram[i, j]
            for r in range(rank):
                value -= factor[i, column + r] * factor[j, column + r]
            factor[i, column + rank] = value / pivot
        rank += 1
    return rank


@inlined
def chi_square(rng, degrees):
    """Draw χ² by Marsaglia & Tsang (2000) as NumPy does, the same numbers: inlined, a third of a step of one sample."""
    if degrees <= 2.0:
        return rng.chisquare(degrees)
    shape = 0.5 * degrees - 1.0 / 3.0
    scale = 1.0 / sqrt(9.0 * shape)
    while True:
        x = rng.standard_normal()
        cubic = 1.0 + scale * x
        if cubic <= 0.0:
            continue
        cubic = cubic * cubic * cubic
        u = rng.random()
        if u < 1.0 - 0.0331 * (x * x) * (x * x):
            break
        if log(u) < 0.5 * x * x + shape * (1.0 - cubic + log(cubic)):
            break
    return 2.0 * shape * cubic


@inlined
def bartlett(rng, factor, rank, degrees):
    """Draw the lower-triangular Bartlett factor B of a Wishart matrix: ``B Bᵀ ~ Wishart_rank(degrees)``."""
    for i in range(rank):
        for j in range(i):
            factor[i, j] = rng.standard_normal()
        factor[i, i] = sqrt(chi_square(rng, degrees - i))
