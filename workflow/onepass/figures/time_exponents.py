"""Time exponent against batch exponent, measured and in theory."""

from onepass.figures import panels, style


@style.context()
def draw(datasets):
    """Draw θ(μ) with 95 % intervals on the lines of theory, one panel a target."""
    figure, drawn = panels.mu_panels(datasets, height=3.1)
    names = panels.protocols(datasets)
    for ax, group in drawn:
        panels.draw_theory(ax, group, "theta", names)
        panels.draw_exponents(ax, group, "theta", names)
    panels.protocol_legend(figure, names, panels.theory_handles())
    return figure
