"""Inputs in configurations and cells: by name or mapping, and without a trace where they are isotropic."""

import pytest
from onepass.pipeline.cell import Cell, pack, unpack
from onepass.pipeline.cost import seconds
from onepass.pipeline.experiments import experiment_from
from onepass.pipeline.feasible import CellError, unknown_to_theory
from onepass.pipeline.grid import cells_of
from onepass.pipeline.inputs import inputs_name, read_inputs

RECOVERY = """{"kind": "recovery", "model": {"target": "He2(x1)", "activation": "He2", "noise": 0.0, "students": 1,
 "second_layer": null%s}, "protocols": ["projected_correlation"], "mu": [0.5], "n0": 1.0, "dimensions": [64],
 "replicas": 8, "gamma0": 0.1, "delta": 0.5, "initial": "inverse_sqrt_d", "start": 1.0, "threshold": 0.5,
 "step_budget": 9.0, "records": 0, "engine": "chain", "tolerance": null, "gaussian_from": null, "backend": "numpy",
 "seed": 1}"""


def experiment(inputs="", **changes):
    text = RECOVERY % (f', "inputs": {inputs}' if inputs else "")
    for old, new in changes.items():
        assert f'"{old}"' in text
        text = text.replace(f'"{old}": {new[0]}', f'"{old}": {new[1]}')
    return experiment_from(text)


def test_isotropic_inputs_leave_cells_as_they_are():
    (plain,), (named,) = (cells_of("e", experiment(inputs)) for inputs in ("", '"isotropic"'))
    assert plain == named
    assert "inputs" not in plain.identity


def test_inputs_are_a_parameter_of_a_cell():
    ((plain,), (cell,)) = (cells_of("e", experiment(inputs)) for inputs in ("", '{"spike": {"strength": 9}}'))
    assert cell.inputs == "spike9a1"
    assert cell.model.inputs.name == "spike9a1"
    assert cell.entropy != plain.entropy
    assert cell.name == plain.name
    assert unpack(pack([cell])) == [cell]
    assert isinstance(unpack(pack([cell]))[0], Cell)
    assert seconds(cell) > 0
    assert cell.simulate().attrs["inputs"] == "spike9a1"


@pytest.mark.parametrize(
    ("inputs", "changes", "key", "message"),
    [
        ('"blocks_32v1t1_64v1t0"', {}, ("model", "inputs"), "dimension 64; allowed: 96, the sum of the blocks"),
        (
            '"spike9a1"',
            {"delta": ("0.5", '"theory"')},
            ("delta",),
            "does not know inputs 'spike9a1'; allowed: a number",
        ),
        ('"spike9a1"', {"threshold": ("0.5", "0.2")}, ("threshold",), "overlap's norm starts at 0.37"),
        ('"spike9a1"', {"engine": ('"chain"', '"gaussian"')}, ("protocols",), "'gaussian' does not know protocol"),
    ],
)
def test_cells_that_cannot_be_simulated_say_why(inputs, changes, key, message):
    with pytest.raises(CellError, match=message) as error:
        cells_of("e", experiment(inputs, **changes))
    assert error.value.key == key


def test_figures_on_theory_know_isotropic_inputs_alone():
    assert not unknown_to_theory(experiment())
    (sentence,) = unknown_to_theory(experiment('"spike9a1"'))
    assert "inputs 'spike9a1'" in sentence


def test_bad_inputs_are_told_with_the_configuration():
    with pytest.raises(ValueError, match="strength is -3; allowed: a number from -1"):
        experiment('{"spike": {"strength": -3}}')
    many = {"blocks": [{"dimension": 1, "variance": 1 + i, "teacher": 0 if i else 1} for i in range(40)]}
    with pytest.raises(ValueError, match="characters; allowed: 150, by fewer blocks"):
        inputs_name(many)


def test_the_command_line_takes_names_and_mappings():
    assert read_inputs("spike9a1") == read_inputs("{spike: {strength: 9}}") == "spike9a1"
    with pytest.raises(ValueError, match="no YAML"):
        read_inputs("{spike: {strength: 9}")
