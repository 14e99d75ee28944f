"""Words for every mistake in a configuration."""

import json

import pytest
import yaml
from helpers.configuration import DEFAULTS, tree
from onepass.pipeline import collection
from onepass.pipeline.config import PROJECT
from onepass.pipeline.experiments import experiment_from
from onepass.pipeline.grid import cells_of
from onepass.pipeline.validation import ConfigurationError, validated
from onepass.simulation.parameters import ENGINES, SEARCHED

RELU = {"target": "relu(x1)", "activation": "relu"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speed": 3}, "speed: 3: unknown key; allowed: data, figures_folder"),
        ({"experiments": {"he3": {"replicaz": 3}}}, "experiments.he3.replicaz: 3: unknown key; .* mean 'replicas'"),
        ({"experiments": {"he3": {"model": {"tarqet": "x"}}}}, "he3.model.tarqet: 'x': unknown key; allowed: target"),
        ({"experiments": {"he3": {"replicas": "many"}}}, "he3.replicas: 'many': allowed: a valid integer"),
        ({"experiments": {"he3": {"replicas": True}}}, "he3.replicas: True: allowed: a valid integer"),
        ({"experiments": {"he3": {"replicas": 0}}}, "he3.replicas: 0: allowed: greater than or equal to 8"),
        ({"experiments": {"he3": {"gamma0": "1e-3"}}}, "he3.gamma0: '1e-3': allowed: a valid number; YAML reads"),
        ({"experiments": {"he3": {"gamma0": -0.1}}}, "he3.gamma0: -0.1: allowed: greater than 0"),
        (
            {"experiments": {"he3": {"engine": "sdg"}}},
            "he3.engine: 'sdg': allowed: 'auto', 'chain', 'sgd', 'gaussian' or 'leap'; did you mean 'sgd'",
        ),
        ({"experiments": {"he3": {"backend": "cupy"}}}, "he3.backend: 'cupy': .* use 'auto' or 'numpy'"),
        (
            {"experiments": {"he3": {"protocols": ["sgd"]}}},
            r"he3.protocols\[0\]: 'sgd': protocol 'sgd' is unknown; allowed: projected_square",
        ),
        ({"experiments": {"he3": {"mu": [0.5, 0.5]}}}, "he3.mu: .*0.5 stands there twice, .* two equal cells"),
        ({"experiments": {"he3": {"mu": [40.0]}}}, r"he3.mu: 40.0: 1 d\^40 at d = 4096 is 3.12e\+144; allowed: up to"),
        ({"experiments": {"he3": {"mu": [400.0]}}}, "he3.mu: 400.0: .* is inf; allowed"),
        ({"experiments": {"he3": {"mu": [-1.0]}}}, r"he3.mu\[0\]: -1.0: allowed: greater than or equal to 0"),
        (
            {"experiments": {"he3": {"dimensions": [64, 0]}}},
            r"he3.dimensions\[1\]: 0: allowed: greater than or equal to 2",
        ),
        ({"experiments": {"he3": {"dimensions": [2]}}}, "he3.dimensions: 2: too small .* allowed: 3 or more"),
        ({"experiments": {"chain_exactness": {"batch_sizes": [-2]}}}, r"batch_sizes\[0\]: -2: allowed"),
        (
            {"experiments": {"he3": {"delta": 0.0}}},
            "he3.delta: 0.0: projected_square does not learn at mu = 0; .* 1.5 or",
        ),
        ({"experiments": {"he3": {"threshold": 1.5}}}, "he3.threshold: 1.5: .* stays below 1; allowed"),
        (
            {"experiments": {"he3": {"model": {"target": "__import__('os').system('ls')"}}}},
            "he3.model.target: .* allowed: ",
        ),
        ({"experiments": {"he3": {"model": {"target": "1 + 1"}}}}, "he3.model.target: '1 [+] 1': "),
        (
            {"experiments": {"he3": {"model": {"second_layer": [1.0, 2.0]}}}},
            r"he3.model.second_layer: \[1.0, 2.0\]: .* allowed: 1 finite",
        ),
        (
            {"experiments": {"mine": {"kind": "speed"}}},
            "mine.kind: 'speed'; allowed: recovery, map, trajectories, exactness",
        ),
        ({"experiments": {"mine": {"kind": "recovery"}}}, "mine.dimensions: missing; dimensions: Input dim"),
        ({"figures": {"time_exponent": ["he3"]}}, "figures.time_exponent: .* did you mean 'time_exponents'"),
        ({"figures": {"time_exponents": ["he5"]}}, r"time_exponents\[0\]: 'he5': no experiment of kind .*: .*he3, "),
        (
            {"check": {"experiments": ["he3_map"]}},
            r"check.experiments\[0\]: 'he3_map': no experiment of kind 'recovery'",
        ),
        (
            {"experiments": {"he3": {"engine": "leap", "gaussian_from": None, "tolerance": 1e-6}}},
            "he3.tolerance: 1e-06: allowed: greater than or equal to 0.0001",
        ),
        ({"experiments": {"he3": {"start": None}}}, "he3.*initial is 'inverse_sqrt_d' and start None; allowed"),
        (
            {"experiments": {"he3": {"engine": "gaussian", "tolerance": None, "model": RELU}}},
            "he3.engine: 'gaussian': .* leaves a relative error of .*; allowed: engine 'chain'",
        ),
        ({"figures": {"chain_exactness": ["he3"]}}, r"chain_exactness\[0\]: 'he3': .* allowed: chain_exactness"),
        ({"experiments": {"he3": {"threshold": 0.03}}}, "he3.threshold: 0.03: .* starts at 0.0391 for d = 4096"),
        ({"experiments": {"he3": {"delta": "theori"}}}, "he3.delta: 'theori': "),
        ({"experiments": {"he3": {"seed": "2024-01-01"}}}, "he3.seed: '2024-01-01': allowed: a valid integer"),
        ({"experiments": {"he3": {"model": {"activation": "sign"}}}}, "he3.model.activation: .* no slope"),
        (
            {"experiments": {"chain_exactness": {"model": {"target": "x1 - x1"}}}},
            "chain_exactness.model.target: .* nothing to learn",
        ),
        ({"data": "workflow"}, "data: 'workflow': allowed: a relative or an absolute folder, none of the project's"),
        (
            {"data": f"{PROJECT}/docs/x"},
            "data: .*: allowed: a relative or an absolute folder, none of the project",
        ),
        ({"fit": {"points": 1}}, "fit.points: 1: allowed: greater than or equal to 2"),
    ],
)
def test_a_mistake_is_named_with_its_file_key_value_and_what_is_allowed(change, words, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump(change))
    with pytest.raises(ConfigurationError, match=f"mine.yaml: .*{words}"):
        validated(tree(change), [*DEFAULTS, mine])


