"""Several configurations at once: a file that lists changes by name, each with folders of its own.

Cells that several of them need are simulated once, for data folders beside each other share them (`row`).
"""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from onepass.errors import OnepassError
from onepass.files import atomic
from onepass.pipeline import collection
from onepass.pipeline.validation import ConfigurationError, validated

FOLDER = "config/scenarios"


class ScenarioError(OnepassError, ValueError):
    """A list of scenarios that cannot be run, with everything that is wrong with any of them."""


def written(file: str | Path, root: str | Path = ".") -> list[Path]:
    """Write a configuration below the project's folder for each scenario of a file, and return their paths.

    ``shared`` of the file holds for all of them, ``scenarios`` what each changes. All are checked before one is
    written.
    """
    tree = _loaded(file)
    shared, scenarios = tree.get("shared") or {}, tree["scenarios"]
    own, texts, faults = [collection.loaded(path) for path in collection.files()], {}, []
    for name, changes in scenarios.items():
        place = {"data": f"data/{name}", "figures_folder": f"figures/{name}"}
        settings = collection.merged(shared, changes or {}, place)
        texts[name] = f"# The scenario {name} of {file}.\n{yaml.safe_dump(settings, sort_keys=False)}"
        try:
            validated(collection.merged(*own, settings))
        except ConfigurationError as error:
            faults.append(f"scenarios.{name}: {error}")
    if faults:
        raise ScenarioError("\n".join([f"{file}:", *faults]))
    paths = []
    for name, text in texts.items():
        with atomic(Path(root, FOLDER, f"{name}.yaml")) as part:
            part.write_text(text, encoding="utf-8")
        paths.append(Path(FOLDER, f"{name}.yaml"))
    return paths


def _loaded(file: str | Path) -> dict:
    try:
        tree = collection.loaded(file)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{file} cannot be read ({error})") from None
    keys = set(tree) if isinstance(tree, Mapping) else set()
    named = tree.get("scenarios") if "scenarios" in keys else None
    if not keys <= {"shared", "scenarios"} or not isinstance(named, Mapping) or not named:
        raise ScenarioError(f"{file}: allowed: 'scenarios', changes by name, and 'shared', those of all of them")
    if wrong := [name for name in named if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", str(name))]:
        raise ScenarioError(f"{file}: scenario {wrong[0]!r}; allowed: small letters, digits, '_' and '-'")
    for name, changes in {"shared": tree.get("shared"), **named}.items():
        if changes is not None and not isinstance(changes, Mapping):
            raise ScenarioError(f"{file}: {name}: {changes!r}; allowed: keys as in a file of your own")
        if taken := {"data", "figures_folder"} & set(changes or ()):
            raise ScenarioError(f"{file}: {name} sets {taken.pop()}; allowed: none of the folders, each has its own")
    return tree
