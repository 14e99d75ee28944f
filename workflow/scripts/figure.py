"""Adapter: draw a figure."""

from importlib import import_module

import xarray as xr
from onepass.pipeline import store
from onepass.pipeline.freshness import Result
from onepass.pipeline.script import logged, own_matplotlib

result = Result(*snakemake.params.result)
with logged(snakemake.log[0]):
    own_matplotlib()
    with result.made(snakemake.params.folder):
        datasets = [store.read(path) for path in snakemake.input.runs]
        fits = [store.read(path) for path in snakemake.input.fits]
        if fits:
            datasets = [xr.merge(pair, combine_attrs="override") for pair in zip(datasets, fits, strict=True)]
        figure = import_module(result.module).draw(datasets)
        import_module("onepass.figures.style").save(figure, snakemake.output)
