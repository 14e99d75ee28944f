# Needs: the cells of an experiment.
# Makes: DATA/<experiment>.nc, all its cells in one data set; DATA/exponents/<experiment>.nc, what is fitted to them;
# DATA/exponents/summary.csv and .nc, all fits in one table, which the target check_exponents compares with the theory;
# DATA/exponents/recovery_times.csv and .nc, all recovery times that figures are drawn of, a row a cell.

import json

gathered, fits = {}, {}
for name, experiment in settings.experiments.items():
    about = json.dumps([name, experiment.model_dump_json()])
    gathered[name] = Origin("onepass.pipeline.aggregate", about, "aggregate")
    if name in fitted:
        fits[name] = Origin(FITS[experiment.kind], settings.fit.model_dump_json(), "fit", (gathered[name],))
summed = {"resamples": settings.fit.resamples, **settings.check.model_dump()}
summed_up = Origin(
    "onepass.analysis.summary", json.dumps(summed), "summary", tuple(fits[name] for name in settings.check.experiments)
)

shown = {name for experiments in settings.figures.values() for name in experiments}
drawn_times = [name for name in fitted if name in shown and settings.experiments[name].kind == "recovery"]
listed = Origin(
    "onepass.analysis.times", "", "times", (*(gathered[n] for n in drawn_times), *(fits[n] for n in drawn_times))
)
# Tables that the default target makes beside the figures: that of the exponents only where figures are drawn of all
# that it holds, so that whoever draws few figures does not wait for the others' simulations.
tables = [f"{DATA}/exponents/recovery_times.csv"] if drawn_times else []
if set(settings.check.experiments) <= set(drawn_times):
    tables.append(f"{DATA}/exponents/summary.csv")


rule aggregate:
    input:
        lambda wildcards: again_unless({f"{DATA}/{wildcards.experiment}.nc": gathered[wildcards.experiment]}),
        cells=lambda wildcards: [f"{DATA}/{cell.path}" for cell in grids[wildcards.experiment]],
    output:
        f"{DATA}/{{experiment}}.nc",
    log:
        f"{DATA}/logs/aggregate/{{experiment}}.log",
    wildcard_constraints:
        experiment="|".join(grids),
    localrule: True
    conda:
        "../../environment.yml"
    params:
        origin=lambda wildcards: gathered[wildcards.experiment][:3],
        rebuild=REBUILD,
    message:
        "Gathering the cells of {wildcards.experiment}"
    script:
        "../scripts/aggregate.py"


rule fit:
    input:
        lambda wildcards: again_unless({f"{DATA}/exponents/{wildcards.experiment}.nc": fits[wildcards.experiment]}),
        runs=f"{DATA}/{{experiment}}.nc",
    output:
        report(
            f"{DATA}/exponents/{{experiment}}.nc",
            caption="../report/data.rst",
            category="Fitted exponents",
            labels={"data": "{experiment}"},
        ),
    log:
        f"{DATA}/logs/fit/{{experiment}}.log",
    wildcard_constraints:
        experiment="|".join(fitted),
    localrule: True
    conda:
        "../../environment.yml"
    params:
        origin=lambda wildcards: fits[wildcards.experiment][:3],
    message:
        "Fitting the exponents of {wildcards.experiment}"
    script:
        "../scripts/fit.py"


rule summary:
    input:
        lambda _: again_unless(
            {f"{DATA}/exponents/summary.nc": summed_up},
            *(f"{DATA}/exponents/{table}.csv" for table in ("summary", "kinks")),
        ),
        fits=expand(f"{DATA}/exponents/{{name}}.nc", name=settings.check.experiments),
    output:
        table=report(
            f"{DATA}/exponents/summary.csv",
            caption="../report/summary.rst",
            category="Fitted exponents",
            labels={"data": "all, beside the theory"},
        ),
        dataset=f"{DATA}/exponents/summary.nc",
        kinks=f"{DATA}/exponents/kinks.csv",
    log:
        f"{DATA}/logs/summary.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        origin=summed_up[:3],
    message:
        "Summing up the exponents"
    script:
        "../scripts/summary.py"


rule times:
    input:
        lambda _: again_unless({f"{DATA}/exponents/recovery_times.nc": listed}, f"{DATA}/exponents/recovery_times.csv"),
        runs=expand(f"{DATA}/{{name}}.nc", name=drawn_times),
        fits=expand(f"{DATA}/exponents/{{name}}.nc", name=drawn_times),
    output:
        table=f"{DATA}/exponents/recovery_times.csv",
        dataset=f"{DATA}/exponents/recovery_times.nc",
    log:
        f"{DATA}/logs/recovery_times.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        origin=listed[:3],
    message:
        "Listing the recovery times"
    script:
        "../scripts/times.py"


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
        cells=lambda _: cell.pack([cell for group in grids.values() for cell in group]),
        others=[placed(f"{DATA}/{name}.nc") for name in [*grids, *(f"exponents/{name}" for name in fitted)]],
        folder=placed(DATA),
        rebuild=REBUILD,
    message:
        "Reading every result"
    script:
        "../scripts/verify.py"
