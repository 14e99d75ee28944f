"""Compiled steps of composed protocols equal those of the array form, number for number, on the same draws."""

from math import inf, sqrt

import numpy as np
import onepass
import pytest
from helpers.algorithms import COMPILED, COMPILED_AGAIN, ONE, RATES, THREE, TWO, of, start_of
from onepass.choices import Lookahead, Momentum
from onepass.protocol import Protocol
from onepass.simulation.algorithms import composed_chain, lazy
from onepass.simulation.algorithms.directions import shaped
from onepass.simulation.algorithms.rows import lower_triangular, polar
from onepass.simulation.algorithms.run import Settings
from onepass.simulation.chain.wishart import bartlett, semidefinite_cholesky
from onepass.simulation.streams import replica_streams

DIMENSION, STEPS = 40, 5


class Played:
    """What all have."""

    def in_fields(self, rows):
        return rows


class PlayedBatch(Played):
    """A batch of one replica whose numbers are those that the kernel draws from a stream, in its order.

    Its samples have coordinates in the span of the teacher and of the gradient's points, the first `near` ones; where
    weights know norms, along all `known` directions, and outside of these along a walk's span and beyond it.
    """

    def __init__(self, stream, model, size, known, walks):
        self.stream, self.known, self.width, self.parts = stream, known, known + model.students, None
        self.inputs = stream.standard_normal((size, known if walks else model.students + model.teachers))
        self.labels = labels_of(model, self.inputs, stream)

    def fields(self, rows):
        near = self.inputs.shape[1]
        assert abs(rows[..., near:]).max() < 1e-9
        return self.inputs @ rows[..., :near].swapaxes(1, 2)

    def squared_norms(self):
        size, p = len(self.inputs), self.width - self.known
        self.parts = np.zeros((size, p + 1))
        for nu in range(size):
            rank = min(nu, p)
            self.parts[nu, :rank] = self.stream.standard_normal(rank)
            self.parts[nu, rank] = sqrt(self.stream.chisquare(DIMENSION - self.known - rank))
        return ((self.inputs**2).sum(axis=1) + (self.parts**2).sum(axis=1))[None]

    def walk(self, c):
        """Its ends, as each sample's turn leaves them (p, p)."""
        p = c.shape[1]
        ends = np.zeros((p, p + 1))
        for nu, part in enumerate(self.parts):
            ends = ends + np.outer(c[nu], part)
            if nu >= p:
                ends[:, :p], ends[:, p] = triangle(ends), 0
        return ends[:, :p]

    def combine(self, weights):
        c, near = weights[0] / len(self.inputs), self.inputs.shape[1]
        p = c.shape[1]
        if self.parts is not None:
            return np.hstack([c.T @ self.inputs, self.walk(c)])[None]
        root, factor = np.zeros((p, p)), np.zeros((p, p))
        rank = semidefinite_cholesky(c.T @ c, p, root, 0)
        rows = np.zeros((1, p, self.width))
        rows[0, :, :near] = c.T @ self.inputs
        rows[0, :, near : self.known] = (self.stream.standard_normal((self.known - near, rank)) @ root[:, :rank].T).T
        bartlett(self.stream, factor, rank, float(DIMENSION - self.known))
        rows[0, :, self.known :] = root @ factor
        return rows


class PlayedDraws:
    """Numbers for a lazy batch in the order in which the kernel draws them."""

    def __init__(self, stream):
        self.stream, self.batch = stream, None

    def __len__(self):
        return 1

    def normals(self, count, columns):
        """Column by column, of all samples; of left directions one after the other, each with its Bartlett row."""
        if count == self.batch.size:
            return self.stream.standard_normal((columns, count)).T[None]
        rows = np.zeros((count, columns + count))
        for i in range(count):
            rows[i, : columns + i] = self.stream.standard_normal(columns + i)
            rows[i, columns + i] = sqrt(self.stream.chisquare(DIMENSION - self.batch.known - i))
        self.factor = rows[None, :, columns:]
        return rows[None, :, :columns]


class PlayedLazyBatch(lazy.LazyBatch):
    """A batch that is seen again, as the array form has it."""

    def __init__(self, stream, model, size, sizes, known):
        super().__init__(PlayedDraws(stream), size, known, sizes.width, DIMENSION)
        self.draws.batch = self
        first = model.teachers + model.students
        self.inputs = self.draws.normals(size, first)
        self.labels = labels_of(model, self.inputs[0], stream)

    def _bartlett(self, rank, columns, degrees):
        return self.draws.factor


