"""Protocols as compositions: names fit for files, ranges, contradictions, who knows which."""

import re

import onepass
import pytest
from onepass.protocol import ALL_PROTOCOLS, Loss, Protocol

PROTOCOLS = {
    Protocol(update="plain"): "plain_square",
    Protocol("huber", huber_delta=0.5): "projected_huber0.5",
    Protocol("huber"): "projected_huber",
    Protocol("logistic", label="sign(y)"): "projected_logistic_labelsign~28y~29",
    Protocol("y*exp(min(-y * f, 2))", "plain"): "plain_psiy~2Aexp~28min~28-y~2Af~2C2~29~29",
    Protocol("leaky_relu(y - f)"): "projected_psileaky~5Frelu~28y-f~29",
    Protocol(direction="normalised"): "projected_square_normalised",
    Protocol(direction="rows"): "projected_square_rows",
    Protocol(direction="clipped", clip=1e-5): "projected_square_clipped1e-05",
    Protocol(direction="polar", momentum="heavy_ball"): "projected_square_polar_heavyball0",
    Protocol("correlation", "spherical", momentum="heavy_ball", beta=0.95, velocity="transported", smoothing=2): (
        "spherical_correlation_heavyball0.95_transported_smoothed2"
    ),
    Protocol("absolute", "plain", momentum="nesterov", beta=0.9, weight_decay=1e-3, second_layer_rate=0.5): (
        "plain_absolute_nesterov0.9_decay0.001_layer0.5"
    ),
    Protocol("correlation", schedule="adaptive", weight_decay=2): "projected_adaptive_decay2",
    Protocol("correlation", "spherical", lookahead="sample", lookahead_rate=0.1): (
        "spherical_correlation_samplelookahead0.1"
    ),
    Protocol(lookahead="sample"): "projected_square_samplelookahead0",
    Protocol(lookahead="batch", lookahead_rate=1e-3, passes=2): "projected_square_batchlookahead0.001_passes2",
    Protocol(update="plain", passes=3): "plain_square_passes3",
}


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_every_protocol_has_a_name_for_files_that_leads_back(protocol):
    name = PROTOCOLS[protocol]
    assert protocol.name == name
    assert onepass.Protocol.named(name) == protocol
    assert re.fullmatch(r"[\w.~+-]+", name)
    assert eval(repr(protocol), {"Protocol": onepass.Protocol}) == protocol


def test_the_names_that_there_were_mean_what_they_meant():
    found = [protocol.name for protocol in ALL_PROTOCOLS]
    assert found == [f"{u}_{o}" for u in ("projected", "spherical") for o in ("square", "correlation", "adaptive")]
    assert [onepass.Protocol.named(name) for name in found] == list(ALL_PROTOCOLS)
    assert all(protocol.is_basic for protocol in ALL_PROTOCOLS)
    assert not any(protocol.is_basic for protocol in PROTOCOLS)


def test_a_formula_that_is_spelled_otherwise_is_the_same_protocol():
    assert onepass.Protocol("y-f").name == onepass.Protocol("y  - f").name
    assert onepass.Protocol(Loss.ABSOLUTE) == onepass.Protocol("absolute")


