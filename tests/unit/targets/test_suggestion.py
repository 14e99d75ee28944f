"""What a run is given that is given nothing: it recovers, at a rate that scales as the theory says."""

import pytest
from onepass.model import Model
from onepass.protocol import Protocol
from onepass.simulation.simulate import simulate
from onepass.targets.suggestion import SLOW_RUNS, SuggestionError, suggested

HE2, HE3 = (Model(f"He{n}(x1)", f"He{n}") for n in (2, 3))
TANH = Model("tanh(x1)", "tanh")
SQUARE = Protocol("square")


@pytest.mark.parametrize(
    ("model", "place"),
    [
        (HE3, {"dimension": 128, "batch_size": 128, "initial": 0.15}),
        (HE2, {"dimension": 128, "batch_size": 64, "initial": 128**-0.5}),
        (TANH, {"dimension": 256, "batch_size": 64}),
    ],
    ids=["He3", "He2", "tanh"],
)
def test_runs_recover_about_when_a_climb_without_noise_does(model, place):
    found, place = suggested(model, SQUARE, **place), dict(place)
    place["initial"] = ("overlap", place["initial"]) if "initial" in place else "sphere"
    given = {"learning_rate": found.learning_rate, "steps": found.steps, "threshold": 0.5}
    runs = simulate(model, SQUARE, replicas=16, seed=1, **given, **place)
    assert int(runs.recovered.sum()) >= 14
    assert 0.5 * found.climb < float(runs.recovery_step.median()) < 2 * found.climb


def test_it_scales_as_the_theory_says():
    place = {"dimension": 4096, "batch_size": 64}
    one, more = (suggested(HE3, Protocol("correlation"), **{**place, "batch_size": n}) for n in (64, 640))
    assert more.learning_rate == pytest.approx(10 * one.learning_rate, rel=0.1)
    assert more.climb == pytest.approx(one.climb / 10, rel=0.1)
    heavy = suggested(HE3, Protocol("correlation", momentum="nesterov", beta=0.9), **place)
    assert heavy.learning_rate == pytest.approx(0.1 * one.learning_rate)
    assert heavy.climb == pytest.approx(one.climb)
    given = suggested(HE3, Protocol("correlation"), **place, learning_rate=one.learning_rate / 2)
    assert given.climb == pytest.approx(2 * one.climb)
    assert given.steps == pytest.approx(SLOW_RUNS * given.climb, rel=0.06)


@pytest.mark.parametrize(
    ("model", "protocol", "place", "said"),
    [
        (HE3, Protocol(update="plain"), {}, "is known for protocol 'plain_square'; allowed without them"),
        (HE3, Protocol("huber"), {}, "projected_huber"),
        (Model("He3(x1)", "relu"), SQUARE, {}, "c_3 = 0"),
        (HE3, SQUARE, {"initial": -0.1}, "no climb is known from overlaps of norm 0.1 to the threshold 0.5"),
        (HE3, SQUARE, {"threshold": 1.5}, "to the threshold 1.5"),
        (HE3, SQUARE, {"dimension": 10**9}, "a climb takes"),
    ],
)
def test_what_is_not_known_is_said(model, protocol, place, said):
    with pytest.raises(SuggestionError, match=said):
        suggested(model, protocol, **{"dimension": 100, "batch_size": 1, **place})
