"""A target's grids fit into the minutes that they may take, and what was given up for that is told."""

import pytest
from helpers.configuration import configured
from onepass.model import Model
from onepass.targets import bounded, overlay
from onepass.targets.grids import experiments
from onepass.targets.planning import Plan


@pytest.mark.parametrize("target", ["sin(3*x1)", "He3(x1) + 0.1*x1"])
def test_a_target_of_hours_is_one_of_minutes_in_leaps(target):
    plan = Plan(Model(target, target.replace("x1", "x")))
    whole = experiments(plan)
    assert sum(bounded.seconds(name, own) for name, own in whole.items()) > 3600
    kept, (first, told) = bounded.bounded(whole, 5)
    assert kept.keys() == whole.keys()
    assert sum(bounded.seconds(name, own) for name, own in kept.items()) < 300
    assert kept["small_batch"]["dimensions"][-1] == 2**16
    assert " on two cores, figures and all, of 5 min" in first
    assert "large_batch: in leaps, of an error of 0.01; large_batch: d to 65536, not 128" in told


def test_less_time_makes_grids_smaller_and_leaves_them_out():
    whole = experiments(Plan(Model("tanh(x1*x2*x3)", "He3(x)/6")))  # no law of a batch: its engine cannot leap
    cost = {}
    for minutes in (10, 4.0, 2.0):
        kept, remarks = bounded.bounded(whole, minutes)
        cost[minutes] = sum(bounded.seconds(name, own) for name, own in kept.items())
        assert cost[minutes] < minutes * 60 * bounded.CORES
    assert cost[10] > cost[4.0] > cost[2.0]
    assert "8 replicas of 32" in remarks[-1]
    assert "left out, the least of it takes" in bounded.bounded(whole, 1.6)[1][-1]


def test_a_plan_with_what_is_left_is_a_configuration():
    settings, remarks = overlay.overlay("tanh(x1*x2*x3)", minutes=2.5)
    configuration = configured(overlay.written(settings, remarks, "tanh(x1*x2*x3)"))
    assert set(settings["experiments"]) < set(configuration.experiments)
    for name, drawn in configuration.figures.items():
        assert set(drawn) <= set(settings["experiments"]), name


def test_too_few_minutes_are_refused_in_words():
    with pytest.raises(overlay.OverlayError, match=r"minutes is 1, in which no grid fits; allowed: 1\.7 and more"):
        overlay.overlay("tanh(x1*x2*x3)", minutes=1)


def test_runs_of_inputs_with_structure_count_and_do_not_leap():
    settings, remarks = overlay.overlay("He3(x1)", inputs="spike9a0.5")
    runs = settings["experiments"]["runs"]
    assert runs["model"]["inputs"] == "spike9a0.5"
    assert runs["engine"] == "auto"
    whole = sum(bounded.seconds(name, own) for name, own in settings["experiments"].items())
    assert whole < 300 * bounded.CORES
    assert not any("left out" in remark for remark in remarks)
    with pytest.raises(ValueError, match=r"inputs blocks_600v2t1_1\.0v1t0: dimension 256; allowed: at least 601"):
        overlay.overlay("He3(x1)", inputs="blocks_600v2t1_1.0v1t0")
