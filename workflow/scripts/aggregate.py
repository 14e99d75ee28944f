"""Adapter: gather the cells of an experiment."""

from onepass import store
from onepass.aggregate import aggregate
from onepass.config import experiment_from
from onepass.scripting import logged

with logged(snakemake.log[0]):
    experiment = experiment_from(snakemake.params.experiment)
    store.write(aggregate(snakemake.wildcards.experiment, experiment, snakemake.input.cells), snakemake.output[0])
