"""Adapter: read every result that is there."""

from onepass.cells import unpack
from onepass.scripting import logged
from onepass.verify import verify

with logged(snakemake.log[0]):
    verify(unpack(snakemake.params.cells), snakemake.params.others, snakemake.params.folder)
