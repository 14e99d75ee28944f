# Needs: the grids of the configuration.
# Makes: DATA/cells/<experiment>/<cell>.nc, one file a cell; a job simulates a row of them.
#
# Finished cells are kept in DATA/cells/.cache by parameters and code, so a row that failed, or got one more cell,
# computes only what is missing.

for name, listed in grids.items():
    rows = grid.rows_of(listed)
    sources = [*cells.SIMULATION_MODULES, "grid", "rows", "store"]
    stamps = {row: stamp(f"simulate/{name}/{row}", "simulate", sources, cells.pack(rows[row])) for row in rows}

    rule:
        name:
            f"simulate_{name}"
        input:
            lambda wildcards, stamps=stamps: stamps[wildcards.row],
        output:
            [f"{DATA}/cells/{name}/{{row}}{cell.suffix}.nc" for cell in next(iter(rows.values()))],
        log:
            f"{DATA}/logs/simulate/{name}/{{row}}.log",
        wildcard_constraints:
            row="|".join(rows),
        conda:
            "../../environment.yml"
        threads: 1
        params:
            cells=lambda wildcards, rows=rows: cells.pack(rows[wildcards.row]),
            cache=f"{DATA}/cells/.cache",
        message:
            f"Simulating {name}, row {{wildcards.row}}"
        script:
            "../scripts/simulate.py"
