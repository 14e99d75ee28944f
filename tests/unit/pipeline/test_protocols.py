"""Protocols choice by choice: from a configuration to cells, files and gathered data."""

import copy
import re

import numpy as np
import pytest
from helpers.cells import simulated
from helpers.configuration import tree
from helpers.hostile import CODE
from helpers.trajectories import gathered
from hypothesis import given, settings
from hypothesis import strategies as st
from onepass.choices import ProtocolError
from onepass.pipeline import cost, store
from onepass.pipeline.aggregate import aggregate
from onepass.pipeline.cell import pack, unpack, want_gpu
from onepass.pipeline.choices import ABOUT
from onepass.pipeline.grid import cells_of
from onepass.pipeline.protocols import protocol_of
from onepass.pipeline.validation import ConfigurationError, validated
from onepass.protocol import Protocol

COMPOSED = {"loss": "absolute", "update": "spherical", "momentum": "heavy_ball", "beta": 0.9}
NAME = "spherical_absolute_heavyball0.9"
PSI = {"loss": "y*exp(min(-y*f, 2))", "update": "plain", "clip": 1e16, "direction": "clipped"}
GRID = {"mu": [1.0], "dimensions": [16, 32], "engine": "chain", "tolerance": None, "start": 1.0, "replicas": 8}
WHOLE = tree()
SMALL = WHOLE | {"check": WHOLE["check"] | {"experiments": ["square"]}, "figures": {"time_exponents": ["square"]}}


def settings_of(change=None, **experiments):
    """A small configuration with changes of some of its experiments."""
    own = {"he3": {"delta": 1.0, "protocols": ["projected_square"]}, "square": {"protocols": ["projected_square"]}}
    listed = {name: copy.deepcopy(WHOLE["experiments"][name]) | GRID | own[name] for name in own}
    for name, keys in experiments.items():
        listed.setdefault(name, copy.deepcopy(WHOLE["experiments"][name])).update(keys)
    return SMALL | {"experiments": listed} | (change or {})


def he3(*protocols, change=None, **own):
    return settings_of(change, he3={"protocols": list(protocols)} | own)


def refused(change) -> str:
    with pytest.raises(ConfigurationError) as error:
        validated(change)
    _, *lines = str(error.value).splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_a_mapping_of_choices_is_kept_as_its_name():
    experiment = validated(he3(COMPOSED, PSI, "projected_square")).experiments["he3"]
    assert experiment.protocols == [NAME, "plain_psiy~2Aexp~28min~28-y~2Af~2C2~29~29_clipped1e+16", "projected_square"]
    cells = cells_of("he3", experiment)
    assert [cell.protocol for cell in cells[::2]] == experiment.protocols
    assert {cell.path.count("/") for cell in cells} == {2}
    assert all(re.fullmatch(r"[\w.~+-]+", cell.name) for cell in cells)
    assert protocol_of(PSI) == Protocol.named(experiment.protocols[1])
    assert set(ABOUT) == set(Protocol.__dataclass_fields__)


