"""Adapter: pack every result."""

import json

from onepass.pipeline import archive
from onepass.pipeline.script import logged

with logged(snakemake.log[0]):
    archive.write(snakemake.output[0], list(snakemake.input), json.loads(snakemake.params.configuration))
