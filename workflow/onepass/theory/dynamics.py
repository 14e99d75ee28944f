"""Deterministic theory of one-pass SGD: the mean process at finite dimension, and its limit at infinite dimension."""

from math import isfinite
from numbers import Real

import numpy as np

from onepass.choices import BASIC_LOSSES
from onepass.errors import OnepassError
from onepass.model import Model
from onepass.protocol import Protocol, ProtocolError, Schedule, Update
from onepass.simulation.initial import initial_factor
from onepass.simulation.parameters import LARGEST_COUNT, LEAP_COUNT, Parameters
from onepass.simulation.records import log_spaced, of_runs
from onepass.theory import block_process, exponents
from onepass.theory.mean_kernel import Scales
from onepass.theory.mean_process import flow, iterate

ARGUMENTS = {  # of each equation, of no use to the other
    "finite_d": ("batch_size", "learning_rate"),
    "limit": ("mu", "delta", "batch_prefactor", "learning_rate_prefactor"),
}
KNOWN = ("loss", "update", "schedule", "weight_decay", "second_layer_rate")  # choices that the equations follow
ROUNDING = 1e-6  # of exponents


class DynamicsError(OnepassError, ValueError):
    """A parameter of `solve_dynamics` outside its range, or a limit that does not exist."""


def solve_dynamics(
    model: Model,
    protocol: Protocol,
    *,
    dimension: int,
    steps: int,
    initial,
    equation: str = "finite_d",
    batch_size: int | None = None,
    learning_rate: float | None = None,
    intra_batch: bool = True,
    mu: float | None = None,
    delta: float | None = None,
    batch_prefactor: float | None = None,
    learning_rate_prefactor: float | None = None,
    records: int = 50,
):
    """Solve the low-dimensional equations of one-pass SGD.

    Parameters
    ----------
    protocol : of the square or the correlation loss and gradient steps, with any update, weight decay and a second
        layer that learns; labels as they are, no momentum, no smoothing, no sample seen again.
    dimension, steps : d and the number of SGD steps to follow. The limit knows d only as what turns steps into time.
    initial : ``("overlap", m)`` (the students' rests orthogonal to each other, the mean of the simulation's random
        start) or ``("overlaps", M, Q)``, for isotropic inputs alone; for the plain update Q may have any norms.
    equation : ``"finite_d"``, the mean process, or ``"limit"``.
    batch_size, learning_rate : n_b and γ; "finite_d" only.
    intra_batch : False leaves the φBC term out; "finite_d" only.
    mu, delta, batch_prefactor, learning_rate_prefactor : μ, δ, n_0 and γ_0 of ``n_b = n_0 d^μ``,
        ``γ = γ_0 d^(−δ)``; "limit" only, which keeps the terms that survive at (μ, δ).
    records : how many steps to record, spaced evenly in the logarithm; 0 and the last are always there.

    Returns
    -------
    xarray.Dataset with ``overlap`` (step, student, teacher), ``student_gram`` (step, student, other_student) and
    ``risk`` (step), the excess population risk, and ``second_layer`` (step, student) where that learns; numbers without
    units. ``time`` (step) is the limit's own
    time, a coordinate. Attributes: ``equation``, ``regime`` (limit), and ``expectation_error``, the largest
    error of a recorded state's means, 0 where they are exact. Of inputs with blocks, whose mean process is that of
    `onepass.theory.block_process`, states and blocks are as `onepass.simulate` has them; they have no "limit" here.

    Raises
    ------
    ValueError
        For a parameter outside its range or of the other equation, or a (μ, δ) without a limit
        (`DynamicsError`); for a model whose means are out of reach (`onepass.theory.moments.ExpectationError`).
    DivergenceError
        If a norm is no longer a positive number.

    Notes
    -----
    One step of the mean process is the exact mean of the change of (M, Q) that one SGD step makes before the norms are
    restored, then divided by the root of the mean squared norms. What is neglected are fluctuations: of the state
    from step to step, and of the norms within one. For the spherical update the same mean is taken of the
    projected gradients, whose squares have further Gaussian means (``Expectations.radial``). The plain update leaves
    the norms as they come. A second layer of rate r moves by ``γ r E[σ(λ_j) E]/p`` (its flow: Goldt, Advani, Saxe,
    Krzakala & Zdeborová, arXiv:1906.08632); weight decay ω multiplies W by ``1 − γω``.

    The limit (Saad & Solla 1995 on the sphere; regimes of Veiga et al. 2022 and Arnaboldi et al. 2024) is the flow
    ``dM = Ψ − ½ M Φ_jj``, ``dQ = Φ − ½ Q (Φ_jj + Φ_ll)`` in time ``τ = d^max(−δ, 1−μ−2δ)`` a step. Where a step of
    time does not shrink with d (δ = 0, or μ + 2δ = 1) it is no flow but a map, whose norms are restored exactly;
    that flow is its first order in γ_0. The plain update has the flow of Saad & Solla itself, ``dM = Ψ``, ``dQ = Φ``.
    Weight decay and the second layer move at the pace of the gradient: where that vanishes, they do.
    """
    arguments = {
        "batch_size": batch_size, "learning_rate": learning_rate, "mu": mu, "delta": delta,
        "batch_prefactor": batch_prefactor, "learning_rate_prefactor": learning_rate_prefactor,
    }  # fmt: skip
    _check_protocol(protocol)
    _check(model, protocol, equation, dimension, steps, records, intra_batch, arguments)
    record_steps, attributes, time_step = log_spaced(int(steps), int(records)), {"equation": equation}, None
    if not model.inputs.is_isotropic:
        about = arguments, intra_batch, int(dimension), record_steps, attributes
        return _in_blocks(model, protocol, equation, initial, *about)
    overlap, gram = _start(model, initial, dimension, unit=protocol.update != Update.PLAIN)
    finite = equation == "finite_d"
    if finite:
        extra = model.students + model.teachers
        share = 1 / batch_size
        bc = 1 - share if intra_batch else 0.0
        scales = Scales(first=1.0, hd=(dimension - extra) * share, length=share, bc=bc)
        rate = float(learning_rate)
    else:
        attributes["regime"] = exponents.regime(mu, delta)
        exponent = max(-delta, 1 - mu - 2 * delta)
        time_step = float(dimension) ** exponent
        scales, rate = _limit_scales(attributes["regime"], batch_prefactor), float(learning_rate_prefactor)
    scales = scales._replace(decay=protocol.weight_decay, second_layer=protocol.second_layer_rate)
    basic = Protocol(protocol.loss, Update.PROJECTED, protocol.schedule)
    parameters = Parameters.of(
        model, basic, dimension=dimension, batch_size=batch_size or 0, learning_rate=rate, steps=steps
    )._replace(update=int(protocol.update))  # what else the protocol says stands in the scales
    if not finite and exponent < -ROUNDING:
        states = flow(model, parameters, overlap, gram, scales, record_steps * time_step)
    else:
        states = iterate(model, parameters, overlap, gram, scales, record_steps)
    return _dataset(record_steps, states, attributes, protocol.second_layer_rate > 0, time_step)


