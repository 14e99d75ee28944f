"""The command line: every command's answer, and one clear message for every mistake."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from onepass.cli.app import app
from onepass.pipeline import store
from onepass.pipeline.cell import Cell
from onepass.simulation import ticker
from onepass.targets.requirements import best_of
from onepass.theory import diagrams
from typer.testing import CliRunner

RUN = CliRunner()
SIMULATE = ["simulate", "--target", "He3(x1)", "--activation", "He3", "--dimension", "64", "--batch-size", "20",
            "--learning-rate", "0.002", "--steps", "300", "--replicas", "3", "--engine", "sgd", "--backend", "numpy",
            "--initial", "0.5", "--noise", "0.1", "--seed", "5", "--records", "20"]  # fmt: skip


def called(*arguments):
    """What a command prints, with none of its errors."""
    done = RUN.invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done


def refused(*arguments, code):
    """What a command says where it refuses, in one message without a traceback."""
    done = RUN.invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return " ".join(done.stderr.replace("│", " ").split())


# --- exponent ---------------------------------------------------------------------------------------------------------


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


def test_exponent_as_text_with_the_warnings_of_an_activation():
    done = called("exponent", "He3(x1)", "--activation", "relu")
    assert "information exponent  3" in done.stdout
    assert "c_3 = 0" in done.stderr
    assert done.stderr.count("warning: ") == 1
    assert called("exponent", "x1*x2", "--activation", "He2").stderr == ""


# --- simulate and plot ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    path = tmp_path_factory.mktemp("cell") / "cell.nc"
    return path, called(*SIMULATE, "--output", path)


def test_simulate_writes_a_cell_with_every_parameter(cell):
    path, done = cell
    runs = store.read(path)
    assert done.stdout.startswith(f"{path}: 3 replicas, overlap ")
    parameters = json.loads(runs.attrs["parameters"])
    expected = {"target": "He3(x1)", "batch_size": 20, "learning_rate": 0.002, "noise": 0.1, "initial": 0.5, "seed": 5}
    assert expected.items() <= parameters.items()
    assert parameters["threshold"] is None
    assert runs.attrs["engine"] == "sgd"
    assert dict(runs.sizes) | {"replica": 3, "student": 1, "teacher": 1} == dict(runs.sizes)
    assert runs.step[-1] == 300
    assert {"git_commit", "version_numpy", "entropy", "schema_version"} <= set(runs.attrs)


def test_simulate_repeats_itself_and_keeps_what_is_there(cell, tmp_path):
    path, _ = cell
    again = tmp_path / "again.nc"
    called(*SIMULATE, "--output", again)
    assert store.read(path).identical(store.read(again))
    before = again.read_bytes()
    assert "--force" in refused(*SIMULATE, "--output", again, code=2)
    assert again.read_bytes() == before
    found = json.loads(called(*SIMULATE, "--output", again, "--force", "--threshold", "0.6", "--json").stdout)
    assert found["recovered"] == int(store.read(again).recovered.sum())
    assert found["output"] == str(again)


def test_simulate_ticks_a_bar_and_leaves_no_listener(monkeypatch, tmp_path):
    from onepass.cli.simulate import progress

    assert ticker._listener is None
    with progress():
        ticker.tick(1, 2)
        assert ticker._listener is not None
    assert ticker._listener is None


def test_simulate_warns_before_it_runs(tmp_path):
    arguments = [word if word != "He3" else "relu" for word in SIMULATE]
    done = called(*arguments, "--steps", "2", "--output", tmp_path / "relu.nc")
    assert "warning: the target 'He3(x1)' begins at Hermite order ℓ = 3" in done.stderr


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_plot_draws_the_runs(cell, tmp_path, kind):
    path, _ = cell
    drawn = tmp_path / f"cell.{kind}"
    found = json.loads(called("plot", path, "--output", drawn, "--json").stdout)
    assert drawn.read_bytes().startswith(b"%PDF" if kind == "pdf" else b"\x89PNG")
    runs = store.read(path)
    assert found["final_risk"] == pytest.approx(float(runs.risk.isel(step=-1).median()))


def some_runs(steps):
    """Five runs of two students of three directions, numbers at random."""
    rng, count = np.random.default_rng(0), len(steps)
    cell = Cell("command_line", "x1*x2*x3", "He3", 2, None, 0.0, "projected_square", None, None, 64, 8, 2e-5, steps[-1],
                5, "chain", "numpy", 0.1, 0.9, count, 0)  # fmt: skip
    return xr.Dataset(
        {
            "overlap": (("replica", "step", "student", "teacher"), rng.uniform(0, 0.5, (5, count, 2, 3))),
            "risk": (("replica", "step"), rng.uniform(0.1, 2, (5, count))),
            "recovered": ("replica", np.zeros(5, bool)),
        },
        coords={"step": steps},
        attrs={"parameters": cell.identity},
    )


def test_plot_shows_a_single_step_too():
    from onepass.figures import runs as module

    figure = module.draw([some_runs([0, 1])])
    for ax in figure.axes:
        assert all(line.get_marker() == "o" for line in ax.lines if len(line.get_xdata()) == 1)
        assert any(len(line.get_xdata()) == 1 for line in ax.lines)


def test_plot_shows_the_medians_of_every_coordinate():
    from onepass.figures import runs as module

    runs = some_runs([0, 1, 5, 9])
    overlap = runs.overlap.values
    figure = module.draw([runs])
    left, right = figure.axes
    norm = np.median(np.linalg.norm(overlap, axis=(2, 3)), axis=0)[1:]
    drawn = [line.get_ydata() for line in left.lines]
    assert any(np.array_equal(norm, values) for values in drawn)
    parts = np.median(np.linalg.norm(overlap, axis=2), axis=0)[1:]
    for r in range(3):
        assert any(np.array_equal(parts[:, r], values) for values in drawn)
    assert np.array_equal(right.lines[-1].get_ydata(), np.median(runs.risk, axis=0)[1:])
    assert {text.get_text() for text in figure.legends[0].get_texts()} >= {"median", "threshold", "$x_{3}$ alone"}
    figure.draw_without_rendering()


# --- phases -----------------------------------------------------------------------------------------------------------


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


# --- mistakes ---------------------------------------------------------------------------------------------------------


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
            "'cold'; allowed: sphere, inverse_sqrt_d or a finite number",
        ),
        (
            [*SIMULATE, "--output", "c.nc", "--initial", "nan"],
            2,
            "'nan'; allowed: sphere, inverse_sqrt_d or a finite number",
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


def test_plot_of_a_file_that_is_no_cell(tmp_path):
    (tmp_path / "text.nc").write_text("no NetCDF")
    assert "no NetCDF file" in refused("plot", tmp_path / "text.nc", code=1)
    runs = some_runs([0, 1, 2])
    for name, other, words in (
        ("other", xr.Dataset({"a": ("x", [1.0])}), "no runs of one cell"),
        ("a_replica", runs.isel(replica=0), "no runs of one cell"),
        ("no_cell", runs.drop_attrs(), "lacks parameters of a cell of this version"),
        ("cut", runs.assign_attrs(parameters=runs.parameters[:50]), "lacks parameters of a cell"),
        ("protocol", runs.assign_attrs(parameters=runs.parameters.replace("projected", "other")), "lacks parameters"),
        ("list", runs.assign_attrs(parameters="[1, 2]"), "lacks parameters of a cell of this version"),
    ):
        store.write(other, tmp_path / f"{name}.nc")
        assert words in refused("plot", tmp_path / f"{name}.nc", code=1)
    assert not list(tmp_path.glob("*.png"))


def test_help_is_quick_has_examples_and_loads_no_science():
    for command in ("exponent", "simulate", "plot", "phases", "target"):
        text = " ".join(called(command, "--help").stdout.split())
        assert f"onepass {command}" in text.partition("Example")[2], command
    start = time.monotonic()
    code = "import sys, onepass.cli.app; print({'numpy', 'xarray', 'matplotlib', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()", f"{time.monotonic() - start:.1f} s"


def test_the_module_and_the_script_are_the_same_command():
    done = subprocess.run([sys.executable, "-m", "onepass", "--help"], capture_output=True, text=True, check=True)
    assert "exponent" in done.stdout
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert 'onepass = "onepass.cli.app:main"' in pyproject


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_simulated(tmp_path, monkeypatch):
    monkeypatch.setattr("onepass.pipeline.cell.Cell.simulate", lambda *_: pytest.fail("simulated"))
    (tmp_path / "file").touch()
    for output in (tmp_path, tmp_path / "file" / "cell.nc"):
        assert "cannot be written" in refused(*SIMULATE, "--output", output, "--force", code=2)
