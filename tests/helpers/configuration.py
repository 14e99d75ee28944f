"""The configuration that comes with the project, and changes to it."""

import copy

import yaml
from onepass.pipeline import collection
from onepass.pipeline.validation import validated
from snakemake.utils import update_config

from helpers.project import ROOT

QUICK, SCHEMA = (ROOT / "config" / name for name in ("quick.yaml", "schema.json"))
DEFAULTS = collection.files(ROOT / "config")


def tree(*overlays) -> dict:
    """What Snakemake makes of the project's own files and overlays on them: texts, paths or trees."""
    merged = {}
    for overlay in (*DEFAULTS, *overlays):
        text = overlay.read_text() if hasattr(overlay, "read_text") else overlay
        update_config(merged, copy.deepcopy(text) if isinstance(text, dict) else yaml.safe_load(text))
    return merged


def configured(*overlays):
    """The same, read and checked."""
    return validated(tree(*overlays))


def needed(configuration) -> set[str]:
    """Names of the experiments behind the figures and the check."""
    return {name for names in configuration.figures.values() for name in names} | set(configuration.check.experiments)
