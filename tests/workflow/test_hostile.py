"""Configurations of somebody careless or worse: each gets one clear message, and nothing of them is ever run."""

import copy

import pytest
from helpers import configuration as project
from helpers.hostile import CODE, PATHS, UNREADABLE, WRONG, YAML
from helpers.project import Project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onepass.pipeline import collection
from onepass.pipeline.validation import ConfigurationError, validated

WHOLE = collection.completed(project.tree())
KEPT = (
    "he3",
    "he3_map_square",
    "ode_flow",
    "chain_exactness",
)  # one experiment of each kind: to check a grid takes its time
VALID = WHOLE | {
    "experiments": {name: copy.deepcopy(WHOLE["experiments"][name]) for name in KEPT},
    "check": WHOLE["check"] | {"experiments": ["he3"]},
    "figures": {"time_exponents": ["he3"], "ode_regimes": ["ode_flow"], "chain_exactness": ["chain_exactness"]},
}
VALID["experiments"]["he3_map_square"] = project.tree()["experiments"][
    "he3_map_square"
]  # the defaults of its kind hold
VALID["experiments"]["he3"].update(mu=[1.0], dimensions=[64], protocols=["projected_square"])
VALID["experiments"]["he3_map_square"].update(mu=[1.0], deltas=[0.0, 0.5], dimensions=[64, 128])
VALID["experiments"]["chain_exactness"].update(students=[1], batch_sizes=[2], protocols=["projected_square"])


def leaves(tree, key=()):
    """Keys of all values that a configuration holds, and of the sections around them."""
    for name, value in tree.items():
        yield (*key, name)
        if isinstance(value, dict):
            yield from leaves(value, (*key, name))


def changed(key, value):
    tree = copy.deepcopy(VALID)
    here = tree
    for part in key[:-1]:
        here = here[part]
    here[key[-1]] = value
    return tree


def refused(configuration):
    """The message; a configuration that is taken for valid, or any other exception, fails the test."""
    with pytest.raises(ConfigurationError) as error:
        validated(configuration)
    text = str(error.value)
    assert text.startswith("the configuration is not valid\n  ")
    assert 60 < len(text) < 20_000, text[:300]
    assert "Traceback" not in text
    return text


def words_or_nothing(configuration):
    """The message, or nothing for what happens to be valid; any other exception fails the test."""
    try:
        validated(configuration)
        text = ""
    except ConfigurationError as error:
        text = str(error)
    assert len(text) == 0 or 60 < len(text) < 20_000
    return text


@pytest.mark.parametrize("where", ["target", "activation"])
@pytest.mark.parametrize("formula", CODE, ids=range(len(CODE)))
def test_code_in_formulas(formula, where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if where == "activation" and formula in ("He3",):
        return  # a name is an activation
    refused(changed(("experiments", "he3", "model", where), formula))
    assert not list(tmp_path.iterdir()), "something ran"


@pytest.mark.parametrize("key", ["data", "figures_folder"])
@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_folders_outside_or_of_the_sources(path, key):
    assert f"{key}: " in refused(changed((key,), path))


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
def test_wrong_values_of_any_key(value):
    """Every key takes every wrong value in turn: some of them are right for some keys, and nothing else happens."""
    wrong = 0
    for key in leaves(VALID):
        wrong += words_or_nothing(changed(key, value)) != ""
    assert wrong >= 20


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(key=st.sampled_from(list(leaves(VALID))), value=ANYTHING)
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_anything_anywhere(key, value):
    words_or_nothing(changed(key, value))


@given(tree=ANYTHING)
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_anything_at_all(tree):
    refused(tree)


def nested(depth):
    tree = {}
    for _ in range(depth):
        tree = {"experiments": tree}
    return tree


def cyclic():
    tree = copy.deepcopy(VALID)
    tree["experiments"]["he3"]["model"]["second_layer"] = tree
    return tree


@pytest.mark.parametrize(
    "tree",
    [
        nested(50), nested(100_000), cyclic(), [], None, "text", {1: 2}, {(1, 2): 3}, {None: 0}, {b"x": b"y"},
        changed(("experiments", "../he3"), VALID["experiments"]["he3"]),
        changed(("experiments", "he3/x"), VALID["experiments"]["he3"]),
        changed(("experiments", ""), VALID["experiments"]["he3"]),
        changed(("experiments", "hé3"), VALID["experiments"]["he3"]),
        changed(("experiments", "he3", "dimensions"), list(range(2, 3_000_000))),
        changed(("experiments", "he3", "mu"), [i / 10**5 for i in range(100_000)]),
        changed(("experiments", "he3", "model", "second_layer"), [1.0] * 10**6),
        changed(("experiments", "he3", "model", "students"), 10**9),
        changed(("figures", "time_exponents"), ["he3"] * 10**5),
        changed(("figures", "../../x"), ["he3"]),
    ],
    ids=range(20),
)  # fmt: skip
def test_trees_that_no_file_should_hold(tree):
    refused(tree)


@pytest.mark.parametrize("text", YAML, ids=range(len(YAML)))
def test_snakemake_stops_before_anything(text, tmp_path):
    project = Project(tmp_path / "project", text)
    before = {path for path in tmp_path.rglob("*") if ".snakemake" not in path.parts}
    done = project.snakemake("--quiet", check=False)
    assert done.returncode == 1
    assert text in UNREADABLE or "Traceback" not in done.stdout + done.stderr
    assert "rror" in done.stderr
    after = {p for p in tmp_path.rglob("*") if ".snakemake" not in p.parts and "__pycache__" not in p.parts}
    assert after - before == set()
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("change", ["data=../outside", "experiments={he3: {replicas: -3}}", "speed=3", "fit=7"])
def test_the_command_line_is_checked_like_a_file(change, tmp_path):
    project = Project(tmp_path, "{}")
    done = project.snakemake("--config", change, "--quiet", check=False)
    assert done.returncode == 1
    assert f"command line: {change.split('=')[0]}" in done.stderr


def test_overlays_and_the_command_line_win_in_their_order(tmp_path):
    """The project's own files, then each of --configfile, then --config; what none of them names stays."""
    overlays = [{"fit": {"points": 5}, "experiments": {"he3": {"replicas": 9}}}, {"fit": {"points": 6}}]
    found = project.configured(*overlays)
    assert (found.fit.points, found.fit.resamples) == (6, WHOLE["fit"]["resamples"])
    assert found.experiments["he3"].replicas == 9
    copied = Project(tmp_path, "data: data/mine")
    done = copied.snakemake("--config", "figures_folder=figures/mine", "--dry-run", "figures/mine/polylog.pdf")
    assert "onepass: results in data/mine/, figures in figures/mine/" in done.stderr
