"""Adapter: gather the cells of an experiment."""

import json

from onepass.pipeline.freshness import Origin
from onepass.pipeline.script import logged

with logged(snakemake.log[0]):
    origin = Origin(*snakemake.params.origin).load()
    from onepass.pipeline import store
    from onepass.pipeline.aggregate import aggregate
    from onepass.pipeline.experiments import experiment_from

    name, experiment = json.loads(origin.parameters)
    gathered = aggregate(name, experiment_from(experiment), snakemake.input.cells, snakemake.params.rebuild)
    store.write(gathered.assign_attrs(origin=origin.hash()), snakemake.output[0])
