"""Adapter: print the table of exponents and what does not meet the theory; ends with 1 if anything does not."""

import sys

import pandas as pd
from onepass.analysis import summary
from onepass.pipeline.script import logged

with logged(snakemake.log[0]):
    tables = pd.read_csv(snakemake.input.table), pd.read_csv(snakemake.input.kinks)
    report, shortfalls = summary.report(*tables, **snakemake.params.check)
    print(report)
print(report)
sys.exit(bool(shortfalls))
