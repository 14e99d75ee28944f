# From config/*.yaml to figures: simulate -> aggregate -> fit -> plot, straight through.
#   snakemake --cores 2                                  every figure, and the tables of exponents and times
#   snakemake --cores 2 figures/time_exponents.pdf       one figure and only what it needs
#   snakemake --cores 2 --configfile config/quick.yaml   a small version of all, in data/quick and figures/quick


include: "workflow/rules/environment.smk"


configfile: DEFAULTS


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/run.smk"


rule all:
    input:
        tables,
        expand(
            f"{PLOTS}/{{figure}}.{{format}}",
            figure=settings.figures,
            format=["pdf", "png"],
        ),
