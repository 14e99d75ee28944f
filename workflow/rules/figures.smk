# Needs: aggregated data and fitted exponents.
# Makes: PLOTS/<figure>.pdf and .png, one rule a figure.

CATEGORIES = {
    "recovery": "Recovery times and exponents",
    "tuned": "Learning rates found by search",
    "map": "Maps of recovery",
    "exactness": "Exactness of the chain",
    "leaps": "Exactness of the chain",
    "trajectories": "Along the runs",
}
for name, experiments in settings.figures.items():
    own_fits = [experiment for experiment in experiments if experiment in fitted]
    inputs = *(gathered[experiment] for experiment in experiments), *(fits[experiment] for experiment in own_fits)
    drawn = Origin(f"onepass.figures.{name}", "", "figure", inputs)

    rule:
        name:
            name
        input:
            lambda _, drawn=drawn, name=name: again_unless(
                {f"{PLOTS}/{name}.{format}": drawn for format in ("pdf", "png")}
            ),
            runs=expand(f"{DATA}/{{experiment}}.nc", experiment=experiments),
            fits=expand(f"{DATA}/exponents/{{experiment}}.nc", experiment=own_fits),
        output:
            f"{PLOTS}/{name}.pdf",
            report(
                f"{PLOTS}/{name}.png",
                caption=f"../report/{name}.rst",
                category=CATEGORIES[FIGURES[name]],
                labels={"figure": name},  # a second column is as wide as its longest text
            ),
        log:
            f"{DATA}/logs/figures/{name}.log",
        localrule: True
        conda:
            "../../environment.yml"
        params:
            origin=drawn[:3],
        message:
            f"Drawing {name}"
        script:
            "../scripts/figure.py"
