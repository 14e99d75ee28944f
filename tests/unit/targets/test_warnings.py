"""Warnings: each with a run that earns it and one that does not, their bounds held against the mean process."""

import numpy as np
import pytest
from onepass.model import Model
from onepass.pipeline.grid import cells_of
from onepass.protocol import Protocol
from onepass.targets import warnings
from onepass.theory import saddle
from onepass.theory.first_step import first_step_gain

SQUARE, CORRELATION = Protocol("square"), Protocol("correlation")
QUIET = {"dimension": 1024, "batch_size": 1024, "learning_rate": 1e-4, "steps": 1000, "initial": 1 / 32}


def kinds(model, protocol=SQUARE, **own):
    return [remark.kind for remark in warnings.advice(model, protocol, **(QUIET | own))]


def said(model, protocol=SQUARE, **own):
    return " ".join(warnings.sentences(warnings.advice(model, protocol, **(QUIET | own))))


@pytest.mark.parametrize("protocol", [SQUARE, CORRELATION, Protocol("square", "spherical")])
@pytest.mark.parametrize("target", ["He3(x1)", "x1**2", "relu(x1)", "x1*x2 + He3(x1)"])
def test_nothing_is_said_of_a_run_that_learns(target, protocol):
    activation = {"He3(x1)": "He3", "x1**2": "square", "relu(x1)": "relu"}.get(target, "He2")
    assert kinds(Model(target, activation), protocol) == []


def test_an_activation_without_the_order_of_the_target():
    words = said(Model("He3(x1)", "relu"))
    assert "ℓ = 3, where the activation 'relu' has c_3 = 0" in words
    assert "no order in common" in words
    assert "first order that both have is 4" in said(Model("He3(x1) + He4(x1)", "x + He4(x)"))
    assert kinds(Model("He3(x1)", "tanh")) == ["sign"], "c_3 of tanh is negative"
    assert kinds(Model("He3(x1)", "-tanh(x)")) == []


@pytest.mark.parametrize(
    ("target", "activation", "layer", "lost"),
    [
        ("x1**2", "-x**2", None, 1),
        ("x1**2", "x**2", (1.0, -1.0, -2.0), 2),
        ("-x1**2 - x2**2", "He2", None, 1),
        ("x1**2 - x2**2", "He2", None, 0),  # x2 decays, x1 grows
        ("x1**2", "-x**2", (-1.0,), 0),
    ],
)
def test_even_orders_need_their_sign(target, activation, layer, lost):
    found = warnings.wrong_signs(Model(target, activation, len(layer or (1,)), layer))
    assert [remark.extent for remark in found] == ([lost] if lost else [])
    assert all("even" in remark.sentence for remark in found)


def test_odd_orders_need_the_sign_of_the_start():
    assert "decays to 0 from the positive overlap" in said(Model("He3(x1)", "-He3(x)"))
    assert "decays to 0 from the overlap -0.05" in said(Model("He3(x1)", "He3"), initial=-0.05)
    assert kinds(Model("He3(x1)", "-He3(x)"), initial=-0.05) == []
    assert kinds(Model("x1", "-x")) == [], "at l = 1 a wrong sign is passed through"
    assert "first falls" in said(Model("x1*x2*x3", "-He3(x)"))
    quiet = {"initial": "sphere", "learning_rate": 5e-5}
    assert kinds(Model("x1*x2*x3", "-He3(x)"), **quiet) == [], "every start has its own direction"


@pytest.mark.parametrize(("name", "bound"), [("He2", 1 / 2), ("He3", 1 / 18)])
def test_beyond_the_bound_of_the_self_interaction_the_mean_process_undoes_the_overlap(name, bound):
    """He3: 1 − γ ℓ ℓ! changes sign, the overlap with it; He2: the overlap is divided by |1 − 4 γ|, above 1 there."""
    from onepass.theory.dynamics import solve_dynamics

    model = Model(f"{name}(x1)", name)
    for factor in (0.9, 1.1):
        place = {"dimension": 10**6, "batch_size": 10**12, "learning_rate": factor * bound}
        step = solve_dynamics(model, SQUARE, steps=1, initial=("overlap", 1e-4), records=1, **place)
        before, after = step.overlap.values[:, 0, 0]
        assert (after > before) == (factor < 1)
        assert (after > 0) == (factor < 1 or name == "He2")
        own = {**place, "initial": 1e-3, "steps": 1000}
        assert ("self-interaction" in kinds(model, **own)) == (factor > 1)
        assert "self-interaction" not in kinds(model, CORRELATION, **own)
        assert "self-interaction" not in kinds(model, Protocol("square", "spherical"), **own)


