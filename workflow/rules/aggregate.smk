# Needs: the cells of an experiment.
# Makes: DATA/<experiment>.nc, all its cells in one data set; DATA/exponents/<experiment>.nc, what is fitted to them.


rule aggregate:
    input:
        modules("aggregate", "store", "hermite", "phases"),
        cells=lambda wildcards: [f"{DATA}/{cell.path}" for cell in grids[wildcards.experiment]],
    output:
        f"{DATA}/{{experiment}}.nc",
    log:
        f"{DATA}/logs/aggregate/{{experiment}}.log",
    wildcard_constraints:
        experiment="|".join(grids),
    conda:
        "../../environment.yml"
    params:
        experiment=lambda wildcards: settings.experiments[wildcards.experiment].model_dump_json(),
    message:
        "Gathering the cells of {wildcards.experiment}"
    script:
        "../scripts/aggregate.py"


rule fit:
    input:
        modules("exponents", "scaling", "climb", "recovery", "phases", "store"),
        runs=f"{DATA}/{{experiment}}.nc",
    output:
        f"{DATA}/exponents/{{experiment}}.nc",
    log:
        f"{DATA}/logs/fit/{{experiment}}.log",
    wildcard_constraints:
        experiment="|".join(fitted),
    conda:
        "../../environment.yml"
    params:
        settings=settings.fit.model_dump(),
    message:
        "Fitting the exponents of {wildcards.experiment}"
    script:
        "../scripts/fit.py"
