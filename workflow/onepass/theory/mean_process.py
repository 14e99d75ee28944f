"""The low-dimensional equations as numbers: steps of a process, and the flow that its limit is."""

import numpy as np

from onepass.protocol import Loss, Schedule
from onepass.simulation.simulate import DivergenceError
from onepass.theory.mean_kernel import DIVERGED, RECORDED, advance, increments, run
from onepass.theory.moments import Expectations, compiled_rule, empty_moments, expectations

QUADRATURE = 1e-8  # tolerance of means that have no exact rule
ACCURACY = {"rtol": 1e-9, "atol": 1e-12}  # of the integrator, on overlaps


def iterate(model, parameters, overlap, gram, scales, record_steps):
    """Records of the process that adds mean increments and restores the norms."""
    rule, p, k = compiled_rule(model), model.students, model.teachers
    overlaps, grams = np.empty((record_steps.size, p, k)), np.empty((record_steps.size, p, p))
    risks, errors = np.empty(record_steps.size), np.zeros(record_steps.size)
    records = (record_steps, overlaps, grams, risks)
    if rule is not None:
        step, status = run(rule, overlap, gram, scales, parameters, empty_moments(model), *records)
    else:
        step, status = _run_any(model, parameters, overlap, gram, scales, *records, errors)
    if status == DIVERGED:
        raise DivergenceError(
            f"a squared norm of the students is no positive number after step {step} with learning rate "
            f"{parameters.learning_rate:g}; a smaller one keeps it positive"
        )
    return overlaps, grams, risks, errors.max()


def _run_any(model, parameters, overlap, gram, scales, record_steps, overlaps, grams, risks, errors):
    """`mean_kernel.run` for models whose means are not compiled."""
    layer, rate, loss = model.output_weights, parameters.learning_rate, Loss(parameters.loss)
    d_overlap, d_gram, switch, recorded, nodes = np.empty_like(overlap), np.empty_like(gram), -1.0, 0, None
    for step in range(parameters.steps + 1):
        known = record_steps[recorded] == step  # and its error measured; steps between use the same rule
        means = _means(model, loss, overlap, gram, None if known else nodes)
        nodes = means.nodes
        if known:
            overlaps[recorded], grams[recorded] = overlap, gram
            risks[recorded], errors[recorded] = means.risk, means.error
            recorded += 1
        if step == parameters.steps:
            break
        if parameters.schedule == Schedule.ADAPTIVE:
            switch = parameters.risk_fraction * means.risk if step == 0 else switch
            if means.risk < switch:
                rate *= parameters.decay * (parameters.drop if loss == Loss.CORRELATION else 1.0)
                if loss == Loss.CORRELATION:
                    loss = Loss.SQUARE
                    means = _means(model, loss, overlap, gram, nodes)
        increments(overlap, gram, layer, means.moments, scales, rate, parameters.update, d_overlap, d_gram)
        if not advance(overlap, gram, d_overlap, d_gram):
            return step, DIVERGED
    return parameters.steps, RECORDED


def flow(model, parameters, overlap, gram, scales, times):
    """Records of the flow at `times`. The norms stay 1, so the integrator sees M and what Q has below its diagonal."""
    from scipy.integrate import solve_ivp

    p, k = overlap.shape
    layer, rows, loss = model.output_weights, np.tril_indices(p, -1), Loss(parameters.loss)
    rate, update = parameters.learning_rate, parameters.update

    def unpack(state):
        q = np.eye(p)
        q[rows] = q.T[rows] = state[p * k :]
        return state[: p * k].reshape(p, k).copy(), q

    def slope(_, state):
        m, q = unpack(state)
        psi, phi = np.empty_like(m), np.empty_like(q)
        increments(m, q, layer, _means(model, loss, m, q, nodes).moments, scales, rate, update, psi, phi)
        norms = np.diag(phi)
        return np.concatenate(
            [(psi - 0.5 * m * norms[:, None]).ravel(), (phi - 0.5 * q * (norms[:, None] + norms))[rows]]
        )

    nodes = _means(model, loss, overlap, gram).nodes
    start = np.concatenate([overlap.ravel(), gram[rows]])
    solution = solve_ivp(slope, (0.0, times[-1]), start, method="LSODA", t_eval=times, **ACCURACY)
    if not solution.success:
        raise DivergenceError(f"the integrator of the limit stopped: {solution.message}")
    states = solution.y.T if times[-1] > 0 else [start]  # the integrator has no answer to no time
    overlaps, grams = map(np.array, zip(*map(unpack, states), strict=True))
    means = [_means(model, loss, m, q) for m, q in zip(overlaps, grams, strict=True)]
    return overlaps, grams, np.array([mean.risk for mean in means]), max(mean.error for mean in means)


def _means(model, loss, overlap, gram, nodes=None) -> Expectations:
    return expectations(model, loss, overlap, gram, tolerance=QUADRATURE, nodes=nodes)
