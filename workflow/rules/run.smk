# Needs: the grids of the configuration.
# Makes: nothing; says what a run will do, how far it is and what failed, and keeps two runs out of one folder.
import time

from onepass import advice, progress

watched = []

if workflow.is_main_process:
    if notice := ownership.found_at(DATA, leftover=".snakemake/locks"):
        print(f"onepass: {notice}", file=sys.stderr)  # Snakemake's own lock stops a second run
else:
    try:
        ownership.join()
    except ownership.SupersededError as error:
        sys.exit(f"error: {error}")


def say(text):
    print(text, file=sys.stderr, flush=True)


onstart:
    if workflow.is_main_process:
        try:
            ownership.take(DATA)
        except (ownership.BusyError, OSError) as error:
            sys.exit(f"error: {error}")
        jobs = list(workflow.dag.needrun_jobs())
        rows = [cells.unpack(job.params.cells) for job in jobs if job.rule.name.startswith("simulate_")]
        costs = progress.work(rows, DATA)
        asked = {*settings.needed, *(row[0].experiment for row in rows)}  # those of no figure are asked for by name
        total = sum(len(grids[name]) for name in asked)
        workers = workflow.nodes if not workflow.local_exec else workflow.cores
        kinds = {name: experiment.kind for name, experiment in settings.experiments.items()}
        warnings = advice.on_cells(kinds, [cell for row in rows for cell in row])
        say(progress.summary(rows, costs, total, workers, [DATA, PLOTS], len(jobs) - len(rows), warnings))
        if costs:
            watched.append(progress.Watch(costs, workers, say))
            watched[0].start()


onsuccess:
    if workflow.is_main_process:
        ownership.release(DATA)


onerror:
    if workflow.is_main_process:
        for watch in watched:
            watch.ended.set()
            listed = [cell for group in grids.values() for cell in group]
            failed = progress.failures(listed, DATA, watch.start_time)
            say("\n".join([f"onepass: {len(failed)} cells failed; all that do not need them are done", *failed]))
        ownership.release(DATA)
