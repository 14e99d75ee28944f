"""Which deterministic limit SGD has, and SGD beside the theory in three of them."""

from matplotlib.lines import Line2D

from onepass.figures import curves, style
from onepass.theory import diagrams, exponents

_REGIONS = {"population_flow": ("#E8EEF4", "population flow"), "noise_learning": ("#FBE9C6", "noise"),
            "no_limit": ("#E3E3E3", "no limit")}  # fmt: skip
_NAMES = {
    "population_flow": "population flow",
    "saad_solla": "Saad–Solla line",
    "noise_learning": "noise learning",
    "large_batch": "large batch",
    "coexistence": "coexistence",
}


@style.context()
def draw(datasets):
    """Draw the (μ, δ) diagram with the place of every dataset, and its risk against steps beside the theory.

    Data sets of one protocol, μ, δ and dimension each.
    """
    figure = style.new_figure(2.9)
    axes = figure.subplots(1, 1 + len(datasets), width_ratios=[1.25] + [1] * len(datasets))
    _diagram(axes[0])
    for number, (ax, dataset) in enumerate(zip(axes[1:], datasets, strict=True), start=1):
        runs = dataset.isel(protocol=0, mu=0, dimension=0)
        name, mu, (_, delta) = str(runs.protocol.values), float(runs.mu), curves.learning_rate(runs)
        axes[0].plot(mu, delta, "o", color=style.INK, markersize=4, zorder=5)
        axes[0].annotate(str(number), (mu, delta), (4, 4), textcoords="offset points", fontsize=8, fontweight="bold")
        colour = style.look(name).colour
        curves.draw_runs(ax, runs.step.values, runs, "risk", colour)
        for solved, line in ((curves.mean_process(runs, name), "-"), (curves.limit(runs, name), ":")):
            ax.plot(solved.step[1:], solved.risk[1:], line, color=style.INK, linewidth=1.1, zorder=5)
        ax.set_xscale("log")
        ax.set_xlabel("step $t$")
        ax.set_title(f"{number}: {_NAMES[exponents.regime(mu, delta)]}\n$n_b = {int(runs.batch_size)}$, "
                     f"$\\gamma = {style.number(float(runs.learning_rate))}$", fontsize=7.5)  # fmt: skip
    axes[1].set_ylabel("excess risk")
    handles = [
        Line2D([], [], color=colour, linewidth=1.6, label="SGD (replicas, median)"),
        Line2D([], [], color=style.INK, linewidth=1.1, label="mean process at this $d$"),
        Line2D([], [], color=style.INK, linewidth=1.1, linestyle=":", label="limit $d \\to \\infty$"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _diagram(ax):
    diagram = diagrams.ode_diagram(mu_max=1.6, delta_min=-0.3, delta_max=1.25)
    for name, corners in diagram.regions.items():
        ax.fill(*corners.T, color=_REGIONS[name][0], linewidth=0, zorder=0)
    for name, place in (("population_flow", (0.6, 1.05)), ("noise_learning", (0.03, 0.6)), ("no_limit", (0.2, 0.05))):
        ax.text(*place, _REGIONS[name][1], fontsize=7.5, va="center")
    for points in diagram.lines.values():
        ax.plot(*points.T, color=style.INK, linewidth=1.2)
    ax.plot(*diagram.points["coexistence"], "D", color="white", markeredgecolor=style.INK, markersize=5, zorder=4)
    ax.set_xlim(0, 1.6)
    ax.set_ylim(-0.3, 1.25)
    ax.set_xlabel(r"batch-size exponent $\mu$")
    ax.set_ylabel(r"learning-rate exponent $\delta$")
