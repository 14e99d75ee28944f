"""Samples until recovery: a larger batch costs none, until it is so large that time no longer falls."""

from onepass.figures import panels, style
from onepass.protocol import Protocol


@style.context()
def draw(datasets):
    """Draw N = n_b T against d for every protocol and, at the right, its exponent θ + μ against μ."""
    figure, axes = panels.grid(datasets, panel_height=2.2, extra=1.45)
    colours, names = panels.mu_colours(datasets), panels.protocols(datasets)
    for row, (target, group) in zip(axes, panels.by_target(datasets).items(), strict=True):
        row[0].set_ylabel(f"{panels.title(target, group)}\nsamples $N = n_b T$")
        for ax, name in zip(row, names, strict=False):
            for mu, series in panels.each_series(group, name):
                a_step = series.batch_size.values / Protocol.named(name).passes
                panels.draw_medians(ax, series, colours[mu], unit=a_step)
                panels.draw_fit(ax, series, colours[mu], unit=a_step)
        _exponents(row[-1], group, names)
    axes[0, -1].set_title(r"$N \propto d^{\,\theta + \mu}$")
    axes[-1, -1].set_xlabel(r"batch-size exponent $\mu$")
    panels.mu_legend(figure, colours, [*panels.protocol_handles(names), *panels.theory_handles()])
    return figure


def _exponents(ax, datasets, names):
    """Draw θ + μ against μ."""
    panels.draw_theory(ax, datasets, "sample_exponent", names)
    panels.draw_exponents(ax, datasets, "sample_exponent", names)
    panels.mu_ticks(ax)
    ax.margins(y=0.12)
    ax.set_ylabel(r"sample exponent $\theta + \mu$")
    style.note(ax, 0.04, 0.97, "flat: a larger\nbatch is free", va="top", color=style.INK)
