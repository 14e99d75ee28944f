"""Adapter: simulate a row of cells."""

from onepass.pipeline.cell import unpack
from onepass.pipeline.freshness import Result
from onepass.pipeline.gpu_lock import exclusive_gpu
from onepass.pipeline.row import simulate_row
from onepass.pipeline.script import logged

result = Result(*snakemake.params.result)
with (
    logged(snakemake.log[0]),
    exclusive_gpu(snakemake.resources.get("gpu", 0)),
    result.made(snakemake.params.folder),
):
    simulate_row(unpack(result.parameters), snakemake.output, snakemake.params.cache, snakemake.params.gpu_from)
