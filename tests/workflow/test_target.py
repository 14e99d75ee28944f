"""A target of one's own, from a formula to the plan of a run."""

import os
import re
import subprocess
import sys

import yaml
from helpers import warm
from helpers.project import Project


def test_a_new_target_is_planned_warned_of_and_nothing_else_is(tmp_path):
    """From a formula to the plan of a run, as `make target` does; then one experiment of it, warned of before a job."""
    project = Project(tmp_path, "")
    environment = {**os.environ, "PYTHONPATH": str(project.folder / "workflow")}

    def snakemake(*arguments):
        done = warm.snakemake(["--cores", "2", *arguments], project.folder, environment)
        assert done.returncode == 0, done.stderr
        return done

    command = [sys.executable, "-m", "onepass", "target", "x1**3 - x1*x2**2"]
    path = subprocess.check_output(command, cwd=project.folder, env=environment, text=True).strip()
    assert path == "config/targets/x1_pow_3_minus_x1_x2_pow_2.yaml"
    planned = snakemake("--dry-run", "--configfile", path)
    jobs = set(re.findall(r"^Job \d+: (.*)$", planned.stdout + planned.stderr, flags=re.MULTILINE))
    drawn = {job.removeprefix("Drawing ") for job in jobs if job.startswith("Drawing")}
    settings = yaml.safe_load((project.folder / path).read_text())
    assert drawn == {name for name, experiments in settings["figures"].items() if experiments}
    assert len(drawn) >= 9
    simulated = {job.split()[1].rstrip(",") for job in jobs if job.startswith("Simulating")}
    assert simulated == set(settings["experiments"])

    # The experiment at a rate beyond the noise's bound: one warning for all of its cells, before the first job.
    loud = {"gamma0": 5.0, "samples": 50.0, "dimensions": [64], "protocols": ["spherical_square"], "mu": [0.5, 0.6]}
    loud |= {"engine": "sgd", "gaussian_from": None}
    (project.folder / "loud.yaml").write_text(yaml.safe_dump({"experiments": {"runs": loud}}))
    files = ["--configfile", path, "loud.yaml"]
    data = f"{settings['data']}/runs.nc"
    said = snakemake(data, *files).stderr
    assert said.count("onepass: warning: runs, ") == 1
    assert said.index("onepass: warning: ") < said.index("Simulating runs")
