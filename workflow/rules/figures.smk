# Needs: aggregated data and fitted exponents.
# Makes: PLOTS/<figure>.pdf and .png, one rule a figure.

# Modules behind a figure, by the kind of experiment that it draws.
DRAWN_WITH = {
    "recovery": ["figures/panels", "phases", "diagrams"],
    "map": ["phases", "diagrams", "climb", "escape", "saddle", "first_step"],
    "exactness": ["exactness"],
    "trajectories": ["figures/curves", "diagrams", *DYNAMICS],
}
CATEGORIES = {
    "recovery": "Recovery times and exponents",
    "map": "Maps of recovery",
    "exactness": "Exactness of the chain",
    "trajectories": "Along the runs",
}
ALSO = {"polylog": ["figures/curves", *DYNAMICS]}

for name, experiments in settings.figures.items():
    modules = [f"figures/{name}", "figures/style", *DRAWN_WITH[FIGURES[name]], *ALSO.get(name, [])]

    rule:
        name:
            name
        input:
            stamp(f"figures/{name}", "figure", modules),
            runs=expand(f"{DATA}/{{experiment}}.nc", experiment=experiments),
            fits=expand(
                f"{DATA}/exponents/{{experiment}}.nc",
                experiment=[n for n in experiments if n in fitted],
            ),
        output:
            f"{PLOTS}/{name}.pdf",
            report(
                f"{PLOTS}/{name}.png",
                caption=f"../report/{name}.rst",
                category=CATEGORIES[FIGURES[name]],
                labels={"figure": name, "data": ", ".join(experiments)},
            ),
        log:
            f"{DATA}/logs/figures/{name}.log",
        localrule: True
        conda:
            "../../environment.yml"
        params:
            figure=name,
        message:
            f"Drawing {name}"
        script:
            "../scripts/figure.py"
