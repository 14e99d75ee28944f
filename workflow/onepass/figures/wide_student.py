"""Several students: overlap and risk along runs, for each protocol."""

from __future__ import annotations

from onepass.figures import curves, style


@style.context()
def draw(datasets):
    """Draw ‖M‖/√p and the risk against steps: a column for every dataset and μ, colours protocols.

    Parameters
    ----------
    datasets : list of xarray.Dataset
        Any number; see `onepass.figures.curves`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = [(dataset, float(mu)) for dataset in datasets for mu in dataset.mu.values]
    names = list(dict.fromkeys(str(name) for dataset in datasets for name in dataset.protocol.values))
    figure = style.new_figure(4.3)
    axes = figure.subplots(2, len(columns), squeeze=False, sharex="col", sharey="row")
    for column, (dataset, mu) in zip(axes.T, columns, strict=True):
        for name in dataset.protocol.values:
            cell = dataset.sel(protocol=name, mu=mu).isel(dimension=-1)
            cell["overlap_norm"] = cell.overlap_norm / float(dataset.attrs["students"]) ** 0.5
            for ax, quantity in zip(column, ("overlap_norm", "risk"), strict=True):
                curves.draw_runs(ax, cell.step.values, cell, quantity, style.look(str(name)).colour)
        d, p = int(dataset.dimension[-1]), int(dataset.attrs["students"])
        column[0].set_title(f"$n_b = d^{{\\,{mu:g}}}$, $\\gamma_0 = {dataset.attrs['gamma0']:g}$\n$p = {p}$, $d = {d}$")
        column[0].set_xscale("log")
        column[1].set_yscale("log")
        column[1].set_xlabel("step $t$")
    axes[0, 0].set_ylabel(r"overlap $\|M\|_F / \sqrt{p}$")
    axes[1, 0].set_ylabel(curves.LABELS["risk"])
    figure.legend(handles=curves.protocol_handles(names), loc="outside lower center", ncols=min(len(names), 3))
    return figure