@pytest.mark.parametrize("protocol", [SQUARE, CORRELATION])
@pytest.mark.parametrize(("target", "activation"), [("He3(x1)", "He3"), ("x1**2", "square")])
def test_at_the_bound_of_the_noise_a_mean_step_gains_nothing(target, activation, protocol):
    d, n_b = 4096, 4
    model, m = Model(target, activation), d**-0.5
    gain = saddle.drift(model, saddle.diagonal(model))
    (bound,) = saddle.noise_bound(model, protocol.loss, dimension=d, batch_size=n_b, overlap=m, gain=gain)
    less, more = first_step_gain(model, protocol, d, n_b, np.array([0.8, 1.25]) * bound, m)
    assert less > 0 > more
    for factor in (0.8, 1.25):
        found = kinds(model, protocol, dimension=d, batch_size=n_b, learning_rate=factor * bound, initial=m)
        assert found == (["noise"] if factor > 1 else [])


def test_at_order_one_noise_must_leave_room_for_recovery():
    model = Model("x1", "x")
    assert kinds(model, CORRELATION, batch_size=1, learning_rate=1e-3, threshold=0.5) == []
    assert "before recovery" in said(model, CORRELATION, batch_size=1, learning_rate=1e-2, threshold=0.5)
    assert kinds(model, CORRELATION, batch_size=1, learning_rate=1e-2, steps=1) == [], "a giant step is no climb"


def test_a_budget_below_the_time_without_noise_is_told_and_no_larger_one():
    """The bound is the time of the mean process of a correlation loss in a batch without end."""
    from onepass.theory.dynamics import solve_dynamics

    model = Model("tanh(x1)", "tanh")
    place = {"dimension": 1024, "batch_size": 10**12, "learning_rate": 0.006}
    mean = solve_dynamics(model, CORRELATION, steps=400, initial=("overlap", 1 / 32), records=400, **place)
    time = int(mean.step[(mean.overlap[:, 0, 0] >= 0.5).argmax("step")])
    for steps, told in ((25, True), (int(0.97 * time), True), (int(1.03 * time), False)):
        found = kinds(model, CORRELATION, **place, steps=steps, threshold=0.5)
        assert found == (["budget"] if told else []), (steps, time)
    words = said(model, CORRELATION, **place, steps=25, threshold=0.5)
    assert "the budget of 25 steps is below the 2" in words
    assert "from 0.031 to the threshold 0.5" in words
    assert kinds(model, CORRELATION, **place, steps=25) == [], "no threshold, no recovery to fail"
    sphere = {**place, "steps": 25, "threshold": 0.5, "initial": "sphere"}
    assert kinds(model, CORRELATION, **sphere) == ["budget"]
    assert "budget" not in kinds(Model("tanh(x1)", "tanh", students=2), CORRELATION, **sphere)


def test_near_the_critical_rate_the_square_loss_needs_fewer_steps():
    """What 1 − 18 γ leaves of the student at every step is what the climb takes less."""
    model, place = Model("He3(x1)", "He3"), {"dimension": 1024, "batch_size": 2**20, "threshold": 0.5}
    rate = 0.9 / 18
    assert "budget" in kinds(model, CORRELATION, **place, learning_rate=rate, steps=12)
    assert "budget" not in kinds(model, SQUARE, **place, learning_rate=rate, steps=12)


def test_a_dimension_too_small_for_the_chain():
    model = Model("He3(x1)", "He3", students=4)
    assert "d = 8 is too small for engine 'chain', which needs p + k + min(p, n_b) = 9" in said(model, dimension=8)
    assert "dimension" not in kinds(model, dimension=8, engine="sgd")
    assert "dimension" not in kinds(model, dimension=9)


def test_the_published_configuration_earns_few_warnings_and_each_experiment_once(configuration):
    names = {name: experiment.kind for name, experiment in configuration.experiments.items()}
    told = ("weak_recovery", "wide_student_large_rate", "adaptive_sgd", "he3_large_batch", "square", "erf", "polylog",
            "leap_staircase", "he3_map_square", "chain_exactness")  # fmt: skip
    cells = [cell for name in told for cell in cells_of(name, configuration.experiments[name])]
    lines = warnings.on_cells(names, cells)
    assert [line.partition(",")[0] for line in lines] == [
        "weak_recovery",
        "wide_student_large_rate",
        "wide_student_large_rate",
        "adaptive_sgd",
        "adaptive_sgd",
    ], lines
    assert "1 of 24 cells" in lines[0]
    assert "above the bound 0.0556" in lines[0]


