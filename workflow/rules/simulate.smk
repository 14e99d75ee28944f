# Needs: the grids of the configuration.
# Makes: DATA/cells/<experiment>/<cell>.nc, one file a cell; a job simulates a row of them, or all
# of a protocol or of the experiment where these take seconds.
#
# Finished cells are kept in DATA/cells/.cache by parameters and code, so a job that failed, or got one more cell,
# computes only what is missing. A job that has cells for a GPU asks for one (resource `gpu`, 0 otherwise) and takes the
# first free one of the machine: `--resources gpu=2` on a workstation with two runs two such jobs at a time.
#
# An experiment with `until` is one job, which adds replicas in rounds until its exponents are known.

import re

from onepass.pipeline import cost
from onepass.pipeline.row import CACHE

for name, listed in grids.items():
    jobs = grid.jobs_of(listed, cost.costs(cell.pack(listed)))
    common, cells_of_one = next(iter(jobs.items()))
    part = "{part}" if common else ""

    rule:
        name:
            f"simulate_{name}"
        input:
            lambda wildcards, jobs=jobs: again_unless(
                {f"{DATA}/{cell.path}": store.origin(cell) for cell in jobs[wildcards.get("part", "")]}
            ),
        output:
            [f"{DATA}/cells/{name}/{part}{cell.name.removeprefix(common)}.nc" for cell in cells_of_one],
        log:
            f"{DATA}/logs/simulate/{name}/{part or 'all'}.log",
        wildcard_constraints:
            part="|".join(map(re.escape, jobs)),
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            gpu=lambda wildcards, jobs=jobs: int(cell.want_gpu(jobs[wildcards.get("part", "")], settings.gpu_from)),
        params:
            code=store.origin(listed[0]).code,
            rounds=settings.experiments[name].model_dump_json() if listed[0].until else "",
            cells=lambda wildcards, jobs=jobs: cell.pack(jobs[wildcards.get("part", "")]),
            cache=placed(f"{DATA}/{CACHE}"),
            gpu_from=settings.gpu_from,
        message:
            f"Simulating {name}, {{wildcards.part}}" if part else f"Simulating {name}"
        script:
            "../scripts/simulate.py"