def _in_blocks(model, protocol, equation, initial, arguments, intra_batch, dimension, record_steps, attributes):
    """The mean process for inputs with blocks."""
    if equation != "finite_d":
        model.require_isotropic(f"equation {equation!r}")
    overlap = initial[1] if isinstance(initial, (tuple, list)) and len(initial) == 2 else None
    if not (isinstance(overlap, Real) and initial[0] == "overlap" and model.teachers * overlap**2 <= 1):
        raise DynamicsError(
            f"initial {initial!r} does not go with inputs {model.inputs.name!r}; allowed: ('overlap', m) of k m² ≤ 1"
        )
    covariance, model = model.inputs.at(dimension, model.teachers), model.normalised(dimension)
    start = block_process.start(covariance, overlap, model.students, model.teachers)
    numbers = float(arguments["learning_rate"]), int(arguments["batch_size"]), intra_batch
    states = block_process.iterate(model, protocol, covariance, start, *numbers, record_steps)
    attributes["inputs"], learns = model.inputs.name, protocol.second_layer_rate > 0
    return _dataset(record_steps, states, attributes, learns, covariance=covariance)


def _limit_scales(regime: str, batch_prefactor: float) -> Scales:
    """Which terms survive: the gradient, its noise and the interaction within a batch."""
    gradient = 0.0 if regime == "noise_learning" else 1.0
    noise = 1 / batch_prefactor if regime in ("noise_learning", "saad_solla", "coexistence") else 0.0
    interaction = 1.0 if regime in ("large_batch", "coexistence") else 0.0
    return Scales(first=gradient, hd=noise, length=0.0, bc=interaction)


