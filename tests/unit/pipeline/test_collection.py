"""The files of the configuration, the collections among them, and what an experiment holds that does not say it."""

import copy
import itertools

import pytest
import yaml
from helpers.configuration import DEFAULTS, QUICK, configured, tree
from onepass.pipeline import collection
from onepass.pipeline.config import FIGURES
from onepass.pipeline.validation import ConfigurationError, validated
from onepass.pipeline.validation import configured as as_the_command_line
from snakemake.utils import update_config


def test_every_figure_and_every_experiment_stands_in_one_collection():
    held = [collection.loaded(path) for path in DEFAULTS[1:]]
    for key in ("figures", "experiments"):
        names = [name for own in held for name in own[key]]
        assert len(names) == len(set(names)), f"{key} in two collections: the later file would win"
    named = collection.figures(DEFAULTS, FIGURES)
    assert list(named) == [path.stem for path in DEFAULTS[1:]]
    assert sorted(itertools.chain(*named.values())) == sorted(FIGURES)


def test_a_file_more_is_a_collection_more(tmp_path):
    with pytest.raises(collection.CollectionError, match="it is part of the workflow, not of the package"):
        collection.files(tmp_path)
    (tmp_path / "collections").mkdir()
    (tmp_path / "default.yaml").touch()
    for name, text in [("b", "figures: {leap: [one], polylog: [two]}"), ("a", "figures: {leap: [one]}"), ("c", "")]:
        (tmp_path / "collections" / f"{name}.yaml").write_text(text)
    files = collection.files(tmp_path)
    assert [path.name for path in files] == ["default.yaml", "a.yaml", "b.yaml", "c.yaml"]
    assert collection.figures(files[1:], {"polylog", "leap"}) == {"a": ["leap"], "b": ["leap", "polylog"]}
    assert collection.figures(files[1:], {"polylog"}) == {"b": ["polylog"]}, "what is not drawn is no target"


def test_trees_are_merged_as_snakemake_merges_files():
    trees = [{"a": 1, "b": {"c": [1, 2], "d": {"e": None}}}, {"b": {"c": [3], "d": {"f": 2}}}, {"a": {"x": 1}, "b": 3}]
    before = copy.deepcopy(trees)
    for order in itertools.permutations([*trees, {"b": {}}]):
        expected = {}
        for own in copy.deepcopy(order):
            update_config(expected, own)
        assert collection.merged(*order) == expected
    assert trees == before


def test_the_command_line_and_the_workflow_read_the_same():
    assert as_the_command_line() == configured()
    assert as_the_command_line(QUICK) == configured(QUICK)


def test_an_experiment_holds_what_its_kind_does_where_it_does_not_say_otherwise():
    """A mapping adds to the mapping here too."""
    change = {"defaults": {"recovery": {"replicas": 11, "model": {"noise": 0.5}, "records": 3}}}
    own = {"model": {"students": 2}, "records": 4}
    found = configured(change, {"experiments": {"he3": own}}).experiments
    he3, erf, runs = found["he3"], found["erf"], found["weak_recovery"]
    assert (he3.replicas, erf.replicas, runs.replicas) == (11, 11, 8)
    assert (he3.model.target, he3.model.students, he3.model.noise) == ("He3(x1)", 2, 0.5)
    assert (he3.records, erf.records, runs.records) == (4, 3, 120)
    assert (he3.tolerance, he3.tolerance_of("leap"), erf.tolerance_of("auto"), erf.gaussian_from) == (
        None,
        0.01,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recovery": {"replicas": 0}}, r"defaults\.recovery\.replicas: 0: allowed: greater than or equal to 8"),
        ({"map": {"model": {"noise": -1}}}, r"defaults\.map\.model\.noise: -1: allowed: greater than or equal to 0"),
        ({"exactness": {"students": [1, 0]}}, r"defaults\.exactness\.students\[1\]: 0: allowed"),
        ({"tuned": {"tolerence": 0.1}}, r"defaults\.tuned\.tolerence: 0.1: unknown key; .* mean 'tolerance'"),
        ({"recovry": {}}, r"defaults\.recovry: this name is unknown; allowed: 'recovery', .* mean 'recovery'"),
        ({"map": 3}, r"defaults\.map: 3: allowed: a valid dictionary"),
    ],
)
def test_a_mistake_in_a_default_is_said_once_and_where_it_is(change, words, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump({"defaults": change}))
    with pytest.raises(ConfigurationError, match=f"mine.yaml: {words}") as error:
        validated(tree({"defaults": change}), [*DEFAULTS, mine])
    assert str(error.value).count(words.split(":")[0].replace("\\", "")) == 1


def test_a_default_that_nobody_takes_is_refused():
    kept = [name for name, own in configured().experiments.items() if own.kind != "leaps"]
    settings = tree({"defaults": {"leaps": {"mu": [1.0]}}})
    settings["experiments"] = {name: settings["experiments"][name] for name in kept}
    del settings["figures"]["leap_exactness"]
    with pytest.raises(ConfigurationError, match=r"defaults\.leaps\.mu: \[1.0\]: unknown key; allowed: "):
        validated(settings)


def test_a_wrong_key_is_told_with_its_collection():
    settings = tree()
    del settings["experiments"]["he3"]["seed"]
    with pytest.raises(ConfigurationError, match=r"collections/paper\.yaml: experiments\.he3\.seed: missing; seed: "):
        validated(settings, DEFAULTS)


@pytest.mark.parametrize("text", ["a: [", "hello", "- 1", "\tx: 1"])
def test_a_file_that_is_none_is_named(text, tmp_path):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"mine\.yaml: "):
        as_the_command_line(tmp_path / "mine.yaml")
