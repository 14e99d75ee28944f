"""Overlap along runs on the edge of learning: plain, correlation-loss and spherical SGD."""

from onepass.figures import curves, style
from onepass.theory.exponents import saddle_exponent


@style.context()
def draw(datasets):
    """Draw ‖M‖ against samples in units of d^(2h − 1), rows protocols, columns μ, colours dimensions.

    One data set.
    """
    (dataset,) = datasets
    names, mus = [str(name) for name in dataset.protocol.values], dataset.mu.values
    colours = curves.dimension_colours(dataset.dimension.values)
    figure = style.new_figure(1.55 * len(names) + 0.8)
    axes = figure.subplots(len(names), len(mus), squeeze=False, sharex=True, sharey=True)
    for row, name in zip(axes, names, strict=True):
        for ax, mu in zip(row, mus, strict=True):
            for d, colour in colours.items():
                runs = dataset.sel(protocol=name, mu=mu, dimension=d)
                curves.draw_runs(ax, curves.samples(runs), runs, "overlap_norm", colour)
        label = style.look(name).label.replace(", ", ",\n")
        row[0].set_ylabel(f"{label}\n{curves.LABELS['overlap_norm']}")
    for ax, mu in zip(axes[0], mus, strict=True):
        ax.set_title(f"${curves.batch(dataset, mu)}$")
        ax.set_xscale("log")
        ax.set_ylim(0, 1.03)
    unit = style.power_of_d(1, saddle_exponent(int(dataset.attrs["information_exponent"])))
    for ax in axes[-1]:
        ax.set_xlabel(f"samples $N / {unit}$")
    figure.legend(handles=curves.dimension_handles(colours), loc="outside lower center", ncols=len(colours))
    return figure
