"""Adapter: simulate a row of cells."""

from onepass.pipeline.freshness import Origin
from onepass.pipeline.gpu_lock import exclusive_gpu
from onepass.pipeline.script import logged

with logged(snakemake.log[0]), exclusive_gpu(snakemake.resources.get("gpu", 0)):
    Origin(snakemake.params.code, "").load()
    from onepass.pipeline.cell import unpack
    from onepass.pipeline.row import simulate_row

    cells = unpack(snakemake.params.cells)
    simulate_row(cells, snakemake.output, snakemake.params.cache, snakemake.params.gpu_from)
