"""Algorithms step by step: gradients against finite differences, directions, and limits."""

import numpy as np
import onepass
import pytest
from helpers.algorithms import ONE, TWO, last_states, of
from onepass.gaussian.quadrature import product_rule
from onepass.protocol import Protocol
from onepass.simulation.algorithms.composed import ComposedSGD
from onepass.simulation.algorithms.dense import DenseBatch
from onepass.simulation.algorithms.directions import shaped
from onepass.simulation.algorithms.draws import Draws
from onepass.simulation.algorithms.smoothing import sphere_rule

LOSSES = {
    "square": lambda y, f: 0.5 * (y - f) ** 2,
    "correlation": lambda y, f: 1 - y * f,
    "absolute": lambda y, f: abs(y - f),
    "huber": lambda y, f: np.where(abs(y - f) < 0.4, 0.5 * (y - f) ** 2, 0.4 * abs(y - f) - 0.08),
    "logistic": lambda y, f: np.log1p(np.exp(-y * f)),
    "exponential": lambda y, f: np.exp(-y * f),
    "(y - f)**3": lambda y, f: 0.25 * (y - f) ** 4,
}


def stepped(protocol, rows, layer, batch, labels, model=TWO, rate=1e-3):
    """Rows and output weights after one step of a batch in d dimensions."""
    algorithm = ComposedSGD(model, protocol, rate, rows.shape[2])
    return algorithm.step(algorithm.start(rows, layer), batch, labels)


def some_batch(model, dimension=7, size=20, seed=6):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((1, model.students, dimension))
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    return rows, rng.standard_normal((1, model.students)), DenseBatch(Draws([rng]), size, dimension), rng


def numeric_gradient(function, at, step=1e-6):
    found = np.empty_like(at)
    for index in np.ndindex(*at.shape):
        move = np.zeros_like(at)
        move[index] = step
        found[index] = (function(at + move) - function(at - move)) / (2 * step)
    return found


