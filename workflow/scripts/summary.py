"""Adapter: put all exponents into one table."""

import json

from onepass.analysis import summary
from onepass.pipeline import store
from onepass.pipeline.freshness import Result
from onepass.pipeline.script import logged

result = Result(*snakemake.params.result)
with logged(snakemake.log[0]), result.made(snakemake.params.folder):
    settings = json.loads(result.parameters)
    fits = [store.read(path) for path in snakemake.input.fits]
    table = summary.table(fits, settings["tolerances"], settings["resolution"])
    store.write(summary.dataset(table), snakemake.output.dataset, finite=False)
    table.to_csv(snakemake.output.table, index=False, float_format="%.5g")
    kinks = summary.kinks(table, resamples=settings["resamples"])
    kinks.to_csv(snakemake.output.kinks, index=False, float_format="%.5g")
