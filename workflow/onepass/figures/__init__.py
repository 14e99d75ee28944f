"""The figures: one module a figure, each with ``draw(datasets)``.

``datasets`` is a list of xarray.Dataset, one for every experiment that the configuration names under the figure, in its
order: as `onepass.pipeline.aggregate.aggregate` gathers it and, if it is one of recovery times, merged with what
`onepass.analysis.fits.fit_experiment` finds. All are of the kind that `onepass.pipeline.config.FIGURES` says; what else
a figure asks of them stands at its ``draw``. Scalings, starts, budgets and engines are read from the data, so that a
figure shows what was run.

``draw`` returns a matplotlib.figure.Figure that belongs to no window; `style.save` writes it. `style` holds what
figures look like, `panels` what those of recovery times share, `curves` what those of runs do.
"""
