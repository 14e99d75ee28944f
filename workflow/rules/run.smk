# Needs: the grids of the configuration.
# Makes: nothing; says what a run will do, how far it is, what failed and which exponents it has found, and stops it
# where a GPU is missing.
import logging

from snakemake.exceptions import WorkflowError
from snakemake.logging import LogEvent, logger

from onepass.pipeline import progress
from onepass.simulation.cuda import backend
from onepass.targets import warnings


class Events(logging.Handler):
    """Tells the progress of a run what Snakemake tells its loggers.

    A logger plugin would be told the same, but only where it is installed as a package and asked for by an option.
    """

    def __init__(self, progress):
        super().__init__()
        self.progress = progress

    def emit(self, record):
        try:
            match getattr(record, "event", None):
                case LogEvent.JOB_FINISHED:
                    self.progress.ended(record.job_id)
                case LogEvent.JOB_ERROR:
                    self.progress.error(record.jobid)
                case LogEvent.GROUP_ERROR:
                    for job in record.job_error_info:
                        self.progress.error(job["jobid"])
        except Exception:
            self.handleError(record)  # what is said of a run must not end it


simulating = {workflow.modifier.modify_rulename(f"simulate_{name}") for name in grids}  # a module's have a prefix
exponents = {placed(f"{DATA}/exponents/{name}.nc"): name for name in fitted}
listening, measured = [], []


# Snakemake keeps one of each; where this is a module, that of its host, which may call onepass.onstart().
onstart:
    workers = workflow.nodes if not workflow.local_exec else workflow.cores
    if not workers:
        raise WorkflowError(f"{workers} jobs at once run none; allowed: --cores or --jobs of 1 or more")
    # What was asked for by force is simulated, not taken from the cache; a job on a cluster has no other way to know.
    asked = workflow.dag_settings
    forced = [*asked.forcerun, *(asked.targets if asked.forcetargets else ()), *("*" if asked.forceall else ())]
    os.environ.update(ONEPASS_FORCED=os.pathsep.join(map(str, forced)))
    jobs = list(workflow.dag.needrun_jobs())
    rows = {
        job.jobid: progress.Row(
            cell.unpack(job.params.cells), [str(file) for file in job.output], str(job.log[0]), job.params.cache
        )
        for job in jobs
        if job.rule.name in simulating
    }
    cells = [cell for row in rows.values() for cell in row.cells]
    # Where the jobs run on this machine, a GPU that is asked for and is not there stops them all before the first one.
    if workflow.local_exec and any(backend.named(cell.backend) == "cupy" for cell in cells):
        try:
            backend.check_machine()
        except backend.BackendError as error:
            raise WorkflowError(str(error)) from None
    costs = {job: row.seconds() for job, row in rows.items()}
    asked = {*settings.needed, *(cell.experiment for cell in cells)}  # those of no figure are asked for by name
    total = sum(len(grids[name]) for name in asked)
    kinds = {name: experiment.kind for name, experiment in settings.experiments.items()}
    folders = [placed(DATA), placed(PLOTS)]
    others, remarks = len(jobs) - len(rows), warnings.on_cells(kinds, cells)
    say(progress.summary(rows.values(), costs.values(), total, workers, folders, others, remarks, bool(forced)))
    files = {str(file) for job in jobs for file in (*job.input, *job.output)}
    measured.extend(path for path in exponents if path in files)
    listening.append(Events(progress.Progress(rows, costs, workers, say)))
    logger.addHandler(listening[0])


onerror:
    for events in listening:
        if failures := events.progress.failures():
            say(failures)


onsuccess:
    if measured:  # made or used by this run
        from onepass.analysis.closing import closing

        say(closing([store.read(path) for path in measured]))
