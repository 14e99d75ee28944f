"""Several students: overlap and risk along runs, for each protocol."""

from onepass.figures import curves, panels, style


@style.context()
def draw(datasets):
    """Draw ‖M‖/√p and the risk against steps at the largest d: a column for every data set and μ, colours protocols."""
    columns = [(dataset, float(mu)) for dataset in datasets for mu in dataset.mu.values]
    names = panels.protocols(datasets)
    looks = style.looks(names)
    figure = style.new_figure(4.3)
    axes = figure.subplots(2, len(columns), squeeze=False, sharex="col", sharey="row")
    for column, (dataset, mu) in zip(axes.T, columns, strict=True):
        for name in dataset.protocol.values:
            runs = dataset.sel(protocol=name, mu=mu, dimension=dataset.dimension.max())
            runs["overlap_norm"] = runs.overlap_norm / float(dataset.attrs["students"]) ** 0.5
            for ax, quantity in zip(column, ("overlap_norm", "risk"), strict=True):
                curves.draw_runs(ax, runs.step.values, runs, quantity, looks[str(name)].colour)
        d, p = int(dataset.dimension.max()), int(dataset.attrs["students"])
        rate = f"$\\gamma_0 = {dataset.attrs['gamma0']:g}$"
        column[0].set_title(f"${curves.batch(dataset, mu)}$, {rate}\n$p = {p}$, $d = {d}$")
        column[0].set_xscale("log")
        column[1].set_yscale("log")
        column[1].set_xlabel("step $t$")
    axes[0, 0].set_ylabel(r"overlap $\|M\|_F / \sqrt{p}$")
    axes[1, 0].set_ylabel(curves.LABELS["risk"])
    figure.legend(handles=curves.protocol_handles(names), loc="outside lower center", ncols=min(len(names), 3))
    return figure
