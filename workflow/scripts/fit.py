"""Adapter: fit the exponents of an experiment."""

from onepass import store
from onepass.exponents import fit_experiment
from onepass.scripting import logged

with logged(snakemake.log[0]):
    fits = fit_experiment(store.read(snakemake.input.runs), **snakemake.params.settings)
    # A median beyond the budget is infinite, an exponent without two medians not a number.
    store.write(fits, snakemake.output[0], finite=False)
