"""What may grow without end: weights that no step brings back to the sphere, and a second layer that learns."""

from math import log, sqrt

import numpy as np

from onepass.choices import Loss, Update
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.targets.remark import Remark

LARGEST_STEP = 2.0  # of one sample, in norms of a student: from about there on runs were seen to diverge


def unbounded(
    model: Model, protocol: Protocol, *, dimension: int, batch_size: int, learning_rate: float, steps: int
) -> list[Remark]:
    """Remarks on protocols whose norms or second layer move, of the square and the correlation loss."""
    found, plain, learns = [], protocol.update == Update.PLAIN, protocol.second_layer_rate > 0
    free = [name for name, moves in (("the weights", plain), ("the second layer", learns)) if moves]
    if protocol.loss == Loss.CORRELATION and free and not protocol.weight_decay:
        found.append(
            Remark(
                "growth",
                1.0,
                f"the correlation loss has no minimum: {' and '.join(free)} grow as long as a run goes on, and its "
                "risk with them; a threshold ends it, weight_decay holds weights",
            )
        )
    step = _largest_step(model, dimension, batch_size, learning_rate, steps)
    if plain and protocol.loss == Loss.SQUARE and step > LARGEST_STEP:
        found.append(
            Remark(
                "divergence",
                step,
                f"without normalisation runs may diverge: of the {batch_size * steps:.2g} samples of a run the largest "
                f"moves a student by {step:.2g} times its norm at learning rate {learning_rate:.3g}, and from far out "
                "a polynomial of degree 2 or more does not come back; runs that diverge count as not recovered",
            )
        )
    return found


def _largest_step(model: Model, dimension: int, batch_size: int, learning_rate: float, steps: int) -> float:
    """``γ (a/p)² |σ σ'|(λ) √d/n_b`` at the largest field λ of a run; 0 for activations that grow no faster than it."""
    activation = model.activation_formula
    if activation.degree is None or activation.degree < 2:
        return 0.0
    field = np.array(sqrt(2 * log(max(batch_size * steps, 2))))
    value, slope = (float(activation.array(np, derivative=d)(field)) for d in (False, True))
    weight = float((model.output_weights**2).max())
    return learning_rate * weight * abs(value * slope) * sqrt(dimension) / batch_size
