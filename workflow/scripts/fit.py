"""Adapter: fit the exponents of an experiment."""

import json
from importlib import import_module

from onepass.pipeline.freshness import Origin
from onepass.pipeline.script import logged

with logged(snakemake.log[0]):
    origin = Origin(*snakemake.params.origin).load()
    from onepass.pipeline import store

    runs = store.read(snakemake.input.runs)
    fits = (
        import_module(origin.code)
        .fit_experiment(runs, **json.loads(origin.parameters))
        .assign_attrs(origin=origin.of(runs).hash())
    )
    # A median beyond the budget is infinite, an exponent without two medians not a number.
    store.write(fits, snakemake.output[0], finite=False)