def test_results_may_lie_on_another_file_system(monkeypatch):
    found = validated(tree({"data": "/scratch/me/run-1/", "figures_folder": "/scratch/me/figures"}))
    assert (found.data, found.figures_folder) == ("/scratch/me/run-1", "/scratch/me/figures")
    monkeypatch.chdir("/")
    with pytest.raises(ConfigurationError, match="data and figures_folder are both 'mine'"):
        validated(tree({"data": "mine", "figures_folder": "/mine"}))


def test_all_mistakes_come_at_once_and_each_with_its_own_file(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("fit: {points: 0}")
    settings = tree({"fit": {"points": 0}}, {"data": 7})
    with pytest.raises(ConfigurationError) as error:
        validated(settings, [*DEFAULTS, mine])
    assert "mine.yaml: fit.points: 0" in str(error.value)
    assert "command line: data: 7" in str(error.value)


def test_a_missing_key_names_the_file_where_it_belongs():
    settings = tree()
    del settings["fit"]["points"]
    with pytest.raises(ConfigurationError, match=r"default.yaml: fit.points: missing; points: How many"):
        validated(settings, DEFAULTS)


def test_the_command_line_may_hold_numbers_in_braces():
    """Snakemake hands them on as texts, as it does those of lists; what is a text in a file stays one."""
    change = {"replicas": "16", "gamma0": "0.25", "mu": ["1.0", "1.5"], "tolerance": "null", "engine": "chain"}
    found = validated(tree({"experiments": {"he3": change}}), DEFAULTS).experiments["he3"]
    assert (found.replicas, found.gamma0, found.mu, found.tolerance) == (16, 0.25, [1.0, 1.5], None)
    with pytest.raises(ConfigurationError, match=r"command line: experiments.he3.replicas: -3: "):
        validated(tree({"experiments": {"he3": {"replicas": "-3"}}}), DEFAULTS)
    with pytest.raises(ConfigurationError, match=r"command line: experiments.he3.replicas: 'many': "):
        validated(tree({"experiments": {"he3": {"replicas": "many"}}}), DEFAULTS)
    with pytest.raises(ConfigurationError, match="replicas: '16': "):
        validated(tree({"experiments": {"he3": {"replicas": "16"}}}))  # of no file and no command line


TREE = tree()


def grid_of(name, own):
    """The cells of an experiment with keys of an overlay."""
    change = {"experiments": {name: collection.merged(TREE["experiments"][name], own)}}
    whole = collection.completed(TREE | change)["experiments"][name]
    return cells_of(name, experiment_from(json.dumps(whole)))


@pytest.mark.parametrize("name", ["he3", "erf", "he3_map_square", "weak_recovery", "tuned_he3", "directions"])
def test_another_engine_needs_no_other_key(name):
    """Where one's own tolerance and batch size are written for an engine, others do not mind; null is the usual one."""
    kind = TREE["experiments"][name]["kind"]
    usual = {"map": 0.1, "tuned": 0.03}.get(kind, 0.01)
    for engine in SEARCHED if kind == "tuned" else ("auto", *ENGINES):
        for tolerance, switch in ((None, None), (0.05, 100)):
            own = {"engine": engine, "tolerance": tolerance} | ({} if kind == "tuned" else {"gaussian_from": switch})
            own |= {"dimensions": [256, 1024], "protocols": ["projected_square"]}
            cells = grid_of(name, own)
            assert {cell.tolerance for cell in cells} == {tolerance or usual if engine == "leap" else None}
            drawn = {cell.engine for cell in cells if cell.batch_size >= (switch or 3000)}
            assert drawn <= {"gaussian" if engine == "auto" else engine}


def test_another_target_needs_no_other_key():
    """Of kinks the chain alone knows all, which engine auto finds."""
    for name, target in (("he3", "He2(x1)"), ("square", "He4(x1)"), ("erf", "relu(x1)"), ("weak_recovery", "abs(x1)")):
        model = {"target": target, "activation": target.replace("(x1)", "")}
        cells = grid_of(name, {"model": model})
        assert {cell.target for cell in cells} == {target}
