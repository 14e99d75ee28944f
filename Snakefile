# From config/*.yaml to figures: simulate -> aggregate -> fit -> plot, straight through.
#   snakemake --cores 2                                  every figure, and the tables of exponents and times
#   snakemake --cores 2 paper                            the figures of a collection, a file in config/collections
#   snakemake --cores 2 figures/time_exponents.pdf       one figure and only what it needs
#   snakemake --cores 2 --configfile config/quick.yaml   a small version of all, in data/quick and figures/quick


include: "workflow/rules/environment.smk"


for path in CONFIGURATION:

    configfile: path


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/archive.smk"
include: "workflow/rules/run.smk"


rule all:
    input:
        tables,
        plots(settings.figures),


for name, figures in collections.items():

    rule:
        name:
            name
        input:
            plots(figures),
