"""Adapter: fit the exponents of an experiment."""

import json

from onepass.analysis.fits import fit_experiment
from onepass.pipeline import store
from onepass.pipeline.freshness import Result
from onepass.pipeline.script import logged

result = Result(*snakemake.params.result)
with logged(snakemake.log[0]), result.made(snakemake.params.folder):
    fits = fit_experiment(store.read(snakemake.input.runs), **json.loads(result.parameters))
    # A median beyond the budget is infinite, an exponent without two medians not a number.
    store.write(fits, snakemake.output[0], finite=False)
