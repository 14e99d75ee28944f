"""The files of the configuration: the default one, a file a collection of figures, and what they hold together.

A collection is a file in ``config/collections``: `figures`, each with its experiments, and these `experiments`. Its
name is that of the file, and a target of the workflow.
"""

from collections.abc import Container, Iterable, Mapping
from pathlib import Path

import yaml

from onepass.errors import OnepassError
from onepass.sources import PACKAGE

FOLDER = "collections"
CONFIG = PACKAGE.parents[1] / "config"


class CollectionError(OnepassError, FileNotFoundError):
    """No configuration where the project has its own."""


def files(folder: Path = CONFIG) -> list[Path]:
    """The project's own files in the order in which they are merged: what all share, then each collection.

    Where there are none, as beside a package that was installed by itself, it is a `CollectionError`.
    """
    if not (folder / "default.yaml").exists():
        raise CollectionError(
            f"no configuration in {folder}: it is part of the workflow, not of the package; allowed: the same in a "
            "clone of the project"
        )
    return [folder / "default.yaml", *sorted(folder.glob(f"{FOLDER}/*.yaml"))]


def loaded(path: str | Path) -> dict:
    """What a file holds; the library's parser in C takes a tenth of the time, where there is one."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(Path(path).read_text(encoding="utf-8"), Loader=loader) or {}


def figures(paths: Iterable[str | Path], drawn: Container[str]) -> dict[str, list[str]]:
    """Which of the `drawn` figures are of each collection among these files; one with none of them is left out."""
    own = [path for path in map(Path, paths) if path.parent.name == FOLDER]
    named = {path.stem: [name for name in loaded(path).get("figures", ()) if name in drawn] for path in own}
    return {name: listed for name, listed in named.items() if listed}


def merged(*trees: Mapping) -> dict:
    """Later trees over earlier ones, as Snakemake merges files: what a mapping names is changed, all else replaces."""
    whole: dict = {}
    for tree in trees:
        for key, value in tree.items():
            if isinstance(value, Mapping):
                under = whole.get(key, {})  # a mapping that names nothing changes nothing
                value = merged(under if isinstance(under, Mapping) else {}, value) if value else under
            whole[key] = value
    return whole


def completed(settings: Mapping) -> dict:
    """The settings with every experiment over the `defaults` of its kind."""
    defaults, experiments = settings.get("defaults"), settings.get("experiments")
    if not isinstance(defaults, Mapping) or not isinstance(experiments, Mapping):
        return dict(settings)  # whoever validates them says what is wrong
    whole = {}
    for name, experiment in experiments.items():
        kind = experiment.get("kind") if isinstance(experiment, Mapping) else None
        under = defaults.get(kind) if isinstance(kind, str) else None
        whole[name] = merged(under, experiment) if isinstance(under, Mapping) else experiment
    return {**settings, "experiments": whole}
