"""A target of one's own: its activation, its grids, its file, and a pipeline that plans it."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.project import ROOT, Project
from onepass.formulas.formula import Formula
from onepass.model import Model
from onepass.pipeline.grid import cells_of
from onepass.pipeline.progress import seconds
from onepass.pipeline.validation import ConfigurationError, validated
from onepass.targets import overlay, warnings
from onepass.targets.activation import default_activation, needed_orders
from onepass.targets.planning import Plan, PlanError
from onepass.theory import saddle
from onepass.theory.climb import climb_factor, flow_climb
from onepass.theory.exponents import half
from snakemake.utils import update_config

DEFAULT = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())
TARGETS = ("tanh(x1*x2*x3)", "x1**3 - x1*x2**2", "relu(x1)", "x1*x2", "He4(x1)", "x1*x2 + He3(x1)")


def merged(text):
    settings = copy.deepcopy(DEFAULT)
    update_config(settings, yaml.safe_load(text))
    return settings


# --- the activation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "orders"),
    [
        ("x1*x2 + He3(x1)", [2]),
        ("x1 + x1*x2 + x1*x2*x3", [1, 2, 3]),
        ("x1 + x1*x2*x3*x4", [1, 4]),
        ("x1**3 - x1*x2**2", [1, 3]),
        ("He3(x1) + He5(x2)", [3, 5]),
    ],
)
def test_orders_that_reach_every_coordinate(target, orders):
    assert needed_orders(Formula.target(target)) == orders


@pytest.mark.parametrize("target", [*TARGETS[1:], "sign(x1)", "-x1*x2", "x1 - x2", "He3(x2)"])
def test_the_activation_can_learn_the_target(target):
    activation, why = default_activation(target)
    model = Model(target, activation)
    assert warnings.missing_component(model) is None
    assert warnings.wrong_signs(model, 0.1) == ()
    assert why
    if model.teachers == 1 and target != "sign(x1)":
        assert why == "the target itself"
        assert saddle.drift(model, [1.0]) > 0
    square, correlation = (saddle.means_at_start(model, loss)[1] for loss in ("square", "correlation"))
    if model.teachers > 1:
        assert square <= 5 * correlation, "its own noise is at most (1/0.5)^2 times that of the labels"


# --- the plan ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["He2", "He3", "He4"])
def test_the_climb_of_one_direction_is_the_closed_form(name):
    """The flow of He_ℓ from its own activation is m' = β m^(ℓ−1) (1 − m²)."""
    model, ell = Model(f"{name}(x1)", name), int(name[2])
    beta = float(saddle.drift(model, [1.0]))
    for d in (256, 4096):
        (factor,) = climb_factor(ell, [d], start=2.0, threshold=0.5)
        assert flow_climb(model, d, 2.0, 0.5) == pytest.approx(factor / beta, rel=0.01)


def test_the_climb_of_a_product_is_exponential():
    """x1 x2 and He2 from equal overlaps: U = m1 m2 · 2, the norm grows as 2 r (1 − r²)."""
    model = Model("x1*x2", "He2")
    for d in (256, 4096):
        exact = (np.log(0.5 * np.sqrt(d)) - 0.5 * np.log((1 - 0.25) / (1 - 1 / d))) / 2
        assert flow_climb(model, d, 1.0, 0.5) == pytest.approx(exact, rel=0.01)


def test_times_of_several_coordinates_are_fitted_over_the_climb_of_their_flow():
    """Times τ(d)/γ of a mixed target, whose climb no closed form has: exponent 0, where a power of d alone is off."""
    import xarray as xr
    from onepass.analysis.fits import fit_experiment

    model, dimensions = Model("x1*x2 + x1**3 - 3*x1", "He2(x)/2 + He3(x)/6"), [64, 256, 1024, 4096]
    times = np.array([flow_climb(model, d, 1.0, 0.5) / 1e-5 for d in dimensions]).round()
    shape = ("protocol", "mu", "dimension", "replica")
    about = {
        "target": model.target,
        "activation": model.activation,
        "students": 1,
        "second_layer": "null",
        "noise": 0.0,
    }
    about |= {"information_exponent": 2, "threshold": 0.5, "initial_overlap": 1.0, "initial": "inverse_sqrt_d"}
    runs = xr.Dataset(
        {
            "recovery_step": (shape, np.tile(times[:, None], (1, 1, 1, 8))),
            "recovered": (shape, np.ones((1, 1, 4, 8), bool)),
            "batch_size": (shape[1:3], [dimensions]),
            "learning_rate": (shape[:3], np.full((1, 1, 4), 1e-5)),
        },
        coords={"protocol": ["projected_correlation"], "mu": [1.0], "dimension": dimensions},
        attrs=about,
    )
    fit = fit_experiment(runs, resamples=100).squeeze()
    assert float(fit.theta) == pytest.approx(0, abs=1e-3)
    assert abs(float(fit.theta_plain)) > 0.1


