# Needs: aggregated data and fitted exponents.
# Makes: PLOTS/<figure>.pdf and .png, one rule a figure.

CATEGORIES = {
    "recovery": "Recovery times and exponents",
    "map": "Maps of recovery",
    "exactness": "Exactness of the chain",
    "trajectories": "Along the runs",
}
for name, experiments in settings.figures.items():
    drawn = Result(f"figures/{name}", f"onepass.figures.{name}", json.dumps(experiments))

    rule:
        name:
            name
        input:
            lambda _, drawn=drawn, name=name: unless_fresh(drawn, f"{PLOTS}/{name}.pdf", f"{PLOTS}/{name}.png"),
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
            result=tuple(drawn),
            folder=DATA,
        message:
            f"Drawing {name}"
        script:
            "../scripts/figure.py"
