"""The low-dimensional equations as numbers: steps of a process, and the flow that its limit is."""

import numpy as np

from onepass.protocol import Loss, Schedule, Update
from onepass.simulation.simulate import DivergenceError
from onepass.theory.mean_kernel import DIVERGED, RECORDED, advance, increments, learn, run
from onepass.theory.moments import Expectations, compiled_rule, empty_moments, expectations

QUADRATURE = 1e-8  # tolerance of means that have no exact rule
ACCURACY = {"rtol": 1e-9, "atol": 1e-12}  # of the integrator, on overlaps


def iterate(model, parameters, overlap, gram, scales, record_steps):
    """Records of the process that adds mean increments and, but for the plain update, restores the norms.

    They are overlaps, grams, risks, a/p and the largest error of their means.
    """
    rule, p, k = compiled_rule(model), model.students, model.teachers
    overlaps, grams = np.empty((record_steps.size, p, k)), np.empty((record_steps.size, p, p))
    risks, errors = np.empty(record_steps.size), np.zeros(record_steps.size)
    records = (record_steps, overlaps, grams, risks, np.empty((record_steps.size, p)))
    if rule is not None:
        rule = rule._replace(layer=model.output_weights)  # one that may be written to
        step, status = run(rule, overlap, gram, scales, parameters, empty_moments(model), *records)
    else:
        step, status = _run_any(model, parameters, overlap, gram, scales, *records, errors)
    if status == DIVERGED:
        raise DivergenceError(
            f"a squared norm of the students is no positive number after step {step} with learning rate "
            f"{parameters.learning_rate:g}; a smaller one keeps it positive"
        )
    return *records[1:], errors.max()


def _run_any(model, parameters, overlap, gram, scales, record_steps, overlaps, grams, risks, layers, errors):
    """`mean_kernel.run` for models whose means are not compiled."""
    layer, rate, loss = model.output_weights, parameters.learning_rate, Loss(parameters.loss)
    d_overlap, d_gram, switch, recorded, nodes = np.empty_like(overlap), np.empty_like(gram), -1.0, 0, None
    for step in range(parameters.steps + 1):
        known = record_steps[recorded] == step  # and its error measured; steps between use the same rule
        means = _means(model, loss, overlap, gram, layer, None if known else nodes)
        nodes = means.nodes
        if known:
            overlaps[recorded], grams[recorded], layers[recorded] = overlap, gram, layer
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
                    means = _means(model, loss, overlap, gram, layer, nodes)
        increments(overlap, gram, layer, means.moments, scales, rate, parameters.update, d_overlap, d_gram)
        learn(layer, means.moments, scales, rate)
        if not advance(overlap, gram, d_overlap, d_gram, parameters.update):
            return step, DIVERGED
    return parameters.steps, RECORDED


def flow(model, parameters, overlap, gram, scales, times):
    """Records of the flow at `times`, as those of `iterate`.

    Where the norms stay 1, the integrator sees M and what Q has below its diagonal; the plain update has the diagonal
    too, and a second layer that learns stands behind them.
    """
    from scipy.integrate import solve_ivp

    p, k = overlap.shape
    plain, trained = parameters.update == Update.PLAIN, scales.second_layer > 0
    fixed, rows = model.output_weights, np.tril_indices(p, 0 if plain else -1)
    loss, rate, update = Loss(parameters.loss), parameters.learning_rate, parameters.update
    lost = rate * scales.first * scales.decay if plain else 0.0  # on the sphere its effect on the norms is undone
    scales = scales._replace(decay=0.0)
    ends = np.cumsum([p * k, rows[0].size])

    def unpack(state):
        m, below, layer = np.split(state, ends)
        q = np.eye(p)
        q[rows] = q.T[rows] = below
        return m.reshape(p, k).copy(), q, layer if trained else fixed

    def slope(_, state):
        m, q, layer = unpack(state)
        psi, phi = np.empty_like(m), np.empty_like(q)
        moments = _means(model, loss, m, q, layer, nodes).moments
        increments(m, q, layer, moments, scales, rate, update, psi, phi)
        if plain:
            psi, phi = psi - lost * m, phi - 2 * lost * q
        else:
            norms = np.diag(phi)
            psi, phi = psi - 0.5 * m * norms[:, None], phi - 0.5 * q * (norms[:, None] + norms)
        gain = np.zeros(p)
        learn(gain, moments, scales, rate)
        return np.concatenate([psi.ravel(), phi[rows], gain[: p * trained]])

    nodes = _means(model, loss, overlap, gram, fixed).nodes
    start = np.concatenate([overlap.ravel(), gram[rows], fixed[: p * trained]])
    solution = solve_ivp(slope, (0.0, times[-1]), start, method="LSODA", t_eval=times, **ACCURACY)
    if not solution.success:
        raise DivergenceError(f"the integrator of the limit stopped: {solution.message}")
    states = solution.y.T if times[-1] > 0 else [start]  # the integrator has no answer to no time
    overlaps, grams, layers = map(np.array, zip(*map(unpack, states), strict=True))
    means = [_means(model, loss, *state) for state in zip(overlaps, grams, layers, strict=True)]
    return overlaps, grams, np.array([mean.risk for mean in means]), layers, max(mean.error for mean in means)


def _means(model, loss, overlap, gram, layer, nodes=None) -> Expectations:
    return expectations(model, loss, overlap, gram, layer=layer, tolerance=QUADRATURE, nodes=nodes)