def test_rates_are_those_that_were_found_by_hand():
    """The published grids were tuned before this plan was: γ0 of He3 is 0.006, or 0.0015 for large batches."""
    plan = Plan(Model("He3(x1)", "He3"))
    assert 0.002 <= plan.rate() <= 0.008
    assert 0.0005 <= plan.rate(steps=20) <= 0.002
    assert plan.edge("square") == pytest.approx(18 / 1728, rel=0.1)
    assert plan.edge("correlation") == pytest.approx(18 / 54, rel=0.2)
    assert plan.interaction == pytest.approx(1 / 18)


@pytest.mark.parametrize(("target", "activation"), [("He3(x1)", "relu"), ("x1**2", "-x**2"), ("He3(x1)", "-He3(x)")])
def test_a_student_that_cannot_climb_is_refused(target, activation):
    with pytest.raises(PlanError, match=r"cannot learn|does not climb"):
        Plan(Model(target, activation))


# --- the overlay ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_an_overlay_is_valid_small_and_earns_few_warnings(target):
    settings, remarks = overlay.overlay(target)
    configuration = validated(merged(overlay.written(settings, remarks, target)))
    assert configuration.needed == set(settings["experiments"])
    cells = [cell for name in configuration.needed for cell in cells_of(name, configuration.experiments[name])]
    assert sum(map(seconds, cells)) < 600, "five minutes on two cores"
    order = {cell.target for cell in cells}
    assert order == {target}
    assert len(warnings.on_cells({name: own["kind"] for name, own in settings["experiments"].items()}, cells)) <= 2
    times = configuration.experiments["large_batch"], configuration.experiments["small_batch"]
    h = half(Plan(Model(target, times[0].model.activation)).order)
    assert min(times[0].mu) == h > max(times[1].mu), "both sides of the first kink"
    for experiment in times:
        assert max(experiment.dimensions) >= 4 * min(experiment.dimensions)
    drawn = set(configuration.figures)
    assert {"recovery_scaling", "time_exponents", "learning_rate_phase_diagram", "weak_recovery"} <= drawn
    assert ("leap" in drawn) == (Formula.target(target).arity > 1)
    assert ("giant_step" in drawn) == (target not in ("relu(x1)", "x1**3 - x1*x2**2"))


def test_names():
    assert overlay.slug("tanh(x1*x2*x3)") == "tanh_x1_x2_x3"
    assert overlay.slug("x1**3 - x1*x2**2") == "x1_pow_3_minus_x1_x2_pow_2"
    assert overlay.slug("x1*x2", "relu") == "x1_x2_with_relu_x"
    assert overlay.slug("x1+x2") != overlay.slug("x1*x2") != overlay.slug("x1-x2")
    assert len(overlay.slug("+".join(f"x{i}" for i in range(1, 40)))) <= 80


def test_numbers_are_written_as_yaml_reads_them():
    settings = {"experiments": {"a": {"gamma0": 1e-5, "n0": 1.0, "budget": 2.5e6, "delta": -0.5}}, "data": "data/a"}
    assert yaml.safe_load(overlay.written(settings, ["x"], "x1")) == settings


@pytest.fixture
def project(tmp_path):
    (tmp_path / "Snakefile").write_text("")
    return tmp_path


def test_an_overlay_that_is_there_is_kept(project):
    path, _ = overlay.kept_or_written("x1*x2", root=project)
    file = project / path
    edited = file.read_text().replace("replicas: 32", "replicas: 16") + "# mine\n"
    file.write_text(edited)
    again, remarks = overlay.kept_or_written(" x1 * x2", root=project)
    assert again == path == Path("config/targets/x1_x2.yaml")
    assert "kept as it is" in remarks[0]
    assert file.read_text() == edited
    overlay.kept_or_written("x1*x2", root=project, force=True)
    assert "# mine" not in file.read_text()


