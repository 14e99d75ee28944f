"""The phase diagrams of an information exponent: batch size against time, and against the learning rate."""

from onepass.figures import style
from onepass.figures.time_batch_phase_diagram import draw_diagram, validity
from onepass.theory import diagrams

_LABELS = {  # where the regions of the (μ, δ) plane are named: fractions of the axis of μ, and of the edge there
    "sgd": ("right", 0.98, 0.5, "every protocol learns"),
    "correlation": ("right", 0.98, 0.5, "correlation loss\nor spherical"),
    "polylog": ("right", 0.98, 0.67, "$T$ polylog"),
    "not_learning": ("left", 0.03, 0.5, "not learning"),
}


@style.context()
def draw(information_exponent: int):
    """Draw both planes of the theory; a `ExponentError` unless ℓ is a whole number of at least 1."""
    time, rate = diagrams.time_diagram(information_exponent), diagrams.learning_rate_diagram(information_exponent)
    figure = style.new_figure(3.6)
    left, right = figure.subplots(1, 2)
    draw_diagram(left, time)
    left.set_ylabel(r"time exponent $\theta$  ($T \propto d^{\,\theta}$)")
    draw_diagram(right, rate, _LABELS)
    right.set_ylabel(r"learning-rate exponent $\delta$  ($\gamma \propto d^{\,-\delta}$)")
    for ax in (left, right):
        ax.set_xlabel(r"batch-size exponent $\mu$  ($n_b \propto d^{\,\mu}$)")
    figure.suptitle(f"information exponent $\\ell = {information_exponent}$", fontsize=9)
    handles = [*left.get_legend_handles_labels()[0], validity()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, markerscale=0.8)
    return figure
