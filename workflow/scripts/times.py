"""Adapter: put the recovery times of all cells into one table."""

from onepass.pipeline.freshness import Origin
from onepass.pipeline.script import logged

with logged(snakemake.log[0]):
    origin = Origin(*snakemake.params.origin).load()
    from onepass.analysis import times
    from onepass.files import atomic
    from onepass.pipeline import store

    runs, fits = ([store.read(path) for path in paths] for paths in (snakemake.input.runs, snakemake.input.fits))
    table = times.table(runs, fits)
    with atomic(snakemake.output.table) as part:
        table.to_csv(part, index=False, float_format="%.6g")
    made = times.dataset(table).assign_attrs(origin=origin.of(*runs, *fits).hash())
    store.write(made, snakemake.output.dataset, finite=False)