def test_an_overlay_of_another_target_is_not_taken_for_this_one(project):
    overlay.kept_or_written("x1*x2", name="mine", root=project)
    with pytest.raises(overlay.OverlayError, match=r"is of target x1 [*] x2 with"):
        overlay.kept_or_written("x1*x3", name="mine", root=project)
    with pytest.raises(overlay.OverlayError, match=r"with activation He2\(x\)"):
        overlay.kept_or_written("x1*x2", "x + He2(x)", name="mine", root=project)
    (project / overlay.FOLDER / "mine.yaml").write_text("a: [")
    with pytest.raises(overlay.OverlayError, match="no configuration of a target"):
        overlay.kept_or_written("x1*x2", name="mine", root=project)
    for name in ("cells", "quick", "he3.nc"):
        with pytest.raises(overlay.OverlayError, match=f"name '{name}' is that of other results; allowed: another"):
            overlay.kept_or_written("x1*x2", name=name, root=project)
    for name in ("../mine", "Mine", ""):
        if name:
            with pytest.raises(overlay.OverlayError, match="allowed: small letters"):
                overlay.kept_or_written("x1*x2", name=name, root=project)


# --- figures that are not drawn ---------------------------------------------------------------------------------------


def test_a_figure_set_to_null_is_not_drawn_and_its_experiments_are_not_needed():
    assert "leap_product" in validated(DEFAULT).needed
    configuration = validated(merged("figures: {leap: null}"))
    assert "leap" not in configuration.figures
    assert "leap_product" not in configuration.needed
    assert "leap_product" in configuration.experiments, "it can be asked for by name"
    with pytest.raises(ConfigurationError, match=r"figures\.leap"):
        validated(merged("figures: {leap: []}"))


@pytest.mark.xdist_group("workflow")
def test_a_new_target_is_planned_warned_of_and_nothing_else_is(tmp_path):
    """From a formula to the plan of a run, as `make target` does; then one experiment of it, warned of before a job."""
    project = Project(tmp_path, "")
    environment = {**os.environ, "PYTHONPATH": str(project.folder / "workflow")}

    def run(*command):
        done = subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done

    command = [sys.executable, "-m", "onepass", "target", "x1**3 - x1*x2**2", "--path-only"]
    path = run(*command).stdout.strip()
    assert path == "config/targets/x1_pow_3_minus_x1_x2_pow_2.yaml"
    planned = run(sys.executable, "-m", "snakemake", "--dry-run", "--cores", "2", "--configfile", path)
    jobs = set(re.findall(r"^Job \d+: (.*)$", planned.stdout + planned.stderr, flags=re.MULTILINE))
    drawn = {job.removeprefix("Drawing ") for job in jobs if job.startswith("Drawing")}
    settings = yaml.safe_load((project.folder / path).read_text())
    assert drawn == {name for name, experiments in settings["figures"].items() if experiments}
    assert len(drawn) >= 9
    simulated = {job.split()[1].rstrip(",") for job in jobs if job.startswith("Simulating")}
    assert simulated == set(settings["experiments"])

    # The experiment at a rate beyond the noise's bound: one warning for all of its cells, before the first job.
    loud = {"gamma0": 5.0, "samples": 50.0, "dimensions": [64], "protocols": ["spherical_square"], "mu": [0.5, 0.6]}
    loud |= {"engine": "sgd", "gaussian_from": None}
    (project.folder / "loud.yaml").write_text(yaml.safe_dump({"experiments": {"runs": loud}}))
    files = ["--configfile", path, "loud.yaml"]
    data = f"{settings['data']}/runs.nc"
    said = run(sys.executable, "-m", "snakemake", "--cores", "2", data, *files).stderr
    assert said.count("onepass: warning: runs, ") == 1
    assert said.index("onepass: warning: ") < said.index("Simulating runs")


def test_a_flow_without_a_drift_does_not_climb():
    assert flow_climb(Model("x1*x2*x3", "relu"), 256.0, 1.0, 0.5) == np.inf


def test_the_second_layer_has_its_part_in_the_flow():
    """a = −1 turns the sign of the activation, a = 2 halves the time."""
    up = flow_climb(Model("x1*x2", "He2(x)/2"), 256.0, 1.0, 0.5)
    assert flow_climb(Model("x1*x2", "-He2(x)/2", second_layer=(-1.0,)), 256.0, 1.0, 0.5) == pytest.approx(up, rel=1e-6)
    assert flow_climb(Model("x1*x2", "He2(x)/2", second_layer=(2.0,)), 256.0, 1.0, 0.5) == pytest.approx(
        up / 2, rel=0.01
    )
