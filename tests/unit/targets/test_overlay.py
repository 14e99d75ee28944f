"""The configuration of a target of one's own: valid, small, and kept once it is there."""

from pathlib import Path

import pytest
import yaml
from helpers.configuration import configured, needed
from onepass.formulas.formula import Formula
from onepass.model import Model
from onepass.pipeline.cost import seconds
from onepass.pipeline.grid import cells_of
from onepass.targets import overlay, warnings
from onepass.targets.planning import Plan
from onepass.theory.exponents import half

TARGETS = ("tanh(x1*x2*x3)", "x1**3 - x1*x2**2", "relu(x1)", "x1*x2", "He4(x1)", "x1*x2 + He3(x1)")


@pytest.mark.parametrize("target", TARGETS)
def test_an_overlay_is_valid_small_and_earns_few_warnings(target):
    settings, remarks = overlay.overlay(target)
    configuration = configured(overlay.written(settings, remarks, target))
    assert needed(configuration) == set(settings["experiments"])
    cells = [cell for name in needed(configuration) for cell in cells_of(name, configuration.experiments[name])]
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
    assert overlay.slug("-x1*x2") == "minus_x1_x2"
    assert len(overlay.slug("+".join(f"x{i}" for i in range(1, 40)))) <= 80


def test_names_tell_what_parentheses_hold():
    assert overlay.slug("(x1+x2)**2") == "x1_plus_x2_all_pow_2" != overlay.slug("x1 + x2**2")
    for one, other in [
        ("-(x1 + x2)", "-x1 + x2"), ("(x1 + x2)*(x1 - x2)", "(x1 + x2)*x1 - x2"), ("x1 - (x2 - 1)", "x1 - x2 - 1"),
        ("tanh(x1)*x2", "tanh(x1*x2)"), ("relu(x1) + x2", "relu(x1 + x2)"), ("tanh(x1)*sin(x2)", "tanh(x1*sin(x2))"),
        ("He2(x1)**2", "He2(x1**2)"),
    ]:  # fmt: skip
        assert overlay.slug(one) != overlay.slug(other)


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


def test_a_target_may_begin_with_a_minus(project):
    path, _ = overlay.kept_or_written("-x1*x2", root=project)
    assert path == Path("config/targets/minus_x1_x2.yaml")
    settings = yaml.safe_load((project / path).read_text())
    assert {own["model"]["target"] for own in settings["experiments"].values()} == {"-x1*x2"}


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


def test_protocols_of_ones_own(project):
    own = ["projected_correlation", "plain_absolute_heavyball0.9"]
    path, remarks = overlay.kept_or_written("He3(x1)", protocols=own, root=project)
    configuration = configured((project / path).read_text())
    found = {name: configuration.experiments[name].protocols for name in needed(configuration)}
    assert found["runs"] == found["chain"] == own
    assert found["large_batch"] == found["small_batch"] == own[:1], "what the theory plans for"
    assert "the theory plans nothing for plain_absolute_heavyball0.9" in " ".join(remarks)
    assert overlay.kept_or_written("He3(x1)", protocols=own, root=project)[0] == path
    with pytest.raises(overlay.OverlayError, match=r"is of protocols projected_corr.*, plain_abs.* allowed: anoth"):
        overlay.kept_or_written("He3(x1)", protocols=own[:1], root=project)
    with pytest.raises(ValueError, match="protocol 'plain_cubic' is unknown"):
        overlay.kept_or_written("He3(x1)", name="mine", protocols=["plain_cubic"], root=project)
