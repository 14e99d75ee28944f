"""The configuration and its schema, that come with the project."""

import json

import pytest
from helpers.configuration import DEFAULTS, QUICK, SCHEMA, configured, needed, tree
from onepass.pipeline import config
from onepass.pipeline.experiments import experiment_from
from onepass.pipeline.validation import ConfigurationError, validated


def test_the_files_of_the_project_are_valid():
    validated(tree(), DEFAULTS)
    quick = validated(tree(QUICK), [*DEFAULTS, QUICK])
    assert quick.data == "data/quick", "a quick run must never touch the published data"
    assert set(quick.figures) == set(config.FIGURES)


def test_the_schema_is_the_one_of_the_code():
    assert SCHEMA.read_text() == config.schema(), "python -m onepass.pipeline.config > config/schema.json"


def test_every_key_is_described():
    definitions = [json.loads(config.schema()), *json.loads(config.schema())["$defs"].values()]
    for definition in definitions:
        for key, field in definition.get("properties", {}).items():
            assert "$ref" in field or len(field["description"]) > 10, key


def test_an_experiment_survives_the_parameters_of_a_job():
    for experiment in configured().experiments.values():
        assert experiment_from(experiment.model_dump_json()) == experiment


def test_the_cells_of_a_configuration_are_listed_once(monkeypatch):
    listed, real = [], config.cells_of
    monkeypatch.setattr(config, "cells_of", lambda name, experiment: listed.append(name) or real(name, experiment))
    configuration = configured()
    for name, experiment in configuration.experiments.items():
        assert configuration.grid(name) == real(name, experiment)
    assert listed == list(configuration.experiments)


def test_a_figure_set_to_null_is_not_drawn_and_its_experiments_are_not_needed():
    assert "leap_product" in needed(configured())
    configuration = configured("figures: {leap: null}")
    assert "leap" not in configuration.figures
    assert "leap_product" not in needed(configuration)
    assert "leap_product" in configuration.experiments, "it can be asked for by name"
    with pytest.raises(ConfigurationError, match=r"figures\.leap"):
        configured("figures: {leap: []}")


@pytest.mark.parametrize("name", config.TABLES)
def test_no_experiment_has_the_file_of_a_table(name):
    with pytest.raises(ConfigurationError, match=rf"experiments\.{name}: exponents/{name}\.nc is a table; allowed"):
        configured({"experiments": {name: tree()["experiments"]["polylog"]}})


def test_only_some_figures_are_drawn():
    configuration = configured("only: [polylog, leap]")
    assert list(configuration.figures) == [name for name in configured().figures if name in ("polylog", "leap")]
    with pytest.raises(ConfigurationError, match="'only' names leap; allowed: figures that are not null"):
        configured("{only: [leap], figures: {leap: null}}")
    with pytest.raises(ConfigurationError, match=r"only\[0\]: 'poly'"):
        configured("only: [poly]")
