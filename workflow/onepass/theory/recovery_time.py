"""First-principles recovery times of one student, prefactor included.

Of one direction, at information exponent 2, a closed form knows the noise. Near m = 0 the overlap follows
``m' = (1 + λ) m + noise`` of variance σ² a step, so that ``E[m²] + s`` grows as ``e^(2λt)`` with ``s = σ²/(2λ)``;
growth saturates as ``m²/(1 − m²)`` shows. Recovery at η: ``T = 1/(2λ) log[(η²/(1 − η²) + s) / (m0²/(1 − m0²) + s)]``,
for phase retrieval the escape time of Arnaboldi, Krzakala, Loureiro & Stephan, arXiv:2305.18502. The rate and the noise
are those of the exact mean step and of one sample, at the origin.

Otherwise the noiseless climb (`climb`): of one direction with gain ``γ β m^(ℓ−1)`` a step, ``β = ℓ ℓ! c_ℓ c*_ℓ``, of
several that of the population flow.
"""

from math import inf, log, nan

from onepass.gaussian.information import leap_index
from onepass.gaussian.quadrature import exact_count
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.simulation.chain.batch_law import moments
from onepass.theory import saddle
from onepass.theory.climb import climb_factor, flow_factor
from onepass.theory.exponents import half

_SMALL = 1e-5  # an overlap at which growth is linear
_NODES = 60  # a dimension, for models that are no polynomials


def recovery_time(
    model: Model,
    protocol: Protocol,
    *,
    dimension: int,
    batch_size: int,
    learning_rate: float,
    start: float,
    threshold: float,
) -> float:
    """Steps from the norm `start` of a student's overlaps to the norm `threshold`, to leading order.

    Of several coordinates the overlaps are equal at the start. inf where the overlap does not grow: the learning rate
    is too large, or its coefficients of the wrong sign. nan for several students and for protocols that are not
    basic, of which nothing is known here.
    """
    if not protocol.is_basic:
        return nan
    if model.students == model.teachers == 1 and leap_index(model.target_formula) == 2:
        return _escape_time(model, protocol, dimension, batch_size, learning_rate, start, threshold)
    place = {"dimension": dimension, "learning_rate": learning_rate, "start": start, "threshold": threshold}
    return noiseless_time(model, **place, counted=True)


def noiseless_time(
    model: Model, *, dimension: float, learning_rate: float, start: float, threshold: float, counted: bool = False
) -> float:
    """`recovery_time` with the noise left out: a climb, whose few steps are counted one by one if that is asked for."""
    if model.students > 1:
        return nan
    order = leap_index(model.target_formula)
    if model.teachers > 1:
        gain, factor = learning_rate, flow_factor(model, float(dimension), start, threshold)
    elif (gain := learning_rate * drift_coefficient(model)) <= 0:
        return inf
    else:
        steps = {"gain": [gain] if counted else None}
        (factor,) = climb_factor(order, [dimension], start=start, threshold=threshold, **steps)
    return float(factor * dimension ** (half(order) - 1) / gain)


def drift_coefficient(model: Model) -> float:
    """β of the drift ``γ β m^(ℓ−1)`` of one student with equal overlaps of a small norm m."""
    return float(model.output_weights[0] * saddle.drift(model, saddle.diagonal(model)))


def _escape_time(model, protocol, dimension, batch_size, learning_rate, start, threshold) -> float:
    """At information exponent 2, noise included."""
    from onepass.theory.dynamics import solve_dynamics  # compiled code: not for those who only plan

    step = solve_dynamics(
        model,
        protocol,
        dimension=dimension,
        batch_size=batch_size,
        learning_rate=learning_rate,
        steps=1,
        initial=("overlap", _SMALL),
        equation="finite_d",
        records=1,
    )
    rate = log(max(float(step.overlap.values.ravel()[-1]) / _SMALL, 1e-300))
    if rate <= 0:
        return inf
    count = exact_count(model) or _NODES
    variance = moments(model, protocol.loss, 0.0, count)[3] * learning_rate**2 / batch_size
    spread = variance / (2 * rate)
    squared = [m**2 / (1 - m**2) + spread for m in (start, threshold)]
    return log(squared[1] / squared[0]) / (2 * rate)
