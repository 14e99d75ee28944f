# Needs: the grids of the configuration.
# Makes: nothing; says what a run will do, how far it is and what failed.
from onepass.pipeline import progress
from onepass.targets import warnings

watched = []


onstart:
    if workflow.is_main_process:
        jobs = list(workflow.dag.needrun_jobs())
        rows = [cell.unpack(job.params.cells) for job in jobs if job.rule.name.startswith("simulate_")]
        costs = progress.work(rows, DATA)
        asked = {*settings.needed, *(row[0].experiment for row in rows)}  # those of no figure are asked for by name
        total = sum(len(grids[name]) for name in asked)
        workers = workflow.nodes if not workflow.local_exec else workflow.cores
        kinds = {name: experiment.kind for name, experiment in settings.experiments.items()}
        remarks = warnings.on_cells(kinds, [cell for row in rows for cell in row])
        say(progress.summary(rows, costs, total, workers, [DATA, PLOTS], len(jobs) - len(rows), remarks))
        if costs:
            watched.append(progress.Watch(costs, workers, say))
            watched[0].start()


onerror:
    if workflow.is_main_process:
        for watch in watched:
            watch.ended.set()
            listed = [cell for group in grids.values() for cell in group]
            failed = progress.failures(listed, DATA, watch.start_time)
            say("\n".join([f"onepass: {len(failed)} cells failed; all that do not need them are done", *failed]))
