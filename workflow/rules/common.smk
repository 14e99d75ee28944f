# Needs: the configuration.
# Makes: what the rules share: the validated `settings`, the cells of each experiment (`grids`), DATA and PLOTS.
import hashlib
import os
import sys
from functools import cache
from pathlib import Path

PACKAGE = str(Path(workflow.basedir) / "workflow")
sys.path.insert(0, PACKAGE)
os.environ.update(PYTHONPATH=PACKAGE)  # for the scripts, which need not have the package installed

from onepass import cells, grid, ownership
from onepass.config import FIGURES
from onepass.validation import ConfigurationError, validated

try:
    settings = validated(config, sources=workflow.configfiles)
except ConfigurationError as error:
    sys.exit(f"error: {error}")  # its message is the whole story

DATA, PLOTS = settings.data, settings.figures_folder
grids = {name: grid.cells_of(name, experiment) for name, experiment in settings.experiments.items()}
fitted = [name for name, experiment in settings.experiments.items() if experiment.kind == "recovery"]


DYNAMICS = ["dynamics", "mean_process", "mean_kernel", "expectations", "quadrature", "population_flow", "risk"]


def stamp(name, script, files, about=""):
    """A file that gets new content, and so a new date, when the code or the parameters behind a result change.

    Rules have it as an input in place of the sources, whose dates mean nothing: in a fresh clone all are new.
    `files` are sources of the package, modules without their ending.
    """
    sources = [f"workflow/scripts/{script}.py"]
    sources += [f"workflow/onepass/{file}" if "." in file else f"workflow/onepass/{file}.py" for file in files]
    for source in sources:
        if not Path(workflow.basedir, source).exists():
            return source  # Snakemake names it, once something needs it
    text = "".join(f"{digest(source)} {source}\n" for source in sources) + about
    path = Path(DATA, ".stamps", name)
    if workflow.is_main_process and not (path.exists() and path.read_text(encoding="utf-8") == text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return str(path)


@cache
def digest(source):
    return hashlib.sha256(Path(workflow.basedir, source).read_bytes()).hexdigest()
