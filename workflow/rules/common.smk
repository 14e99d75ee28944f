# Needs: the configuration.
# Makes: what the rules share: the validated `settings`, the cells of each experiment (`grids`), DATA and PLOTS, and
# `unless_fresh`, by which what was made by other code or parameters is made anew.
import os
import sys
from pathlib import Path
from uuid import uuid4

PACKAGE = str(Path(workflow.basedir) / "workflow")
sys.path.insert(0, PACKAGE)
os.environ.update(PYTHONPATH=PACKAGE)  # for the scripts, which need not have the package installed

from onepass.pipeline import cell, grid
from onepass.pipeline.config import FIGURES
from onepass.pipeline.freshness import Result
from onepass.pipeline.validation import ConfigurationError, validated

try:
    settings = validated(config, sources=workflow.configfiles)
except ConfigurationError as error:
    sys.exit(f"error: {error}")  # its message is the whole story

DATA, PLOTS = settings.data, settings.figures_folder
CODE_CHANGED = f"{DATA}/.code_changed/{uuid4().hex}"
grids = {name: grid.cells_of(name, experiment) for name, experiment in settings.experiments.items()}
fitted = [name for name, experiment in settings.experiments.items() if experiment.kind == "recovery"]


def unless_fresh(result, *outputs):
    """One more input of the rule of a `Result`, where its outputs are there but not of today's code and parameters."""
    stale = workflow.is_main_process and any(map(os.path.exists, outputs)) and not result.is_fresh(DATA)
    return [CODE_CHANGED] if stale else []


# New in every run that needs it, so that whatever depends on it is made anew; Snakemake removes it afterwards.
rule code_changed:
    output:
        temp(touch(f"{DATA}/.code_changed/{{run}}")),
    localrule: True
    message:
        "The code or the parameters of some results have changed"
