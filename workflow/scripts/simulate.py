"""Adapter: simulate a row of cells."""

from onepass.cells import unpack
from onepass.rows import simulate_row
from onepass.scripting import logged

with logged(snakemake.log[0]):
    simulate_row(unpack(snakemake.params.cells), snakemake.output, snakemake.params.cache)
