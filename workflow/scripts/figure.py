"""Adapter: draw a figure."""

from importlib import import_module

import xarray as xr
from onepass import store
from onepass.figures import style
from onepass.scripting import logged

with logged(snakemake.log[0]):
    datasets = [store.read(path) for path in snakemake.input.runs]
    fits = [store.read(path) for path in snakemake.input.fits]
    if fits:
        datasets = [xr.merge(pair, combine_attrs="override") for pair in zip(datasets, fits, strict=True)]
    figure = import_module(f"onepass.figures.{snakemake.params.figure}").draw(datasets)
    style.save(figure, snakemake.output)
