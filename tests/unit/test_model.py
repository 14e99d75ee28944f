"""Models and protocols: what they say of themselves, and that those which do not exist are refused by name."""

import numpy as np
import onepass
import pytest


def test_choices_are_given_and_printed_as_texts():
    for name in ("projected_square", "spherical_correlation", "projected_adaptive"):
        protocol = onepass.Protocol.named(name)
        assert protocol.name == name
        assert eval(repr(protocol), {"Protocol": onepass.Protocol}) == protocol
        assert onepass.Protocol(protocol.loss, protocol.update, protocol.schedule) == protocol
        assert f"{protocol.loss}" == str(protocol.loss) == protocol.loss.name.lower()


def test_the_output_weights_are_the_second_layer_over_the_width():
    model = onepass.Model("He3(x1)", "He3", students=2, second_layer=(1.0, -0.5))
    np.testing.assert_array_equal(model.output_weights, [0.5, -0.25])
    model.output_weights[:] = 0  # an array of the caller's own
    np.testing.assert_array_equal(model.output_weights, [0.5, -0.25])


def test_bad_models_and_protocols_are_refused_by_name():
    for arguments, message in [
        ({"students": 0}, "students is 0"),
        ({"noise": -1.0}, "noise is -1.0"),
        ({"noise": "a"}, "noise is 'a'"),
        ({"second_layer": 3.0}, "second_layer is 3.0"),
        ({"second_layer": "ab", "students": 2}, "second_layer is 'ab'"),
        ({"students": 2, "second_layer": (1.0,)}, "allowed: 2 finite numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            onepass.Model("He3(x1)", "He3", **arguments)
    with pytest.raises(ValueError, match="activation is 'sign', which has no slope"):
        onepass.Model("He3(x1)", "sign")
    with pytest.raises(ValueError, match="loss 'hinge' is unknown"):
        onepass.Protocol(loss="hinge")
    with pytest.raises(ValueError, match="update True is unknown; allowed: projected, spherical"):
        onepass.Protocol(update=True)
    with pytest.raises(ValueError, match="adaptive"):
        onepass.Protocol(loss="square", schedule="adaptive")
    with pytest.raises(ValueError, match="protocol 'sideways' is unknown"):
        onepass.Protocol.named("sideways")
