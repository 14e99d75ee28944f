"""Adapter: draw a figure."""

from importlib import import_module

from onepass.pipeline.freshness import Origin
from onepass.pipeline.script import logged, own_matplotlib

with logged(snakemake.log[0]):
    own_matplotlib()
    origin = Origin(*snakemake.params.origin).load()
    import xarray as xr
    from onepass.figures import style
    from onepass.pipeline import store

    runs = [store.read(path) for path in snakemake.input.runs]
    fits = [store.read(path) for path in snakemake.input.fits]
    origin, datasets = origin.of(*runs, *fits), runs
    if fits:
        datasets = [xr.merge(pair, combine_attrs="override") for pair in zip(runs, fits, strict=True)]
    style.save(import_module(origin.code).draw(datasets), snakemake.output, origin.hash())
