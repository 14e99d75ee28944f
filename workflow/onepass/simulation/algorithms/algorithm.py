"""What an algorithm is: vectors that it holds, and a step that reads a batch and forms combinations of it."""

from typing import NamedTuple

import numpy as np

from onepass.model import Model


class State(NamedTuple):
    """What an algorithm remembers between batches; the first axis of everything are replicas."""

    rows: np.ndarray  # (replicas, vectors · students, width): the students' weights W, then whatever else it holds
    layer: np.ndarray  # (replicas, students): a/p
    numbers: np.ndarray  # (replicas, count): numbers that it keeps


class Algorithm:
    """The base of all algorithms; one is a class with a `step`, and the numbers where they are not 1.

    A step may treat its rows as vectors of R^d: add them, scale them, take their inner products and whatever follows
    from those. No coordinate means anything by itself.

    Parameters
    ----------
    model : what is learned, and by whom.
    learning_rate : γ.
    dimension : d.
    """

    vectors = 1  # that it holds a student, the weights among them
    passes = 1  # consecutive steps that see the same batch
    combinations = 1  # that it forms of a batch, in all its passes, each with one weight a student

    def __init__(self, model: Model, learning_rate: float, dimension: int) -> None:
        self.model, self.learning_rate, self.dimension = model, learning_rate, dimension
        self.target = model.target_formula.array(np)
        self.activation = model.activation_formula.array(np)
        self.derivative = model.activation_formula.array(np, derivative=True)

    def start(self, weights: np.ndarray, layer: np.ndarray) -> State:
        """The state at step 0, of weights (replicas, students, width): all other vectors are 0."""
        others = np.zeros((len(weights), (self.vectors - 1) * weights.shape[1], weights.shape[2]))
        return State(np.concatenate([weights, others], axis=1), layer, np.empty((len(weights), 0)))

    def step(self, state: State, batch, labels: np.ndarray) -> State:
        """The state after a batch (`lazy.LazyBatch` or `dense.DenseBatch`) with labels (replicas, n_b)."""
        raise NotImplementedError


def norms(rows: np.ndarray) -> np.ndarray:
    """Norm of each row (…, count, width), (…, count, 1)."""
    return np.sqrt((rows**2).sum(axis=-1, keepdims=True))


def along(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The part of each row along its row of `others`; none along one that is 0."""
    squares = (others**2).sum(axis=-1, keepdims=True)
    inner = (rows * others).sum(axis=-1, keepdims=True)
    return np.divide(inner, squares, out=np.zeros_like(inner), where=squares > 0) * others
