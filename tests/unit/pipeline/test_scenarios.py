"""Several configurations of one file: all checked, then written, each with its own folders."""

import pytest
import yaml
from onepass.pipeline.scenarios import ScenarioError, written
from onepass.pipeline.validation import configured

SCENARIOS = """
shared: {only: [polylog]}
scenarios:
  plain:
  noisy: {experiments: {polylog: {model: {noise: 0.1}}}}
"""


def test_each_scenario_has_its_folders_and_what_all_share(tmp_path):
    (tmp_path / "mine.yaml").write_text(SCENARIOS)
    paths = written(tmp_path / "mine.yaml", tmp_path)
    assert [str(path) for path in paths] == ["config/scenarios/plain.yaml", "config/scenarios/noisy.yaml"]
    plain, noisy = (configured(tmp_path / path) for path in paths)
    assert (plain.data, plain.figures_folder) == ("data/plain", "figures/plain")
    assert list(noisy.figures) == ["polylog"]
    assert noisy.experiments["polylog"].model.noise == 0.1
    assert noisy.experiments["polylog"].seed == plain.experiments["polylog"].seed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "scenarios: {a: {experiments: {he3: {replicas: 3}}}, b: {fit: {points: 1}}}",
            r"(?s)scenarios.a: .*3: allowed",
        ),
        ("scenarios: {a: {experiments: {he3: {replicas: 3}}}, b: {fit: {points: 1}}}", r"(?s)scenarios.b: .*points"),
        ("scenarios: {a: {data: data/a}}", "a sets data; allowed: none of the folders"),
        ("scenarios: {A b: {}}", "scenario 'A b'; allowed: small letters"),
        ("scenarios: {a: 3}", "a: 3; allowed: keys as in a file"),
        ("scenarios: {}", "allowed: 'scenarios', changes by name"),
        ("{scenarios: {a: {}}, all: 1}", "allowed: 'scenarios', changes by name"),
        ("[1]", "allowed: 'scenarios', changes by name"),
        ("a: [", "cannot be read"),
    ],
)
def test_one_mistake_and_nothing_is_written(tmp_path, text, said):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=said):
        written(tmp_path / "mine.yaml", tmp_path)
    assert not (tmp_path / "config").exists()
    with pytest.raises(ScenarioError, match="cannot be read"):
        written(tmp_path / "nothing.yaml", tmp_path)


def test_what_is_written_is_plain_yaml(tmp_path):
    (tmp_path / "mine.yaml").write_text(SCENARIOS)
    text = (tmp_path / written(tmp_path / "mine.yaml", tmp_path)[1]).read_text()
    assert text.startswith("# The scenario noisy of ")
    assert yaml.safe_load(text)["experiments"] == {"polylog": {"model": {"noise": 0.1}}}