def test_a_student_of_weight_zero_does_not_silence_the_noise():
    place = {"dimension": 256, "batch_size": 1, "learning_rate": 100.0, "steps": 1000}
    for layer in [(1.0, 1.0), (1.0, 0.0)]:
        model = Model("He3(x1)", "He3", students=2, second_layer=layer)
        assert "noise" in [remark.kind for remark in warnings.advice(model, Protocol("correlation"), **place)]


PLAIN = Protocol(update="plain")
SHORT_RUN = {"dimension": 64, "batch_size": 8, "steps": 200, "initial": 0.3}


@pytest.mark.parametrize(
    ("name", "rate", "diverged"),
    [("He3", 1e-4, 0), ("He3", 0.02, 1), ("He2", 0.005, 0), ("He2", 0.1, 1), ("relu", 0.1, 0)],
)
def test_without_normalisation_runs_diverge_where_one_sample_moves_a_student_twice_its_norm(name, rate, diverged):
    """At the same place: none below half of the bound, all at five times it."""
    from onepass.simulation.simulate import simulate

    model = Model(f"{name}(x1)", name)
    found = warnings.advice(model, PLAIN, **SHORT_RUN, learning_rate=rate)
    assert [remark.kind for remark in found] == ["divergence"] * diverged
    own = {"initial": ("overlap", 0.3), "replicas": 20, "threshold": None, "records": 0, "backend": "numpy"}
    runs = simulate(model, PLAIN, **(SHORT_RUN | own), learning_rate=rate, engine="sgd")
    assert runs.diverged.mean() == diverged
    assert not found or found[0].extent > 5 * 2


@pytest.mark.parametrize(
    ("protocol", "grows"),
    [
        (Protocol("correlation", "plain"), "the weights grow"),
        (Protocol("correlation", "plain", second_layer_rate=1), "the weights and the second layer grow"),
        (Protocol("correlation", "spherical", second_layer_rate=1), "the second layer grow"),
        (Protocol("correlation", "plain", weight_decay=1), ""),
        (Protocol("square", "plain"), ""),
    ],
)
def test_the_correlation_loss_grows_without_end_where_nothing_holds_it(protocol, grows):
    from onepass.simulation.simulate import simulate

    model = Model("relu(x1)", "relu")
    words = said(model, protocol, **SHORT_RUN, learning_rate=0.2)
    assert grows in words
    assert bool(words) == bool(grows)
    own = {"initial": ("overlap", 0.3), "replicas": 10, "threshold": None, "backend": "numpy", "engine": "sgd"}
    runs = simulate(model, protocol, **(SHORT_RUN | own), learning_rate=0.2)
    norm = np.sqrt(runs.student_gram.values[..., 0, 0])
    size = norm * (runs.second_layer.values[..., 0] if "second_layer" in runs else 1.0)
    assert (size[:, -1] > 2).all() == bool(grows)


def test_momentum_is_judged_by_the_rate_that_its_steps_come_to():
    """Mean overlaps after some steps of many runs: well below the bound they rise, at twice the bound they fall."""
    from onepass.simulation.simulate import simulate

    d, m, model = 64, 1 / 8, Model("He3(x1)", "He3")
    protocol = Protocol("correlation", "spherical", momentum="heavy_ball", beta=0.5)
    place = {"dimension": d, "batch_size": 4, "steps": 30}
    gain = saddle.drift(model, saddle.diagonal(model))
    (bound,) = saddle.noise_bound(model, "correlation", dimension=d, batch_size=4, overlap=m, gain=gain)
    for factor in (0.3, 2.0):
        rate = factor * bound * (1 - protocol.beta)
        words = said(model, protocol, **place, learning_rate=rate, initial=m)
        assert ("momentum makes of the learning rate" in words and "bound" in words) == (factor > 1)
        own = {"replicas": 12_000, "threshold": None, "records": 0, "engine": "chain", "backend": "numpy", "seed": 3}
        runs = simulate(model, protocol, **place, **own, learning_rate=rate, initial=("overlap", m))
        end = runs.overlap.values[:, -1, 0, 0]
        assert np.sign(1 - factor) * (end.mean() - m) > 3 * end.std() / np.sqrt(end.size)


def test_of_other_losses_labels_and_directions_nothing_is_claimed():
    for own in (
        {"loss": "absolute"},
        {"label": "sign(y)"},
        {"direction": "rows"},
        {"loss": "huber", "update": "plain"},
    ):
        assert kinds(Model("He3(x1)", "relu"), Protocol(**own)) == []
    assert kinds(Model("He3(x1)", "relu"), Protocol(momentum="nesterov", beta=0.5)) == ["component"]
