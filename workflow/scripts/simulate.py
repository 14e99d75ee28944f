"""Adapter: simulate a row of cells."""

import os

from onepass.pipeline.freshness import Origin
from onepass.pipeline.gpu_lock import exclusive_gpu
from onepass.pipeline.script import logged

with logged(snakemake.log[0]), exclusive_gpu(snakemake.resources.get("gpu", 0)):
    Origin(snakemake.params.code, "").load()
    from onepass.pipeline.cell import unpack
    from onepass.pipeline.row import simulate_row

    forced = os.environ.get("ONEPASS_FORCED", "").split(os.pathsep)
    anew = not {"*", snakemake.rule, *snakemake.output}.isdisjoint(forced)
    cells, params = unpack(snakemake.params.cells), snakemake.params
    where = snakemake.output, params.cache, params.gpu_from
    if params.rounds:
        from onepass.pipeline.experiments import experiment_from
        from onepass.pipeline.rounds import simulate_rounds

        simulate_rounds(cells[0].experiment, experiment_from(params.rounds), *where, anew=anew)
    else:
        simulate_row(cells, *where, anew=anew)