class PlayedDenseBatch(Played):
    """One whose samples are fewer than its combinations: in as many directions as it has beside those held."""

    def __init__(self, stream, model, size, sizes, known):
        self.inputs = np.zeros((size, sizes.width))
        self.inputs[:, :known] = stream.standard_normal((known, size)).T
        for i in range(size):
            self.inputs[i, known + i] = sqrt(stream.chisquare(DIMENSION - known - i))
            self.inputs[i + 1 :, known + i] = stream.standard_normal(size - i - 1)
        self.labels = labels_of(model, self.inputs, stream)

    def fields(self, rows):
        return self.inputs @ rows.swapaxes(1, 2)

    def combine(self, weights):
        return weights.swapaxes(1, 2) @ self.inputs / len(self.inputs)


def labels_of(model, inputs, stream):
    """Of inputs (n_b, width) whose noise is drawn next."""
    found = model.target_formula.array(np)(inputs[:, : model.teachers])
    return found + sqrt(model.noise) * stream.standard_normal(len(inputs)) if model.noise else found


def gram_schmidt(left, weights):
    """`lazy._complement` as the kernel has it: none of a weight that depends on others, as of students that are both
    active where the other is, and a positive part of each along its own."""
    basis = list(left[0].T)
    for column in weights[0].T:
        rest = column
        for _ in range(2):
            rest = rest - sum((rest @ other) * other for other in basis)
        if np.linalg.norm(rest) > 1e-12 * np.linalg.norm(column):
            basis.append(rest / np.linalg.norm(rest))
    return np.reshape(basis[left.shape[2] :], (-1, left.shape[1])).T[None]


def triangle(rows):
    """Lower triangular coordinates of rows in another basis, of a diagonal from 0 up."""
    turned = np.linalg.qr(rows.T)[1].T
    return turned * np.where(np.diagonal(turned) < 0, -1.0, 1.0)


def settled(rows, ahead, students, teachers, width):
    """W and V in a basis of the teacher, then of ``W + ahead V``, then of V."""
    points = rows[:, :students] + ahead * rows[:, students:] if ahead else rows[:, :students]
    both = np.concatenate([points, rows[:, students:]], axis=1)[0]
    both = np.hstack([both[:, :teachers], triangle(both[:, teachers:])])
    both = np.pad(both, ((0, 0), (0, width - both.shape[1])))
    if ahead:
        both[:students] -= ahead * both[students:]
    return both[None]


