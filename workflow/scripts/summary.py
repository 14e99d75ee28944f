"""Adapter: put all exponents into one table."""

from onepass import store, summary
from onepass.scripting import logged

with logged(snakemake.log[0]):
    fits = [store.read(path) for path in snakemake.input.fits]
    table = summary.table(fits, snakemake.params.tolerances, snakemake.params.resolution)
    store.write(summary.dataset(table), snakemake.output.dataset, finite=False)
    table.to_csv(snakemake.output.table, index=False, float_format="%.5g")
    kinks = summary.kinks(table, resamples=snakemake.params.resamples)
    kinks.to_csv(snakemake.output.kinks, index=False, float_format="%.5g")
