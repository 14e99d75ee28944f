"""Steps of the chain: compiled against array form, degenerate students, the adaptive schedule."""

import numpy as np
import onepass
import pytest
from helpers import processes
from helpers.runs import parameters
from onepass.simulation.chain import overlap_chain
from onepass.simulation.initial import initial_factor
from onepass.simulation.streams import replica_streams

MODELS = [
    onepass.Model("He3(x1)", "He3", noise=0.09),
    onepass.Model("x1 + x1*x2", "tanh", students=4, second_layer=(1, -1, 0.5, 2), noise=0.09),
    onepass.Model("relu(x1)", "relu", students=3, noise=0.09),
    processes.TWO,
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.activation}-p{m.students}")
@pytest.mark.parametrize("batch_size", [1, 3, 2500])
@pytest.mark.parametrize("loss", ["square", "correlation"])
@pytest.mark.parametrize("update", ["projected", "spherical"])
def test_compiled_steps_equal_the_array_form(model, batch_size, loss, update):
    """The same draws in the same order: equal up to the rounding of sums."""
    rate = 0.02 * min(1, batch_size / 20)
    set_up = parameters(model, f"{update}_{loss}", dimension=60, batch_size=batch_size, learning_rate=rate)
    start = initial_factor("sphere", model.students, model.teachers, 60, np.random.default_rng(2))
    (stream,) = replica_streams(3, 1)
    expected = [start]
    for _ in range(set_up.steps):
        expected.append(overlap_chain.step(model, set_up, expected[-1], stream))
    steps = np.arange(set_up.steps + 1)
    overlaps, grams, *_ = overlap_chain.run(model, set_up, start[None], replica_streams(3, 1), steps)
    expected = np.array(expected)
    assert abs(expected[-1] - start).max() > 1e-4
    np.testing.assert_allclose(overlaps[0], expected[..., : model.teachers], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(grams[0], expected @ expected.swapaxes(1, 2), rtol=1e-9, atol=1e-11)


def test_students_aligned_with_each_other_and_with_the_teacher():
    """Four of them, which have but one direction among them."""
    runs = onepass.simulate(
        MODELS[1], onepass.Protocol(), dimension=100, batch_size=2, learning_rate=1e-4, steps=50, replicas=4,
        threshold=None, initial=("overlaps", [[1.0, 0.0]] * 4, np.ones((4, 4))),
    )  # fmt: skip
    assert np.isfinite(runs.overlap).all()
    np.testing.assert_allclose(runs.student_gram.values.diagonal(axis1=-2, axis2=-1), 1, atol=1e-9)


@pytest.mark.parametrize("engine", ["chain", "sgd"])
def test_adaptive_schedule_changes_loss_once_the_risk_is_low(engine):
    """Started near the teacher, the adaptive run leaves the correlation loss and ends at a lower risk."""
    model = onepass.Model("He3(x1)", "He3")
    common = {
        "dimension": 40, "batch_size": 2000, "learning_rate": 0.02, "steps": 120, "replicas": 4,
        "threshold": None, "engine": engine, "initial": ("overlap", 0.3),
    }  # fmt: skip
    adaptive = onepass.simulate(model, onepass.Protocol("correlation", schedule="adaptive"), **common)
    plain = onepass.simulate(model, onepass.Protocol("correlation"), **common)
    assert (adaptive.risk[:, -1] < 0.2 * plain.risk[:, -1]).all()