@pytest.mark.parametrize("loss", LOSSES)
def test_a_plain_step_descends_the_loss_in_both_layers(loss):
    """Finite differences of the mean loss of the batch in W, and in a, of which the rate is a multiple."""
    rows, layer, batch, rng = some_batch(TWO)
    labels = np.where(rng.random((1, 20)) < 0.5, -1.0, 1.0)
    own = {"huber_delta": 0.4} if loss == "huber" else {}
    label = "sign(y)" if loss == "logistic" else None
    moved = stepped(Protocol(loss, "plain", second_layer_rate=0.5, label=label, **own), rows, layer, batch, labels)

    def mean_loss(w, a):
        return LOSSES[loss](labels, (np.tanh(batch.inputs @ w.swapaxes(1, 2)) @ (a / 2)[..., None])[..., 0]).mean()

    a = 2 * layer
    np.testing.assert_allclose(
        (moved.rows - rows) / 1e-3, -numeric_gradient(lambda w: mean_loss(w, a), rows), rtol=1e-5, atol=1e-7
    )
    np.testing.assert_allclose(
        2 * (moved.layer - layer) / 5e-4, -numeric_gradient(lambda b: mean_loss(rows, b), a), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("sphere", [True, False], ids=["sphere", "flat"])
def test_a_smoothed_step_descends_the_smoothed_loss(sphere):
    """Finite differences of the loss averaged over a circle around w, or over normal shifts of it, by exact rules."""
    model, radius, dimension = onepass.Model("He3(x1)", "He4(x) + x"), 0.8, 3
    rows, _, batch, _ = some_batch(model, dimension)
    layer, labels = np.ones((1, 1)), np.random.default_rng(1).standard_normal((1, 20))
    activation = model.activation_formula.array(np)

    def mean_loss(w):
        w = w[0, 0]
        if sphere:
            w = w / np.linalg.norm(w)
            plane = np.linalg.svd(w[None])[2][1:]
            angles = np.arange(24) * np.pi / 12
            around = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ plane
            points, weights = (w + radius * around) / np.sqrt(1 + radius**2), np.full(24, 1 / 24)
        else:
            shifts, weights = product_rule(4, dimension)
            points = w + radius * shifts
        return -(labels[0] * (activation(batch.inputs[0] @ points.T) @ weights)).mean()

    protocol = Protocol("correlation", "spherical" if sphere else "plain", smoothing=radius)
    moved = stepped(protocol, rows, layer, batch, labels, model, rate=1e-6)
    np.testing.assert_allclose((moved.rows - rows) / 1e-6, -numeric_gradient(mean_loss, rows), rtol=1e-4, atol=1e-5)


def test_the_rule_of_a_coordinate_on_the_sphere_is_exact():
    """Moments ``Π (2 i + 1)/(d + 2 i)`` of a uniform unit vector's coordinate in d dimensions; in one it is ±1."""
    for dimension in (1, 2, 3, 9, 10**6):
        nodes, weights = sphere_rule(4, dimension)
        for j in range(4):
            expected = np.prod([(2 * i + 1) / (dimension + 2 * i) for i in range(j)])
            assert weights @ nodes ** (2 * j) == pytest.approx(expected, rel=1e-9)
            assert abs(weights @ nodes ** (2 * j + 1)) < 1e-12


def test_directions_have_the_norms_that_they_say():
    gradient = np.random.default_rng(0).standard_normal((5, 3, 7))
    assert np.allclose((shaped(Protocol(direction="normalised").direction, gradient) ** 2).sum((1, 2)), 1)
    assert np.allclose((shaped(Protocol(direction="rows").direction, gradient) ** 2).sum(2), 1)
    polar = shaped(Protocol(direction="polar").direction, gradient)
    np.testing.assert_allclose(polar @ polar.swapaxes(1, 2), np.tile(np.eye(3), (5, 1, 1)), atol=1e-12)
    values, vectors = np.linalg.eigh(gradient @ gradient.swapaxes(1, 2))
    root = (vectors / np.sqrt(values)[:, None]) @ vectors.swapaxes(1, 2)
    np.testing.assert_allclose(polar, root @ gradient, atol=1e-12)
    for direction in ("normalised", "rows", "polar"):
        assert (shaped(Protocol(direction=direction).direction, 0 * gradient) == 0).all()
    flat = np.outer([1.0, -2.0, 0.5], np.arange(7.0))[None]  # of rank 1: the pseudo-inverse
    np.testing.assert_allclose(
        shaped(Protocol(direction="polar").direction, flat), flat / np.linalg.norm(flat), atol=1e-12
    )


LIMITS = {  # a protocol, one that it tends to, and how near
    "no momentum": (Protocol(momentum="heavy_ball", beta=0), Protocol(), 1e-12),
    "little momentum": (Protocol(momentum="heavy_ball", beta=1e-7), Protocol(), 1e-6),
    "little look-ahead": (Protocol(update="plain", momentum="nesterov", beta=1e-7), Protocol(update="plain"), 1e-6),
    "never clipped": (Protocol(direction="clipped", clip=1e300), Protocol(), 1e-12),
    "little decay": (Protocol(update="plain", weight_decay=1e-8), Protocol(update="plain"), 1e-7),
    "a second layer at rest": (Protocol(second_layer_rate=1e-9), Protocol(), 1e-8),
    "wide Huber": (Protocol("huber", huber_delta=1e6), Protocol(), 1e-12),
    "a formula": (Protocol("y - f"), Protocol(), 1e-12),
    "labels as they are": (Protocol(label="y"), Protocol(), 1e-12),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_limits(limit):
    """With lazy batches too, unless a velocity draws numbers of its own: these the law tests compare."""
    protocol, other, near = LIMITS[limit]
    for dense in (True, False) if protocol.momentum == other.momentum else (True,):
        same(protocol, other, near, TWO, dense)


@pytest.mark.parametrize("dense", [False, True], ids=["lazy", "dense"])
def test_limits_of_one_student_and_of_no_smoothing(dense):
    same(Protocol(direction="polar"), Protocol(direction="normalised"), 1e-9, ONE, dense)
    same(Protocol(direction="rows"), Protocol(direction="normalised"), 1e-9, ONE, dense)
    if dense:  # a smoothed batch draws more, and in another order
        for update in ("plain", "spherical", "projected"):
            same(Protocol("correlation", update, smoothing=1e-5), Protocol("correlation", update), 1e-6, ONE, True)


def same(protocol, other, near, model, dense):
    """The same draws in the same order end at the same states."""
    found, expected = (
        last_states(of(own), model, dense=dense, seed=4, replicas=20, steps=3) for own in (protocol, other)
    )
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], atol=near * max(1, abs(expected[name]).max()) + 2e-9)


def test_a_transported_velocity_is_tangent_and_decay_shrinks():
    rows, layer, batch, _ = some_batch(TWO)
    labels = np.ones((1, 20))
    protocol = Protocol(momentum="heavy_ball", beta=0.5, velocity="transported")
    moved = stepped(protocol, rows, layer, batch, labels, rate=0.5).rows
    assert abs((moved[:, :2] * moved[:, 2:]).sum(-1)).max() < 1e-12
    assert abs(moved[:, 2:]).max() > 1e-3
    plain, decayed = (
        stepped(Protocol(update="plain", weight_decay=w), rows, layer, batch, labels, rate=0.5).rows for w in (0, 0.3)
    )
    np.testing.assert_allclose(decayed, plain - 0.15 * rows)
