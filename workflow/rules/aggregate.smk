# Needs: the cells of an experiment.
# Makes: DATA/<experiment>.nc, all its cells in one data set; DATA/exponents/<experiment>.nc, what is fitted to them;
# DATA/exponents/summary.csv and .nc, all fits in one table. The target check_exponents compares it with the theory.

GATHERED_BY = ["aggregate", "store", "hermite", "phases"]
FITTED_BY = ["exponents", "aggregate", "scaling", "climb", "escape", "saddle", "recovery", "phases", "store", *DYNAMICS]
packed = {name: experiment.model_dump_json() for name, experiment in settings.experiments.items()}
gathered_from = {name: stamp(f"aggregate/{name}", "aggregate", GATHERED_BY, text) for name, text in packed.items()}
fitted_from = {name: stamp(f"fit/{name}", "fit", FITTED_BY, settings.fit.model_dump_json()) for name in fitted}


rule aggregate:
    input:
        lambda wildcards: gathered_from[wildcards.experiment],
        cells=lambda wildcards: [f"{DATA}/{cell.path}" for cell in grids[wildcards.experiment]],
    output:
        report(
            f"{DATA}/{{experiment}}.nc",
            caption="../report/data.rst",
            category="Data behind the figures",
            labels={"data": "{experiment}", "what": "all cells"},
        ),
    log:
        f"{DATA}/logs/aggregate/{{experiment}}.log",
    wildcard_constraints:
        experiment="|".join(grids),
    localrule: True
    conda:
        "../../environment.yml"
    params:
        experiment=lambda wildcards: packed[wildcards.experiment],
    message:
        "Gathering the cells of {wildcards.experiment}"
    script:
        "../scripts/aggregate.py"


rule fit:
    input:
        lambda wildcards: fitted_from[wildcards.experiment],
        runs=f"{DATA}/{{experiment}}.nc",
    output:
        report(
            f"{DATA}/exponents/{{experiment}}.nc",
            caption="../report/data.rst",
            category="Data behind the figures",
            labels={"data": "{experiment}", "what": "fitted exponents"},
        ),
    log:
        f"{DATA}/logs/fit/{{experiment}}.log",
    wildcard_constraints:
        experiment="|".join(fitted),
    localrule: True
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
        stamp("summary", "summary", ["summary", "kinks", "phases", "store"], settings.check.model_dump_json()),
        fits=expand(f"{DATA}/exponents/{{name}}.nc", name=settings.check.experiments),
    output:
        table=f"{DATA}/exponents/summary.csv",
        dataset=f"{DATA}/exponents/summary.nc",
        kinks=f"{DATA}/exponents/kinks.csv",
    log:
        f"{DATA}/logs/summary.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        tolerances=settings.check.tolerances,
        resolution=settings.check.resolution,
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
    localrule: True
    conda:
        "../../environment.yml"
    params:
        check=settings.check.model_dump(),
    message:
        "Comparing the measured exponents with the theory"
    script:
        "../scripts/check_exponents.py"


# Reads every result that is there; names the damaged ones and the command that makes them again.
rule verify:
    log:
        f"{DATA}/logs/verify.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        cells=cells.pack([cell for group in grids.values() for cell in group]),
        others=[f"{DATA}/{name}.nc" for name in grids] + [f"{DATA}/exponents/{name}.nc" for name in fitted],
        folder=DATA,
    message:
        "Reading every result"
    script:
        "../scripts/verify.py"
