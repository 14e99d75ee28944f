"""The adaptive schedule: the speed of the correlation loss, then the precision of the square loss."""

from onepass.figures import curves, style


@style.context()
def draw(datasets):
    """Draw overlap and risk against steps, colours protocols.

    One data set of one μ and dimension.
    """
    (dataset,) = datasets
    names = [str(name) for name in dataset.protocol.values]
    figure = style.new_figure(3.1)
    axes = figure.subplots(1, 2)
    looks = style.looks(names)
    for ax, quantity in zip(axes, ("overlap_norm", "risk"), strict=True):
        for name in names:
            runs = dataset.sel(protocol=name).isel(mu=0, dimension=0)
            curves.draw_runs(ax, runs.step.values, runs, quantity, looks[name].colour)
        ax.set_xscale("log")
        ax.set_xlabel("step $t$")
        ax.set_ylabel(curves.LABELS[quantity])
    axes[1].set_yscale("log")
    figure.suptitle(f"$d = {int(dataset.dimension[0])}$, ${curves.batch(dataset, dataset.mu[0])}$", fontsize=8)
    figure.legend(handles=curves.protocol_handles(names), loc="outside lower center", ncols=min(len(names), 2))
    return figure
