# Needs: the configuration.
# Makes: what the rules share: the validated `settings`, the figures of each of the `collections`, the cells of each
# experiment (`grids`), DATA and PLOTS, and `again_unless`, by which what was made by other code or of other parameters is
# made anew.
from snakemake.utils import update_config

from onepass.pipeline import cell, grid, store
from onepass.pipeline.config import FIGURES
from onepass.pipeline.freshness import Origin
from onepass.pipeline.validation import ConfigurationError, validated

sources = [*CONFIGURATION, *workflow.overwrite_configfiles]
if not workflow.modifier.is_main_snakefile():  # a module: its host's configuration changes what it names and knows
    given, config, sources = config, collection.merged(*map(collection.loaded, CONFIGURATION)), []
    update_config(config, {key: given[key] for key in config if key in given})

try:
    settings = validated(config, sources)
except ConfigurationError as error:
    sys.exit(f"error: {error}")  # its message is the whole story

DATA, PLOTS = settings.data, settings.figures_folder
collections = collection.figures(CONFIGURATION, settings.figures)
REBUILD = "the same command, and at its end -R"
grids = {name: settings.grid(name) for name in settings.experiments}
FITS = {"recovery": "onepass.analysis.fits", "tuned": "onepass.analysis.tuned"}  # what fits the exponents of a kind
fitted = [name for name, experiment in settings.experiments.items() if experiment.kind in FITS]


def say(text):
    print(text, file=sys.stderr, flush=True)


def plots(figures):
    return [f"{PLOTS}/{figure}.{format}" for figure in figures for format in ("pdf", "png")]


def placed(path, modifier=workflow.modifier.path_modifier):
    """Where a path of ours lies, for what is not Snakemake's own: it moves those of a module that has a prefix."""
    return modifier.replace_prefix(f"{path}/").removesuffix("/")


def again_unless(files, *others):
    """Have Snakemake run the job of some files if what is there of them was not made by today's code and parameters.

    `files` has the origin of each by its path; `others` are made beside them and do not carry theirs. It stands for an
    input and is none: inputs are looked up for every job of a plan, before it is settled which of them are run. The job
    is forced as those of incomplete files are. So no file is needed that a plan would have to write, and no date.
    """
    files = {placed(path): origin for path, origin in files.items()}
    if workflow.is_main_process and any(map(os.path.exists, (*files, *map(placed, others)))):
        workflow.dag.forcefiles.update(path for path, origin in files.items() if not origin.is_of(path))
    return []
