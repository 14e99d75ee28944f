# Needs: every result of the configuration.
# Makes: DATA/archive.zip, all of them in one file with a manifest; `onepass restore` takes them into another clone.

from pathlib import Path

results = [
    *(f"{DATA}/{cell.path}" for name in grids if name in shown for cell in grids[name]),
    *(f"{DATA}/{name}.nc" for name in grids if name in shown),
    *(f"{DATA}/exponents/{name}.nc" for name in fitted if name in shown),
    *tables,
    *(str(Path(table).with_suffix(".nc")) for table in tables),
    *(str(Path(table).with_name("kinks.csv")) for table in tables if Path(table).stem == "summary"),
    *plots(settings.figures),
]


rule archive:
    input:
        results,
    output:
        f"{DATA}/archive.zip",
    log:
        f"{DATA}/logs/archive.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        configuration=settings.model_dump_json(),
    message:
        "Packing every result"
    script:
        "../scripts/archive.py"
