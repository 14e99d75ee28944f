"""Adapter: gather the cells of an experiment."""

from onepass.pipeline import store
from onepass.pipeline.aggregate import aggregate
from onepass.pipeline.config import experiment_from
from onepass.pipeline.freshness import Result
from onepass.pipeline.script import logged

result = Result(*snakemake.params.result)
with logged(snakemake.log[0]), result.made(snakemake.params.folder):
    experiment = experiment_from(result.parameters)
    store.write(aggregate(snakemake.wildcards.experiment, experiment, snakemake.input.cells), snakemake.output[0])
