# Needs: the cells of an experiment.
# Makes: DATA/<experiment>.nc, all its cells in one data set; DATA/exponents/<experiment>.nc, what is fitted to them;
# DATA/exponents/summary.csv and .nc, all fits in one table. The target check_exponents compares it with the theory.


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
        modules("exponents", "scaling", "climb", "escape", "recovery", "phases", "store", *DYNAMICS),
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


rule summary:
    input:
        modules("summary", "kinks", "phases", "store"),
        fits=expand(f"{DATA}/exponents/{{name}}.nc", name=settings.check.experiments),
    output:
        table=f"{DATA}/exponents/summary.csv",
        dataset=f"{DATA}/exponents/summary.nc",
        kinks=f"{DATA}/exponents/kinks.csv",
    log:
        f"{DATA}/logs/summary.log",
    conda:
        "../../environment.yml"
    params:
        tolerances=settings.check.tolerances,
        resamples=settings.fit.resamples,
    message:
        "Summing up the exponents"
    script:
        "../scripts/summary.py"


rule check_exponents:
    input:
        table=f"{DATA}/exponents/summary.csv",
        kinks=f"{DATA}/exponents/kinks.csv",
    log:
        f"{DATA}/logs/check_exponents.log",
    conda:
        "../../environment.yml"
    params:
        check=settings.check.model_dump(),
    message:
        "Comparing the measured exponents with the theory"
    script:
        "../scripts/check_exponents.py"
