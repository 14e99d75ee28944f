"""Adapter: put all exponents into one table."""

import json

from onepass.pipeline.freshness import Origin
from onepass.pipeline.script import logged

with logged(snakemake.log[0]):
    origin = Origin(*snakemake.params.origin).load()
    from onepass.analysis import summary
    from onepass.files import atomic
    from onepass.pipeline import store

    settings = json.loads(origin.parameters)
    fits = [store.read(path) for path in snakemake.input.fits]
    table = summary.table(fits, settings["tolerances"], settings["resolution"])
    kinks = summary.kinks(table, resamples=settings["resamples"])
    for path, rows in ((snakemake.output.table, table), (snakemake.output.kinks, kinks)):
        with atomic(path) as part:
            rows.to_csv(part, index=False, float_format="%.5g")
    dataset = summary.dataset(table).assign_attrs(origin=origin.of(*fits).hash())
    store.write(dataset, snakemake.output.dataset, finite=False)