def array_form(model, protocol, batch_size, start, stream):
    """Overlaps, Gram matrix and second layer after every step."""
    p, k = model.students, model.teachers
    algorithm = of(protocol)(model, RATES[model], DIMENSION)
    known = k + p * algorithm.vectors
    sizes = composed_chain.Sizes.of(batch_size, p, known, DIMENSION, algorithm.combinations)
    width = sizes.width if algorithm.combinations > 1 else known + p
    walks = protocol.smoothing > 0 or protocol.lookahead == Lookahead.SAMPLE
    weights = np.zeros((1, p, width))
    weights[..., : k + p] = start
    state = algorithm.start(weights, model.output_weights[None].copy())
    found = []
    for step in range(STEPS + 1):
        students = state.rows[0, :p]
        found.append((students[:, :k], students @ students.T, state.layer[0] * p))
        if step == STEPS:
            return map(np.array, zip(*found, strict=True))
        ahead = RATES[model] * protocol.beta if protocol.momentum == Momentum.NESTEROV else 0.0
        if step % protocol.passes == 0:
            state = state._replace(rows=settled(state.rows, ahead, p, k, width))
            if algorithm.combinations > 1:
                kind = PlayedDenseBatch if sizes.left == batch_size else PlayedLazyBatch
                batch = kind(stream, model, batch_size, sizes, known)
            else:
                batch = PlayedBatch(stream, model, batch_size, known, walks)
        state = algorithm.step(state, batch, batch.labels[None])


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize(
    ("model", "protocol"), [*COMPILED, *COMPILED_AGAIN], ids=lambda of: getattr(of, "name", getattr(of, "students", 0))
)
def test_compiled_steps_equal_the_array_form(model, protocol, batch_size, monkeypatch):
    monkeypatch.setattr(lazy, "_complement", gram_schmidt)
    start = start_of(model, DIMENSION)
    expected = list(array_form(model, protocol, batch_size, start, *replica_streams(4, 1)))
    settings = Settings(DIMENSION, batch_size, STEPS, inf)
    algorithm = of(protocol)(model, RATES[model], DIMENSION)
    found = composed_chain.run(algorithm, settings, start[None], replica_streams(4, 1), np.arange(STEPS + 1))
    assert abs(expected[0][-1] - expected[0][0]).max() > 1e-4
    for own, other in zip((found.overlaps, found.grams, found.layers), expected, strict=True):
        np.testing.assert_allclose(own[0, 1], other[1], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(own[0], other, rtol=1e-8, atol=1e-9)  # rounding grows from step to step


@pytest.mark.parametrize(
    ("model", "one", "other"),
    [
        (TWO, Protocol(), Protocol(direction="clipped", clip=1e9)),
        (ONE, Protocol(direction="normalised"), Protocol(direction="polar")),
        (ONE, Protocol(direction="normalised"), Protocol(direction="rows")),
    ],
    ids=["no clipping", "one student: polar", "one student: rows"],
)
def test_limits_of_directions(model, one, other):
    """Protocols that are the same in a limit make the same steps of the same draws."""
    start, settings = start_of(model, DIMENSION)[None], Settings(DIMENSION, 8, STEPS, inf)
    found, expected = (
        composed_chain.run(
            of(protocol)(model, RATES[model], DIMENSION), settings, start, replica_streams(4, 1), np.arange(STEPS + 1)
        )
        for protocol in (one, other)
    )
    np.testing.assert_allclose(found.overlaps, expected.overlaps, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found.grams, expected.grams, rtol=1e-12, atol=1e-13)


def test_rows_turn_into_a_triangle():
    rng = np.random.default_rng(0)
    for rows in (rng.standard_normal((4, 9)), np.tile(rng.standard_normal(9), (4, 1)), np.zeros((4, 9)), -np.eye(4, 9)):
        turned = rows.copy()
        lower_triangular(turned, 4, 2, 9)
        np.testing.assert_array_equal(turned[:, :2], rows[:, :2])
        assert not np.triu(turned[:, 2:], 1).any()
        assert (np.diagonal(turned[:, 2:]) >= 0).all()
        np.testing.assert_allclose(turned @ turned.T, rows @ rows.T, atol=1e-13)


def test_the_polar_factor_is_that_of_the_array_form():
    rng = np.random.default_rng(0)
    for count in (1, 2, 3, 6):
        full, flat = rng.standard_normal((count, 9)), np.outer(rng.standard_normal(count), rng.standard_normal(9))
        for rows in (full, flat, 0 * full, full * 10.0 ** -np.arange(count)[:, None]):
            found = rows.copy()
            polar(found, np.empty((count, count + 1)), count, 9)
            expected = shaped(Protocol(direction="polar").direction, rows[None])[0]
            np.testing.assert_allclose(found, expected, atol=1e-11)


def test_what_is_compiled():
    """What the compiled form does not know runs in array form, silently: the law is the same."""

    def takes(protocol, dimension=16, batch_size=8, dense=False, model=THREE):
        settings = Settings(dimension, batch_size, 1, inf, dense=dense)
        return composed_chain.takes(of(protocol)(model, 0.1, dimension), settings)

    heavy = Protocol(momentum="heavy_ball", beta=0.5)
    assert takes(heavy)
    assert takes(heavy, 11)
    assert not takes(heavy, 10)
    assert takes(heavy, 9, 1)
    assert not takes(heavy, dense=True)
    assert not takes(Protocol("correlation", "plain", "adaptive"))
    smoothed = Protocol("correlation", smoothing=1)
    assert takes(smoothed, 4, model=ONE)
    assert not takes(smoothed, 3, model=ONE)
    assert takes(smoothed, 3, 1, model=ONE)


def test_numbers_of_a_protocol_need_no_kernel_of_their_own():
    kernels = {
        composed_chain.kernel_of(of(protocol)(TWO, 0.1, 16))
        for protocol in (
            Protocol(update="plain", weight_decay=0.1),
            Protocol(direction="clipped", clip=0.3),
            Protocol(direction="polar"),
            Protocol("correlation", second_layer_rate=0.5),
            Protocol("correlation", schedule="adaptive", second_layer_rate=1),
        )
    }
    assert len(kernels) == 1


def test_memory_does_not_grow_with_the_batch():
    """Of a batch that the array form cannot hold."""
    runs = onepass.simulate(
        ONE, Protocol("absolute"), dimension=100, batch_size=3_000_000, learning_rate=1e-3, steps=1, threshold=None
    )
    assert np.isfinite(runs.overlap).all()
