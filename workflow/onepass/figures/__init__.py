"""The figures: one module a figure, each with ``draw(datasets) -> matplotlib.figure.Figure``.

`style` holds what they look like and how they are saved, `panels` what the figures of recovery times share.
"""