def test_what_a_threshold_is_on_is_told_where_it_makes_a_difference():
    """Cells that have no use for it keep the seeds that they had."""
    change = he3("projected_square", NAME, "plain_square", recovery="norm", threshold=0.6)
    on = {cell.protocol: cell for cell in cells_of("he3", validated(change).experiments["he3"])}
    assert {name: cell.recovery for name, cell in on.items()} == {
        "projected_square": None, NAME: None, "plain_square": "norm",
    }  # fmt: skip
    assert "recovery" not in on["projected_square"].identity
    assert '"recovery": "norm"' in on["plain_square"].identity
    assert unpack(pack([*on.values()])) == [*on.values()]
    assert validated(he3("plain_square", recovery="norm", threshold=3.0)).grid("he3"), "norms have no highest"
    assert re.search("he3.threshold: 3.0: .* stays below 1; allowed", refused(he3("plain_square", threshold=3.0)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (he3(COMPOSED | {"beta": 1}), r"he3.protocols\[0\]: beta is 1; allowed: a number from 0, below 1"),
        (he3(COMPOSED | {"beta": 10**400}), r"protocols\[0\]: beta is 10*; allowed"),
        (he3("projected_square", {"lss": 1}), r"protocols\[1\]: 'lss' is no choice of a protocol; allowed: loss, upd"),
        (he3({"loss": "psi" * 99}), "loss 'psipsi.*… is 297 characters long; allowed: 150"),
        (he3("plain_" * 99), "has a name of 594 characters; allowed: 150"),
        (he3({"loss": "y*exp(-y*f)" + "+y*f" * 20}), "has a name of 1.. characters; allowed: 150"),
        (he3(COMPOSED, NAME), f"he3.protocols: .*'{NAME}' stands there twice"),
        (he3("projected_sqare"), "protocol 'projected_sqare' is unknown .loss 'sqare' is unknown"),
        (he3({"loss": "logistic"}), "'projected_logistic': loss 'logistic' does not go with labels such as"),
        (he3(NAME, delta="theory"), f"he3.delta: 'theory': the theory of exponents does not know protocol '{NAME}'"),
        (he3(NAME, engine="leap", tolerance=0.01), f"engine 'leap' does not know protocol '{NAME}'; allowed: ch"),
        (he3(COMPOSED, engine="gaussian"), f"'{NAME}': engine 'gaussian' does not know protocol"),
        (he3(COMPOSED | {"update": "plain"}, dimensions=[2]), "dimension 2 is too small for 1 teachers and 2 vectors"),
        (
            he3(PSI, change={"figures": {"time_batch_phase_diagram": ["he3"], "leap": None}}),
            r"figures.time_batch_phase_diagram\[0\]: 'he3': it has protocol 'plain_psi.* allowed: .*projected_square",
        ),
        (
            he3(NAME, change={"check": WHOLE["check"] | {"experiments": ["he3"]}}),
            r"check.experiments\[0\]: 'he3': it has protocol",
        ),
        (settings_of(tuned_he3={"protocols": [NAME]}), "engine 'leap' does not know protocol '.*'; allowed: chain"),
        (settings_of(leaps_square={"protocols": [NAME]}), "kind 'leaps' runs by engine 'leap', which does not know"),
        (he3(COMPOSED, recovery="angle"), "he3.recovery: 'angle': allowed: 'cosine' or 'norm'"),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_cannot_be_run_is_refused_in_one_message(change, words):
    assert re.search(words, refused(change))


@pytest.mark.parametrize("key", ["loss", "label"])
@pytest.mark.parametrize("text", CODE, ids=range(len(CODE)))
def test_code_in_the_formulas_of_a_protocol(key, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProtocolError) as error:
        protocol_of({key: text})
    assert len(str(error.value)) < 10_000
    assert not list(tmp_path.iterdir()), "something ran"


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.none())


@given(st.dictionaries(st.sampled_from(list(ABOUT)) | st.text(max_size=5), ANYTHING, max_size=3) | ANYTHING)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_anything_is_a_protocol_or_refused(described):
    try:
        found = protocol_of(described)
    except ProtocolError:
        return
    assert Protocol.named(found.name) == found


def test_auto_leaves_to_the_chain_what_the_large_batches_do_not_know():
    cells = validated(he3("plain_square", "projected_square", engine="auto", gaussian_from=10, gamma0=1e-3)).grid("he3")
    assert {(cell.protocol, cell.engine) for cell in cells} == {
        ("plain_square", "chain"), ("projected_square", "gaussian"),
    }  # fmt: skip
    assert not want_gpu([cell for cell in cells if cell.engine == "chain"], 1.0)


def test_what_they_cost():
    names = ["projected_square", "projected_square_decay0.1", "spherical_correlation_smoothed1", NAME]
    cells = {cell.protocol: cell for cell in validated(he3(*names)).grid("he3")}
    basic, decay, smoothed, absolute = (cells[name] for name in names)
    assert cost.step_seconds(decay) == pytest.approx(cost.COMPOSED * cost.step_seconds(basic))
    assert cost.step_seconds(smoothed) > 2 * cost.step_seconds(decay)
    assert cost.expected_steps(decay) == cost.expected_steps(basic)
    assert cost.expected_steps(absolute) == cost.UNKNOWN * absolute.steps


def test_runs_that_diverge_have_not_recovered_and_are_counted(tmp_path):
    own = {"gamma0": 5.0, "delta": 0.5, "step_budget": 50.0, "engine": "sgd"}
    grid = validated(he3("plain_square", "projected_square", **own)).experiments["he3"]
    cells = cells_of("he3", grid)
    runs = aggregate("he3", grid, simulated(cells, tmp_path))
    plain, projected = (runs.sel(protocol=name) for name in grid.protocols)
    assert plain.diverged.all()
    assert (plain["diverged_fraction"] == 1).all()
    assert not plain.recovered.any()
    budgets = {cell.dimension: cell.steps for cell in cells if cell.protocol == "plain_square"}
    assert all((plain.recovery_step.sel(dimension=d) == steps).all() for d, steps in budgets.items())
    assert not projected.diverged.any()
    assert np.isnan(plain.theta_theory).all()
    assert np.isfinite(projected.theta_theory).all()
    store.write(runs, tmp_path / "he3.nc")


def test_norms_and_the_second_layer_are_gathered_where_they_move(tmp_path):
    own = {"mu": [0.5], "dimensions": [16], "gamma0": 0.001, "samples": 0.5, "engine": "sgd"}
    runs = gathered(tmp_path / "moving", protocols=["spherical_square", "plain_square_layer1"], **own)
    fixed, moving = (runs.sel(protocol=name) for name in runs.protocol.values)
    assert runs.student_gram.dims[-3:] == ("record", "student", "other_student")
    np.testing.assert_allclose(fixed.student_gram, 1)
    assert (moving.student_gram.isel(record=-1) != 1).all()
    assert (fixed.second_layer == 1).all()
    assert (moving.second_layer.isel(record=0) == 1).all()
    assert (moving.second_layer.isel(record=-1) != 1).all()
    assert not runs.diverged.any()
    old = gathered(tmp_path / "old", protocols=["spherical_square"], **own)
    assert not {"student_gram", "second_layer", "diverged", "diverged_fraction"} & set(old.variables)
    np.testing.assert_array_equal(old.overlaps.sel(protocol="spherical_square"), fixed.overlaps)


def test_searches_of_the_best_rate_take_them_step_by_step():
    own = {"protocols": ["plain_square_heavyball0.5"], "engine": "chain", "tolerance": None, "recovery": "norm"}
    own |= {"dimensions": [64], "mu": [1.0], "first_delta": 2.0, "first_length": 0.5}
    (cell,) = validated(settings_of(tuned_he3=own)).grid("tuned_he3")
    assert (cell.engine, cell.recovery, cell.tuned) == ("chain", "norm", True)


def test_budgets_of_samples_seen_again_go_by_the_generative_exponent():
    """Of He3: d steps at a rate of 1/d, not d^1.5."""
    own = {"mu": [0.0], "dimensions": [100], "gamma0": 0.5, "delta": 1.0, "step_budget": 2.0}
    for name, steps in (("spherical_correlation_samplelookahead0.1", 400), ("plain_square", 4000)):
        assert [cell.steps for cell in validated(he3(name, **own)).grid("he3")] == [steps]


def test_a_batch_that_no_memory_holds_is_refused_where_it_would_have_to():
    """The chain takes one sample after another; samples that are seen again are held all."""
    own = {"mu": [4.0], "dimensions": [128], "gamma0": 1e-3}
    assert validated(he3("plain_square", **own)).grid("he3")[0].batch_size == 2**28
    assert "bytes a replica; allowed: " in refused(he3("spherical_correlation_passes2", **own))


def test_a_search_may_begin_in_proportion_to_the_batch_and_to_one_minus_beta():
    own = {"protocols": ["projected_square_heavyball0.9"], "engine": "chain", "tolerance": None, "mu": [0.5]}
    own |= {"dimensions": [64], "first_delta": 1.5, "first_length": 0.5, "first_gamma0": 0.02, "first_batch": 1.0}
    (cell,) = validated(settings_of(tuned_he3=own)).grid("tuned_he3")
    assert cell.learning_rate == pytest.approx(0.02 * 8 * 0.1 / 64**1.5)
    assert cell.steps * cell.learning_rate == pytest.approx(64**0.5, rel=1e-6)


def test_a_smoothed_search_begins_at_the_rate_that_undoes_the_division():
    """He₃ at radius 2 is divided by 5^(3/2)."""
    own = {"protocols": ["spherical_correlation", "spherical_correlation_smoothed2"], "mu": [0.5]}
    own |= {"engine": "chain", "tolerance": None, "dimensions": [64], "first_gamma0": 0.02}
    plain, smoothed = validated(settings_of(tuned_he3=own)).grid("tuned_he3")
    assert smoothed.learning_rate == pytest.approx(plain.learning_rate * 5**1.5)
    assert smoothed.steps == pytest.approx(plain.steps / 5**1.5, rel=1e-3)
