# Needs: the configuration.
# Makes: what the rules share: the validated `settings`, the cells of each experiment (`grids`), DATA and PLOTS.
import os
import sys
from pathlib import Path

PACKAGE = str(Path(workflow.basedir) / "workflow")
sys.path.insert(0, PACKAGE)
os.environ.update(PYTHONPATH=PACKAGE)  # for the scripts, which need not have the package installed

from onepass import cells, grid
from onepass.config import FIGURES
from onepass.validation import ConfigurationError, validated

try:
    settings = validated(config, sources=workflow.configfiles)
except ConfigurationError as error:
    sys.exit(f"error: {error}")  # its message is the whole story

DATA, PLOTS = settings.data, settings.figures_folder
grids = {name: grid.cells_of(name, experiment) for name, experiment in settings.experiments.items()}
fitted = [name for name, experiment in settings.experiments.items() if experiment.kind == "recovery"]


def sources(*names):
    """Source files of the package: an edit of one remakes what a rule that lists it makes, and nothing else."""
    return [f"workflow/onepass/{name}" for name in names]


def modules(*names):
    return sources(*(f"{name}.py" for name in names))


DYNAMICS = ["dynamics", "mean_process", "mean_kernel", "expectations", "quadrature"]
