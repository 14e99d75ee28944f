"""One giant step: the overlap that it reaches depends on n_b / d^ℓ alone."""

import numpy as np

from onepass.figures import curves, style


@style.context()
def draw(datasets):
    """Draw ‖M‖ at the end, after one step, against n_b/d^ℓ, a panel for every dataset, colours dimensions.

    One data set an information exponent, of one protocol each.
    """
    colours = curves.dimension_colours(sorted({int(d) for dataset in datasets for d in dataset.dimension.values}))
    figure = style.new_figure(3.1, min(style.WIDTH, 3.4 * len(datasets)))
    axes = figure.subplots(1, len(datasets), squeeze=False, sharey=True)[0]
    for ax, dataset in zip(axes, datasets, strict=True):
        ell = int(dataset.attrs["information_exponent"])
        for shape, d in zip("osD^v", dataset.dimension.values, strict=False):
            last = dataset.isel(protocol=0, record=-1).sel(dimension=d)
            x = last.batch_size.values / float(d) ** ell
            low, middle, high = np.quantile(last.overlap_norm.transpose("mu", "replica"), [0.1, 0.5, 0.9], axis=1)
            look = {"fmt": shape, "color": colours[int(d)], "markersize": 4, "elinewidth": 0.9}
            ax.errorbar(x, middle, [middle - low, high - middle], label=f"$d = {d}$", **look)
        ax.set_xscale("log")
        ax.set_xlabel(f"$n_b / d^{{\\,{ell}}}$")
        ax.set_title(f"{style.formula(dataset.attrs['target'])},  $\\ell = {ell}$")
        ax.legend(loc="upper left")
    steps = max(int(dataset.step.max()) for dataset in datasets)
    axes[0].set_ylabel(f"overlap after {'one step' if steps == 1 else f'{steps} steps'}")
    axes[0].set_ylim(0, 1.03)
    return figure
