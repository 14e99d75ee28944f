# Needs: the grids of the configuration.
# Makes: DATA/cells/<experiment>/<cell>.nc, one file a cell; a job simulates a row of them.
#
# Finished cells are kept in DATA/cells/.cache by parameters and code, so a row that failed, or got one more cell,
# computes only what is missing. A job that has cells for a GPU asks for one (resource `gpu`, 0 otherwise) and takes the
# first free one of the machine: `--resources gpu=2` on a workstation with two runs two such jobs at a time.

from onepass.pipeline.row import CACHE

for name, listed in grids.items():
    rows = grid.rows_of(listed)

    rule:
        name:
            f"simulate_{name}"
        input:
            lambda wildcards, rows=rows: again_unless(
                {f"{DATA}/{cell.path}": store.origin(cell) for cell in rows[wildcards.row]}
            ),
        output:
            [f"{DATA}/cells/{name}/{{row}}{cell.suffix}.nc" for cell in next(iter(rows.values()))],
        log:
            f"{DATA}/logs/simulate/{name}/{{row}}.log",
        wildcard_constraints:
            row="|".join(rows),
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            gpu=lambda wildcards, rows=rows: int(cell.want_gpu(rows[wildcards.row], settings.gpu_from)),
        params:
            code=store.CODE,
            cells=lambda wildcards, rows=rows: cell.pack(rows[wildcards.row]),
            cache=placed(f"{DATA}/{CACHE}"),
            gpu_from=settings.gpu_from,
        message:
            f"Simulating {name}, row {{wildcards.row}}"
        script:
            "../scripts/simulate.py"
