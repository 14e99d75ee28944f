"""`onepass simulate` and `onepass plot`: a cell written, repeated, drawn."""

import json

import numpy as np
import pytest
import xarray as xr
from helpers.commands import SIMULATE, called, refused, some_runs
from onepass.pipeline import store
from onepass.simulation import ticker


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


def test_simulate_says_what_the_theory_gives_a_run_that_is_given_nothing(tmp_path):
    place = [
        "--target",
        "tanh(x1)",
        "--activation",
        "tanh",
        "--dimension",
        "20",
        "--batch-size",
        "20",
        "--threshold",
        "0.4",
    ]
    done = called("simulate", *place, "--replicas", "2", "--output", tmp_path / "cell.nc")
    given = json.loads(store.read(tmp_path / "cell.nc").attrs["parameters"])
    assert f"by the theory: learning rate {given['learning_rate']:.3g}, a climb of" in done.stderr
    assert f"; at most {given['steps']} steps" in done.stderr
    own = ["--update", "plain", "--steps", "5", "--output", tmp_path / "own.nc"]
    assert "no learning rate or number of steps is known" in refused("simulate", *place, *own, code=1)
    assert not (tmp_path / "own.nc").exists()


def test_simulate_takes_protocols_that_are_compositions(tmp_path):
    name = "plain_huber0.5_polar_heavyball0.9_layer1"
    called(*SIMULATE, "--protocol", name, "--steps", "5", "--output", tmp_path / "own.nc")
    runs = store.read(tmp_path / "own.nc")
    assert json.loads(runs.attrs["parameters"])["protocol"] == name
    assert runs.second_layer.dims == ("replica", "step", "student")
    assert not runs.diverged.any()
    said = refused(*SIMULATE, "--protocol", "plain_square_sideways", "--output", tmp_path / "no.nc", code=1)
    assert "direction 'sideways' is unknown; allowed: gradient" in said


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


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_simulated(tmp_path, monkeypatch):
    monkeypatch.setattr("onepass.pipeline.cell.Cell.simulate", lambda *_: pytest.fail("simulated"))
    (tmp_path / "file").touch()
    for output in (tmp_path, tmp_path / "file" / "cell.nc"):
        assert "cannot be written" in refused(*SIMULATE, "--output", output, "--force", code=2)


def test_choices_are_options_and_change_the_protocol_that_is_named(tmp_path):
    own = ["--update", "plain", "--second-layer-rate", "1", "--momentum", "heavy_ball", "--beta", "0.5"]
    own += ["--threshold", "0.9", "--recovery", "norm", "--steps", "20"]
    done = called(*SIMULATE, "--protocol", "projected_huber2", *own, "--output", tmp_path / "own.nc")
    runs = store.read(tmp_path / "own.nc")
    parameters = json.loads(runs.attrs["parameters"])
    assert parameters["protocol"] == "plain_huber2_heavyball0.5_layer1"
    assert parameters["recovery"] == runs.attrs["recovery"] == "norm"
    norm = float(np.sqrt(runs.student_gram.isel(step=-1)).median())
    layer = float(runs.second_layer.isel(step=-1).median())
    assert f", norm {norm:.3g}, second layer {layer:.3g} after 20 steps" in done.stdout
    for wrong, words, code in (
        (["--beta", "1"], "beta is 1.0; allowed", 1),
        (["--loss", "cubic"], "loss 'cubic' is unknown; allowed: square", 1),
        (["--update", "up"], "update 'up' is unknown; allowed: projected", 1),
        (["--recovery", "angle"], "'angle'; allowed: cosine, norm", 2),
        (["--momentum", "heavy_ball", "--engine", "leap"], "engine 'leap' does not know protocol", 1),
    ):
        assert words in refused(*SIMULATE, *wrong, "--output", tmp_path / "no.nc", code=code)
    assert not (tmp_path / "no.nc").exists()


def test_runs_that_diverge_are_told(tmp_path):
    done = called(
        *SIMULATE, "--update", "plain", "--loss", "square", "--learning-rate", "1", "--output", tmp_path / "own.nc"
    )
    assert done.stdout.rstrip().endswith("3 diverged")
    assert "without normalisation runs may diverge" in done.stderr
