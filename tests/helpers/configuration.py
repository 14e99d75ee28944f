"""The configuration that comes with the project, and changes to it."""

import copy

import yaml
from onepass.pipeline.validation import validated
from snakemake.utils import update_config

from helpers.project import ROOT

DEFAULT, QUICK, SCHEMA = (ROOT / "config" / name for name in ("default.yaml", "quick.yaml", "schema.json"))


def tree(*overlays) -> dict:
    """What Snakemake makes of the default configuration and overlays on it: texts, paths or trees."""
    merged = yaml.safe_load(DEFAULT.read_text())
    for overlay in overlays:
        text = overlay.read_text() if hasattr(overlay, "read_text") else overlay
        update_config(merged, copy.deepcopy(text) if isinstance(text, dict) else yaml.safe_load(text))
    return merged


def configured(*overlays):
    """The same, read and checked."""
    return validated(tree(*overlays))
