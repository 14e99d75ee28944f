# Needs: the grids of the configuration.
# Makes: nothing; says what a run or a plan will do, how far it is, what failed, which exponents it has found and where
# all is; stops a run where a GPU is missing.
import logging
import time
from typing import NamedTuple

from snakemake.exceptions import WorkflowError
from snakemake.logging import LogEvent, logger

from onepass.pipeline import progress
from onepass.pipeline.row import keep
from onepass.pipeline.time_left import duration
from onepass.simulation.cuda import backend
from onepass.targets import warnings


class Events(logging.Handler):
    """Hears what Snakemake tells its loggers: what a plan is made of, and the progress of a run.

    A logger plugin would be told the same, but only where it is installed as a package and asked for by an option.
    """

    progress = None  # of a run

    def emit(self, record):
        try:
            match getattr(record, "event", None):
                case LogEvent.RUN_INFO if workflow.dryrun and not planned:
                    planned.append(plan())
                    say(planned[0].summary)
                case LogEvent.JOB_FINISHED if self.progress:
                    self.progress.ended(record.job_id)
                case LogEvent.JOB_ERROR if self.progress:
                    self.progress.error(record.jobid)
                case LogEvent.GROUP_ERROR if self.progress:
                    for job in record.job_error_info:
                        self.progress.error(job["jobid"])
        except Exception:
            self.handleError(record)  # what is said of a run must not end it


class Plan(NamedTuple):
    """What a run will do: its rows of cells and their seconds by job, and what is said of it before the first one."""

    rows: dict
    costs: dict
    workers: int
    summary: str


simulating = {workflow.modifier.modify_rulename(f"simulate_{name}") for name in grids}  # a module's have a prefix
exponents = {placed(f"{DATA}/exponents/{name}.nc"): name for name in fitted}
events, planned, measured, began = Events(), [], [], []
logger.addHandler(events)


def forced():
    """What was asked for by force: names of rules and files, or all."""
    asked = workflow.dag_settings
    return [*asked.forcerun, *(asked.targets if asked.forcetargets else ()), *("*" if asked.forceall else ())]


def plan():
    by_force = set(map(str, forced()))

    def row(job):
        cells, files = cell.unpack(job.params.cells), [str(file) for file in job.output]
        anew = not by_force.isdisjoint({"*", job.rule.name, *files})  # as scripts/simulate.py has it
        return progress.Row.of(cells, files, str(job.log[0]), job.params.cache, anew)

    asked = [job for job in workflow.dag.jobs if job.rule.name in simulating]
    jobs = list(workflow.dag.needrun_jobs())
    rows = {job.jobid: row(job) for job in jobs if job.rule.name in simulating}
    costs = {job: each.seconds() for job, each in rows.items()}
    total = sum(len(job.output) for job in asked)
    workers = workflow.nodes if not workflow.local_exec else workflow.cores
    kinds = {name: experiment.kind for name, experiment in settings.experiments.items()}
    cells = [cell for each in rows.values() for cell in each.cells]
    others, remarks = len(jobs) - len(rows), warnings.on_cells(kinds, cells)
    place = [placed(DATA), placed(PLOTS)]
    said = progress.summary(rows.values(), costs.values(), total, workers or 1, place, others, remarks)
    return Plan(rows, costs, workers, said)


# Snakemake keeps one of each; where this is a module, that of its host, which may call onepass.onstart().
onstart:
    # What was asked for by force is simulated, not taken from the cache; a job on a cluster has no other way to know.
    os.environ.update(ONEPASS_FORCED=os.pathsep.join(map(str, forced())))
    ahead = plan()
    if not ahead.workers:
        raise WorkflowError(f"{ahead.workers} jobs at once run none; allowed: --cores or --jobs of 1 or more")
    # Where the jobs run on this machine, a GPU that is asked for and is not there stops them all before the first one.
    cells = [cell for row in ahead.rows.values() for cell in row.cells]
    if workflow.local_exec and any(backend.named(cell.backend) == "cupy" for cell in cells):
        try:
            backend.check_machine()
        except backend.BackendError as error:
            raise WorkflowError(str(error)) from None
    say(ahead.summary)
    for row in ahead.rows.values():
        keep(row.cells, row.files, row.cache)
    files = {str(file) for job in workflow.dag.needrun_jobs() for file in (*job.input, *job.output)}
    measured.extend(path for path in exponents if path in files)
    events.progress = progress.Progress(ahead.rows, ahead.costs, ahead.workers, say)
    began.append(time.monotonic())


onerror:
    if events.progress and (failures := events.progress.failures()):
        say(failures)


onsuccess:
    if measured:  # made or used by this run
        from onepass.analysis.closing import closing

        if lines := closing([store.read(path) for path in measured]):
            say(lines)
    for start in began:
        say(
            f"onepass: done in {duration(time.monotonic() - start)}; figures in {placed(PLOTS)}/, data in {placed(DATA)}/"
        )