def _start(model, initial, dimension, unit):
    """M and Q at step 0, arrays of their own."""
    p, k = model.students, model.teachers
    if isinstance(initial, str) and initial == "sphere":
        raise DynamicsError("initial 'sphere' is random, the equations are not; allowed: ('overlap', m), a typical one "
                            "being m = 1/√d, or ('overlaps', M, Q)")  # fmt: skip
    factor = initial_factor(initial, p, k, max(dimension, p + k), np.random.default_rng(0), unit)
    if initial[0] == "overlap":
        gram = factor[:, :k] @ factor[:, :k].T
    else:
        gram = np.array(initial[2], dtype=float)
    if unit or initial[0] == "overlap":
        np.fill_diagonal(gram, 1.0)
    return factor[:, :k].copy(), gram


def _check_protocol(protocol: Protocol) -> None:
    """Raise where a step does more than the equations know."""
    if protocol.loss in BASIC_LOSSES:
        own = {key: getattr(protocol, key) for key in KNOWN}
        if protocol == Protocol(**own):
            return
    raise ProtocolError(
        f"solve_dynamics does not know protocol {protocol.name!r}; allowed: loss {' or '.join(map(str, BASIC_LOSSES))} "
        f"of labels as they are, with any {', '.join(KNOWN[1:])}, and no other direction, momentum or smoothing, each "
        "sample seen once; simulate the others with engine 'chain'"
    )


def _check(model, protocol, equation, dimension, steps, records, intra_batch, arguments) -> None:
    if equation not in ARGUMENTS:
        raise DynamicsError(f"equation {equation!r} is unknown; allowed: {', '.join(ARGUMENTS)}")
    for other, keys in ARGUMENTS.items():
        for key in keys:
            if (arguments[key] is None) == (other == equation):
                needed = f"needs {', '.join(ARGUMENTS[equation])}"
                verb = "is missing" if other == equation else f"belongs to equation {other!r}"
                raise DynamicsError(f"{key} {verb}; equation {equation!r} {needed}")
    counts = [
        ("dimension", dimension, model.students + model.teachers, LEAP_COUNT),
        ("steps", steps, 0, LARGEST_COUNT),
        ("records", records, 0, LARGEST_COUNT),
    ]
    if equation == "finite_d":
        counts.append(("batch_size", arguments["batch_size"], 1, LEAP_COUNT))
    for key, value, least, most in counts:
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not (whole and least <= value <= most):
            allowed = f"a whole number from {least} to 2**{most.bit_length() - 1}"
            raise DynamicsError(f"{key} is {value!r}; allowed: {allowed}")
    for key in ("learning_rate", "learning_rate_prefactor", "batch_prefactor"):
        value = arguments[key]
        if value is not None and not (isinstance(value, Real) and isfinite(value) and value > 0):
            raise DynamicsError(f"{key} is {value!r}; allowed: a finite number above 0")
    if equation == "finite_d":
        return
    if not intra_batch:
        raise DynamicsError("intra_batch=False belongs to equation 'finite_d'; the limit's terms follow from (μ, δ)")
    if protocol.schedule == Schedule.ADAPTIVE:
        raise DynamicsError("schedule 'adaptive' changes γ from step to step and has no limit; use equation 'finite_d'")
    mu, delta = arguments["mu"], arguments["delta"]
    if exponents.regime(mu, delta) == "no_limit":
        reason = (
            "each step moves the students by a power of d, not by a vanishing or fixed amount"
            if delta < -ROUNDING
            else "the noise that a step adds to the norms, d^(1−μ−2δ), grows with d"
        )
        raise DynamicsError(
            f"no deterministic limit at (μ, δ) = ({mu:g}, {delta:g}): {reason}; allowed: δ ≥ 0 and μ + 2δ ≥ 1 (or "
            "equation 'finite_d')"
        )


def _dataset(record_steps, states, attributes, learns, time_step=None, covariance=None):
    """Of overlaps, grams, risks, a/p, in blocks of inputs those of each, and the errors of their means."""
    *states, errors = states
    names = ("overlap", "student_gram", "risk", "second_layer", "block_overlap", "block_gram")
    data = {name: values[None] for name, values in zip(names, states, strict=False)}  # of one run
    layers = data.pop("second_layer")
    if learns:
        data["second_layer"] = layers * layers.shape[2]
    attributes = attributes | {"expectation_error": float(np.max(errors))}
    dataset = of_runs(record_steps, data, {}, attributes, covariance).isel(replica=0)
    if time_step is not None:
        about = {"long_name": "time τ of the limit", "units": "1"}
        dataset = dataset.assign_coords(time=("step", record_steps * time_step, about))
    return dataset