REFUSED = [
    ({"loss": "cubic"}, "loss 'cubic' is unknown; allowed: square, .*exponential, or a formula ψ"),
    ({"loss": "x1*y"}, "unknown name 'x1' in formula 'x1\\*y'; allowed: y, f"),
    ({"loss": "__import__('os')"}, "unknown function"),
    ({"loss": "log(y)"}, "has no finite value at .'y': -2.5"),
    ({"loss": "2"}, "is constant; use y, f"),
    ({"loss": 3.0}, "loss 3.0 is unknown"),
    ({"label": "y*f"}, "label: unknown name 'f'"),
    ({"direction": "up"}, "direction 'up' is unknown; allowed: gradient, normalised, rows, clipped, polar"),
    ({"momentum": "heavy"}, "allowed: none, heavy_ball, nesterov"),
    ({"momentum": "nesterov", "beta": 1}, "beta is 1; allowed: a number from 0, below 1"),
    ({"momentum": "heavy_ball", "beta": float("nan")}, "beta is nan"),
    ({"weight_decay": -1}, "weight_decay is -1; allowed: a number from 0"),
    ({"direction": "clipped", "clip": 0}, "clip is 0; allowed: a number above 0"),
    ({"second_layer_rate": "1"}, "second_layer_rate is '1'"),
    ({"beta": 0.5}, "beta 0.5 does not go with momentum 'none'; allowed: momentum 'heavy_ball' or 'nesterov'"),
    ({"velocity": "transported"}, "velocity 'transported' does not go with momentum 'none'"),
    (
        {"update": "plain", "momentum": "heavy_ball", "velocity": "transported"},
        "velocity 'transported' does not go with update 'plain'; allowed: update 'projected' or 'spherical'",
    ),
    ({"momentum": "nesterov", "direction": "polar"}, "momentum 'nesterov' does not go with direction 'polar'"),
    ({"clip": 1.0}, "clip 1.0 does not go with direction 'gradient'"),
    ({"direction": "clipped"}, "clip None does not go with direction 'clipped'; allowed: a number"),
    ({"huber_delta": 2}, "huber_delta 2.0 does not go with loss 'square'; allowed: loss 'huber'"),
    ({"smoothing": 1}, "smoothing 1.0 does not go with loss 'square'; allowed: loss 'correlation'"),
    (
        {"loss": "correlation", "smoothing": 1, "momentum": "nesterov"},
        "smoothing 1.0 does not go with momentum 'nesterov'",
    ),
    (
        {"loss": "correlation", "schedule": "adaptive", "smoothing": 1},
        "smoothing 1.0 does not go with schedule 'adaptive'",
    ),
    ({"lookahead": "own"}, "lookahead 'own' is unknown; allowed: none, sample, batch"),
    ({"lookahead": "batch", "lookahead_rate": -0.1}, "lookahead_rate is -0.1; allowed: a number from 0"),
    ({"lookahead": "batch", "lookahead_rate": float("inf")}, "lookahead_rate is inf; allowed: a number from 0"),
    (
        {"lookahead_rate": 0.1},
        "lookahead_rate 0.1 does not go with lookahead 'none'; allowed: lookahead 'sample' or 'batch', or",
    ),
    ({"passes": 0}, "passes is 0; allowed: a whole number from 1"),
    ({"passes": 2.0}, "passes is 2.0; allowed: a whole number from 1"),
    ({"passes": True}, "passes is True"),
    (
        {"lookahead": "sample", "passes": 2},
        "passes 2 does not go with lookahead 'sample'; allowed: lookahead 'batch' or 'none', or passes 1",
    ),
    (
        {"loss": "correlation", "smoothing": 1, "lookahead": "batch"},
        "lookahead 'batch' does not go with smoothing 1.0; allowed: smoothing 0, or lookahead 'none'",
    ),
    (
        {"loss": "correlation", "smoothing": 1, "passes": 2},
        "passes 2 does not go with smoothing 1.0; allowed: smoothing 0, or passes 1",
    ),
    ({"schedule": "adaptive"}, "schedule 'adaptive' does not go with loss 'square'; allowed: loss 'correlation'"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=str)
def test_what_contradicts_itself_is_refused_in_one_message(arguments, message):
    with pytest.raises(ValueError, match=message) as refused:
        onepass.Protocol(**arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("projected", "protocol 'projected' is unknown; allowed: projected_square"),
        ("plain_square_layer1_decay0.1", "did you mean 'plain_square_decay0.1_layer1'"),
        ("plain_square_decay0", "did you mean 'plain_square'"),
        ("plain_square_heavyball1", "beta is 1.0; allowed"),
        ("plain_square_passes1", "did you mean 'plain_square'"),
        ("plain_square_passes2.0", "protocol 'plain_square_passes2.0' is unknown"),
        ("plain_square_passes2_batchlookahead1", "did you mean 'plain_square_batchlookahead1_passes2'"),
        ("plain_square_samplelookahead-1", "lookahead_rate is -1.0; allowed: a number from 0"),
        ("plain_square_sideways", "direction 'sideways' is unknown"),
        ("square_plain", "update 'square' is unknown"),
        ("plain_psiy~ZZ", "unknown"),
        (3, "protocol 3 is unknown"),
    ],
)
def test_names_of_no_protocol_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        onepass.Protocol.named(name)


def test_theory_says_which_protocols_it_does_not_know():
    model, protocol = onepass.Model("He3(x1)", "He3"), onepass.Protocol(update="plain")
    with pytest.raises(ValueError, match="the theory of exponents does not know protocol 'plain_square'; allowed"):
        onepass.recovery_exponent(protocol, 3, 1.0)
    with pytest.raises(ValueError, match="solve_dynamics does not know protocol 'projected_absolute'"):
        onepass.solve_dynamics(
            model,
            onepass.Protocol("absolute"),
            dimension=9,
            batch_size=9,
            learning_rate=0.1,
            steps=3,
            initial=("overlap", 0.1),
        )
