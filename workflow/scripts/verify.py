"""Adapter: read every result that is there."""

from onepass.pipeline.cell import unpack
from onepass.pipeline.script import logged
from onepass.pipeline.verify import verify

with logged(snakemake.log[0]):
    params = snakemake.params
    verify(unpack(params.cells), params.others, params.folder, params.rebuild)
