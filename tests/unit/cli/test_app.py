"""Every command's answer, its help, and one clear message for every mistake."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from helpers.commands import SIMULATE, called, refused
from helpers.configuration import configured
from helpers.project import ROOT
from onepass.pipeline.validation import validated
from onepass.targets.requirements import best_of
from onepass.theory import diagrams


@pytest.mark.parametrize(
    ("target", "coordinates", "leap_index", "leap_complexity", "first"),
    [  # by hand: the lowest order of the Hermite expansion, and E[h* He_α]/α! of its first term
        ("relu(x1)", 1, 1, 1, 0.5),
        ("x1**3", 1, 1, 1, 3.0),  # He3 + 3 He1
        ("erf(x1/sqrt(2))", 1, 1, 1, 1 / np.sqrt(np.pi)),  # E[f'] of a normal density of variance 2
        ("abs(x1)", 1, 2, 2, 1 / np.sqrt(2 * np.pi)),  # E[|x| (x² − 1)]/2
        ("cos(x1)", 1, 2, 2, -np.exp(-0.5) / 2),
        ("He4(x1)", 1, 4, 4, 1.0),
        ("x1*x2 + He3(x1)", 2, 2, 2, 1.0),
        ("x1**3 - x1*x2**2", 2, 1, 2, 2.0),  # 2 He1(x1) + He3(x1) − He1(x1) He2(x2)
        ("x1*x2*x3", 3, 3, 3, 1.0),
        ("x1 + x1*x2 + x1*x2*x3", 3, 1, 1, 1.0),
        ("x1 + x1*x2*x3*x4", 4, 1, 3, 1.0),
        ("x1*x2*x3*x4", 4, 4, 4, 1.0),
    ],
)
def test_exponents_are_those_of_the_table(target, coordinates, leap_index, leap_complexity, first):
    found = json.loads(called("exponent", target, "--json").stdout)
    assert found["coordinates"] == coordinates
    assert (found["leap_index"], found["leap_complexity"]) == (leap_index, leap_complexity)
    assert found["information_exponent"] == (leap_index if coordinates == 1 else None)
    assert found["hermite"][0]["order"] == leap_index
    assert sum(found["hermite"][0]["powers"]) == leap_index
    assert found["hermite"][0]["coefficient"] == pytest.approx(first, rel=1e-9)
    assert found["protocols"] == best_of(leap_index)
    assert ("to_the_end" in found) == (leap_complexity != leap_index)


@pytest.mark.parametrize(
    ("order", "square", "correlation", "giant"),
    [  # (μ, θ, θ + μ, δ) of the best batch
        (1, (1, 0, 1, 0), (1, 0, 1, 0), (1, 0, 1, 0)),
        (2, (1, 0, 1, 0), (1, 0, 1, 0), (2, 0, 2, -0.5)),
        (3, (1.5, 0.5, 2, 0), (2, 0, 2, -0.5), (3, 0, 3, -1)),
        (4, (2, 1, 3, 0), (3, 0, 3, -1), (4, 0, 4, -1.5)),
    ],
)
def test_what_each_protocol_needs(order, square, correlation, giant):
    rows = {
        row["protocol"]: tuple(row[key] for key in ("mu", "theta", "sample_exponent", "delta"))
        for row in best_of(order)
    }
    assert rows == {
        "projected_square": square,
        "projected_correlation": correlation,
        "spherical_square": correlation,
        "one_giant_step": giant,
    }


@pytest.mark.parametrize(
    ("arguments", "order"),
    [(("He4(x1)", "--loss", "absolute"), 2), (("He3(x1)", "--label", "y**2"), 2), (("He3(x1)", "--loss", "y - f"), 3)],
)
def test_exponent_of_a_loss_or_of_transformed_labels(arguments, order):
    assert json.loads(called("exponent", *arguments, "--json").stdout)["information_exponent"] == order


def test_generative_exponents_beside_them():
    """Of a target of several coordinates the leap; the reason where it is not decided."""
    assert "generative exponent   1\n" in called("exponent", "He3(x1)").stdout
    assert "generative leap       2\n" in called("exponent", "x1*x2*x3").stdout
    assert json.loads(called("exponent", "sign(x1*x2*x3)", "--json").stdout)["generative_exponent"] == 3
    open_, text = "x1 + sign(x1*x2*x3*x4)", "2 or more by its symmetries, 3 or less by those functions of its label"
    assert f"generative leap       not decided: it is {text}" in called("exponent", open_).stdout
    found = json.loads(called("exponent", open_, "--json").stdout)
    assert found["generative_exponent"] is None
    assert text in found["not_decided"]


def test_exponent_as_text_with_the_warnings_of_an_activation():
    done = called("exponent", "He3(x1)", "--activation", "relu")
    assert "information exponent  3" in done.stdout
    assert "c_3 = 0" in done.stderr
    assert done.stderr.count("warning: ") == 1
    assert called("exponent", "x1*x2", "--activation", "He2").stderr == ""


@pytest.mark.parametrize(
    ("formula", "echo"),
    [
        ("-x1*x2", "-x1 * x2"), ("-x", "-x1"), ("-(x1 + x2)**2", "-(x1 + x2) ** 2"), ("--x1", "--x1"),
        ("-sin(x1)", "-sin(x1)"), ("-.5*He3(x1)", "-0.5 * He3(x1)"), ("- 2*x1*x2", "-2 * x1 * x2"),
        ("-e*x1", "-e * x1"),
    ],
)  # fmt: skip
def test_a_formula_may_begin_with_a_minus(formula, echo):
    """Before or after the options, and as the value of one."""
    plain = called("exponent", formula).stdout
    assert plain.startswith(f"{echo}\n")
    found = json.loads(called("exponent", "--json", formula, "--activation", "-relu(x)").stdout)
    assert (found["target"], found["activation"]) == (echo, "-relu(x)")
    assert "unknown name 'y' in formula '-y*x1'" in refused("exponent", "-y*x1", code=1)


def test_a_target_may_begin_with_a_minus(tmp_path, monkeypatch):
    """As `make target` passes it on, with a student and without."""
    (tmp_path / "Snakefile").write_text("")
    monkeypatch.chdir(tmp_path)
    assert called("target", "-x1*x2").stdout == "config/targets/minus_x1_x2.yaml\n"
    called("target", "-x1*x2", "--activation", "-He2(x)", "--name", "other")
    settings = yaml.safe_load((tmp_path / "config" / "targets" / "other.yaml").read_text())
    models = [experiment["model"] for experiment in settings["experiments"].values()]
    assert {(model["target"], model["activation"]) for model in models} == {("-x1*x2", "-He2(x)")}


def test_an_option_that_is_none_is_no_formula():
    assert "No such option" in refused("exponent", "x1", "--activaton", "relu", code=2)
    assert "No such option" in refused("exponent", "-h", code=2)


def test_parentheses_are_echoed():
    assert called("exponent", "(x1+x2)**2").stdout.startswith("(x1 + x2) ** 2\n")


def test_phases_draws_both_diagrams(tmp_path):
    for order in (1, 3):
        assert "drawn" in called("phases", order, "--output", tmp_path / f"{order}.pdf").stdout
        assert (tmp_path / f"{order}.pdf").read_bytes().startswith(b"%PDF")


def test_phases_as_json_is_the_theory():
    found = json.loads(called("phases", 3, "--json").stdout)
    assert found["mu_theta"]["points"]["sgd_optimum"] == [1.5, 0.5]
    assert found["mu_theta"]["points"]["correlation_optimum"] == [2, 0]
    assert found["mu_delta"]["points"]["one_step"] == [3, -1]
    assert found["mu_delta"]["lines"]["sgd"] == diagrams.learning_rate_diagram(3).lines["sgd"].tolist()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["exponent", "He3(x1"], 1, "'He3(x1' is not well formed"),
        (["exponent", "He3(y)"], 1, "unknown name 'y'"),
        (["exponent", "x1 - x1"], 1, "nothing to learn"),
        (["exponent", "x1", "--activation", "sign"], 1, "no slope"),
        (["exponent"], 2, "Missing argument"),
        (["exponents", "x1"], 2, "No such command"),
        ([*SIMULATE, "--output", "c.nc", "--protocol", "projected"], 1, "protocol 'projected' is unknown; allowed: "),
        ([*SIMULATE, "--output", "c.nc", "--engine", "fast"], 1, "engine"),
        ([*SIMULATE, "--output", "c.nc", "--batch-size", "0"], 2, "Invalid value for '--batch-size'"),
        ([*SIMULATE, "--output", "c.nc", "--learning-rate", "-1"], 2, "-1.0; allowed: a finite number above 0"),
        (
            [*SIMULATE, "--output", "c.nc", "--initial", "cold"],
            2,
            "'cold'; allowed: sphere, norm_inverse_sqrt_d, inverse_sqrt_d or a finite number",
        ),
        (
            [*SIMULATE, "--output", "c.nc", "--initial", "nan"],
            2,
            "'nan'; allowed: sphere, norm_inverse_sqrt_d, inverse_sqrt_d or a finite number",
        ),
        ([*SIMULATE, "--output", "c.nc", "--initial", "1.5"], 1, "longer than a unit vector"),
        ([*SIMULATE, "--output", "c.nc", "--second-layer", "1;2"], 2, "allowed: numbers with commas"),
        ([*SIMULATE, "--output", "c.nc", "--second-layer", "1,2"], 1, "allowed: 1 finite numbers"),
        ([*SIMULATE, "--output", "c.nc", "--threshold", "2"], 1, "threshold is 2.0; allowed"),
        (SIMULATE, 2, "Missing option '--output'"),
        (["plot", "missing.nc"], 1, "missing.nc is missing"),
        (["plot", "missing.nc", "--output", "cell.svg"], 2, "allowed: a name that ends with .png or .pdf"),
        (["phases", "0", "--json"], 1, "information exponent 0"),
        (["phases", "three"], 2, "Invalid value for 'L'"),
        (["target", "x1*x2"], 1, "no Snakefile in"),
    ],
)
def test_a_mistake_gets_one_message(arguments, code, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in refused(*arguments, code=code)
    assert not list(tmp_path.iterdir())


def test_help_is_quick_has_examples_and_loads_no_science():
    for command in ("exponent", "simulate", "plot", "phases", "target"):
        text = " ".join(called(command, "--help").stdout.split())
        assert f"onepass {command}" in text.partition("Example")[2], command
    code = "import sys, onepass.cli.app; print({'numpy', 'xarray', 'matplotlib', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_module_and_the_script_are_the_same_command():
    done = subprocess.run([sys.executable, "-m", "onepass", "--help"], capture_output=True, text=True, check=True)
    assert "exponent" in done.stdout
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert 'onepass = "onepass.cli.app:main"' in pyproject


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_greek_letters_stops_nothing(encoding):
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "onepass", "exponent", "He3(x1)"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert b"information exponent  3" in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_reader_who_has_heard_enough_stops_quietly():
    command = [sys.executable, "-m", "onepass", "exponent", "He3(x1)"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait()


def test_the_configuration_is_printed_as_it_holds(tmp_path):
    """With files over it and every key of every experiment; read back it is the same."""
    mine = tmp_path / "mine.yaml"
    mine.write_text("experiments: {he3: {replicas: 9}}\nfigures: {leap: null}")
    expected = configured(mine)
    assert expected.experiments["he3"].replicas == 9
    said = called("config", mine).stdout
    assert f"#   {mine}" in said
    assert validated(yaml.safe_load(said)).model_dump(exclude={"defaults"}) == expected.model_dump(exclude={"defaults"})
    assert json.loads(called("config", mine, "--json").stdout) == yaml.safe_load(said)
    alone = yaml.safe_load(called("config", mine, "--experiment", "he3").stdout)["experiments"]
    assert alone == {"he3": expected.experiments["he3"].model_dump(mode="json")}
    assert "no experiment 'he5'; allowed: " in refused("config", "--experiment", "he5", code=1)
    assert "nowhere.yaml" in refused("config", tmp_path / "nowhere.yaml", code=1)
    mine.write_text("experiments: {he3: {replicas: 0}}")
    assert f"{mine}: experiments.he3.replicas: 0: allowed" in refused("config", mine, code=1)
