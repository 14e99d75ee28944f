"""Adapter: simulate a row of cells."""

from onepass.cells import unpack
from onepass.gpu_lock import exclusive_gpu
from onepass.rows import simulate_row
from onepass.scripting import logged

with logged(snakemake.log[0]), exclusive_gpu(snakemake.resources.get("gpu", 0)):
    simulate_row(unpack(snakemake.params.cells), snakemake.output, snakemake.params.cache, snakemake.params.gpu_from)
