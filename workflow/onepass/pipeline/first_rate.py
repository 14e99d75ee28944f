"""Where the search of a learning rate begins: far below the best, for all cells of an experiment alike.

A rate is worth the more the less a step moves by it: a velocity adds up 1/(1 − β) steps, and the smoothed landscape of
radius s has He_ℓ divided by (1 + s²)^(ℓ/2), with a gradient as much smaller. That says where the climb begins, not
where it ends: the best rate is up to the runs.
"""

from onepass.pipeline.feasible import leap_index
from onepass.protocol import Protocol
from onepass.theory.exponents import half


def first_prefactor(experiment, protocol: str, batch_size: int) -> float:
    """What a search's first rate has before its power of d: ``first_gamma0 n_b^first_batch (1 − β) (1 + s²)^(ℓ/2)``."""
    own = Protocol.named(protocol)
    smoothed = (1 + own.smoothing**2) ** half(leap_index(experiment.model.target))
    return experiment.first_gamma0 * batch_size**experiment.first_batch * (1 - own.beta) * smoothed
