"""One-pass SGD as `onepass.Protocol` composes it: loss, update, direction, momentum, decay, second layer, smoothing,
and looks at the same samples again."""

import numpy as np

from onepass.choices import Direction, Lookahead, Loss, Momentum, ProtocolError, Schedule, Update, Velocity
from onepass.formulas.named import NamedFormula
from onepass.gaussian.any_norm import risk_at
from onepass.model import Model
from onepass.protocol import ADAPTIVE_DECAY, ADAPTIVE_DROP, ADAPTIVE_RISK_FRACTION, Protocol
from onepass.simulation.algorithms.algorithm import Algorithm, State, along, norms
from onepass.simulation.algorithms.directions import clipped, shaped
from onepass.simulation.algorithms.smoothing import Smoothing

SOME = 200  # labels that are looked at
RATE, LOW, SWITCH = range(3)  # the numbers of an adaptive schedule: rate, whether the risk was low, the risk that is


class ComposedSGD(Algorithm):
    """The steps of a protocol, in the order in which they stand in `step`."""

    def __init__(self, model: Model, protocol: Protocol, learning_rate: float, dimension: int) -> None:
        super().__init__(model, learning_rate, dimension)
        self.protocol, self.teachers = protocol, model.teachers
        self.vectors = 1 if protocol.momentum == Momentum.NONE else 2
        self.passes = protocol.passes
        self.combinations = self.passes * (2 if protocol.lookahead == Lookahead.BATCH else 1)
        self.psi = protocol.psi.array(np)
        self.label = (lambda y: y) if protocol.label is None else NamedFormula.of(protocol.label, "y").array(np)
        self._check_labels()
        self.adaptive = protocol.schedule == Schedule.ADAPTIVE
        self.smoothing = None
        if protocol.smoothing:
            sphere = protocol.update == Update.SPHERICAL
            self.smoothing = Smoothing(model.activation_formula, protocol.smoothing, sphere, dimension)

    def _check_labels(self) -> None:
        """Of a loss that wants ±1, at some inputs: a `ProtocolError` with a label that is neither."""
        model, rng = self.model, np.random.default_rng(0)
        if self.protocol.loss != Loss.LOGISTIC:
            return
        clean = self.target(rng.standard_normal((SOME, model.teachers)))
        found = self.label(clean + np.sqrt(model.noise) * rng.standard_normal(SOME))
        wrong = found[abs(found) != 1]
        if wrong.size:
            raise ProtocolError(
                f"loss 'logistic' does not go with labels such as {wrong[0]:.3g}, of target {model.target!r}, noise "
                f"{model.noise:g} and label {self.protocol.label!r}; allowed: labels ±1, as label 'sign(y)' makes them"
            )

    def start(self, weights: np.ndarray, layer: np.ndarray) -> State:
        state = super().start(weights, layer)
        if not self.adaptive:
            return state
        numbers = np.zeros((len(weights), 3))
        numbers[:, RATE] = self.learning_rate
        numbers[:, SWITCH] = np.nan  # the first batch tells
        return state._replace(numbers=numbers)

    def step(self, state: State, batch, labels: np.ndarray) -> State:
        """One step: the gradient of the batch, what becomes of it, and where it leads."""
        own, students = self.protocol, state.layer.shape[1]
        weights, velocity = state.rows[:, :students], state.rows[:, students:]
        numbers = self._scheduled(state, batch, weights)
        rate = numbers[:, RATE, None, None] if self.adaptive else self.learning_rate

        nesterov = own.momentum == Momentum.NESTEROV
        point = weights + rate * own.beta * velocity if nesterov else weights
        squares = batch.squared_norms() if self.smoothing or own.lookahead == Lookahead.SAMPLE else None
        fields, y = batch.fields(point), self.label(labels)
        values, psi, c = self._look(fields, squares, y, state.layer, numbers)
        if own.lookahead != Lookahead.NONE:
            a_sample = own.lookahead_rate / self.dimension
            if own.lookahead == Lookahead.SAMPLE:
                shift = a_sample * c * squares[..., None]
            else:
                shift = a_sample * y.shape[1] * batch.fields(batch.combine(c))
            values, psi, c = self._look(fields + shift, squares, y, state.layer, numbers)
        gradient = batch.combine(c)
        if own.update == Update.SPHERICAL:
            gradient = gradient - along(gradient, point)
        if own.direction == Direction.CLIPPED:
            gradient = clipped(gradient, own.clip)
        if own.momentum != Momentum.NONE:
            gradient = velocity = own.beta * velocity + gradient

        moved = (1 - rate * own.weight_decay) * weights + rate * shaped(own.direction, gradient)
        if own.update != Update.PLAIN:
            moved = moved / norms(moved)
        if own.velocity == Velocity.TRANSPORTED:
            velocity = velocity - along(velocity, moved)
        layer = state.layer
        if own.second_layer_rate:
            ascent = (values * psi[..., None]).mean(axis=1) / students**2  # of a/p, by that of a
            layer = layer + np.reshape(rate, (-1, 1)) * own.second_layer_rate * ascent
        return State(np.concatenate([moved, velocity], axis=1), layer, numbers)

    def _look(self, fields, squares, y, layer, numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Activations (replicas, n_b, students), ψ (replicas, n_b), and the weights c of minus the gradient."""
        if self.smoothing is not None:
            values, slopes = self.smoothing.response(fields, squares)
        else:
            values, slopes = self.activation(fields), self.derivative(fields)
        output = (values @ layer[..., None])[..., 0]
        psi = y - numbers[:, LOW, None] * output if self.adaptive else self.psi(y, output)
        return values, psi, layer[:, None] * slopes * psi[..., None]

    def _scheduled(self, state: State, batch, weights: np.ndarray) -> np.ndarray:
        """The numbers of the step to come."""
        if not self.adaptive:
            return state.numbers
        numbers, students = state.numbers.copy(), batch.in_fields(weights)
        overlaps, grams = students[..., : self.teachers], students @ students.swapaxes(1, 2)
        risk = risk_at(self.model, overlaps, grams, state.layer).value
        first = np.isnan(numbers[:, SWITCH])
        numbers[first, SWITCH] = ADAPTIVE_RISK_FRACTION * risk[first]
        low = risk < numbers[:, SWITCH]
        numbers[low, RATE] *= ADAPTIVE_DECAY * np.where(numbers[low, LOW] > 0, 1.0, ADAPTIVE_DROP)
        numbers[low, LOW] = 1.0
        return numbers
