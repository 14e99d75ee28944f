"""The pipeline as a user runs it, on a grid that takes seconds."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from onepass.config import FIGURES

ROOT = Path(__file__).parents[1]
PROJECT = ("Snakefile", "environment.yml", "config", "profiles", "workflow")
TINY = """
data: data/tiny
figures_folder: figures/tiny
experiments:
  he3: {protocols: [projected_square, projected_correlation], mu: [1.0, 1.5], dimensions: [16, 32, 64], replicas: 8}
  he3_single_sample: {protocols: [projected_square], dimensions: [8, 16], replicas: 8}
  he3_large_batch: {protocols: [projected_square, projected_correlation], mu: [2.0], dimensions: [8, 16], replicas: 8}
  square: {protocols: [projected_square], mu: [1.0], dimensions: [16, 32, 64], replicas: 8}
  chain_exactness:
    protocols: [projected_square, spherical_correlation]
    students: [1]
    batch_sizes: [2]
    dimensions: [16]
    replicas: 50
fit: {resamples: 100}
"""
EVERYTHING = {f"figures/tiny/{name}.{form}" for name in FIGURES for form in ("pdf", "png")}


class Project:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in PROJECT:
            here = ROOT / name
            copy = shutil.copytree if here.is_dir() else shutil.copy
            copy(here, folder / name)
        self.configure(TINY)

    def configure(self, text: str) -> None:
        (self.folder / "mine.yaml").write_text(text)

    def snakemake(self, *arguments, cores=2, check=True):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--cores",
            str(cores),
            *arguments,
            "--configfile",
            "config/quick.yaml",
            "mine.yaml",
        ]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stderr
        return done

    def planned(self, *arguments) -> set[str]:
        """Names of the rules that a run would start now, with their wildcards."""
        done = self.snakemake("--dry-run", *arguments)
        return set(re.findall(r"^Job \d+: (.*)$", done.stdout + done.stderr, flags=re.MULTILINE))

    def files(self, pattern: str) -> dict[str, str]:
        found = sorted(p for p in self.folder.glob(pattern) if p.is_file() and ".cache" not in p.parts)
        return {str(p.relative_to(self.folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("project"))
    project.snakemake()
    return project


@pytest.fixture
def project(built, tmp_path):
    """What was built, copied with its dates: a test may change it."""
    shutil.copytree(built.folder, tmp_path / "project", copy_function=shutil.copy2)
    copy = object.__new__(Project)
    copy.folder = tmp_path / "project"
    return copy


pytestmark = pytest.mark.xdist_group("workflow")


def test_every_figure_is_made_and_nothing_is_left_to_do(built):
    assert set(built.files("figures/tiny/*")) == EVERYTHING
    assert built.planned() == set()
    assert not list(built.folder.glob("data/tiny/**/*.tmp"))
    assert not (built.folder / "figures" / "time_exponents.pdf").exists(), "an overlay keeps to its own folders"


def test_one_core_or_two_make_the_same_files(built, tmp_path):
    other = Project(tmp_path)
    other.snakemake(cores=1)
    for pattern in ("data/**/*.nc", "figures/**/*"):
        found = built.files(pattern)
        assert len(found) >= 10
        assert other.files(pattern) == found


def test_a_figure_asks_only_for_what_it_needs(project):
    for made in ("data", "figures"):
        shutil.rmtree(project.folder / made)
    planned = project.planned("figures/tiny/chain_exactness.pdf")
    assert planned == {
        "Simulating chain_exactness, row projected_square_p1",
        "Simulating chain_exactness, row spherical_correlation_p1",
        "Gathering the cells of chain_exactness",
        "Drawing chain_exactness",
    }


def test_a_new_exponent_simulates_only_its_own_rows(project):
    before = project.files("data/tiny/cells/he3/*")
    project.configure(TINY.replace("mu: [1.0, 1.5]", "mu: [1.0, 1.25, 1.5]"))
    simulated = {job for job in project.planned() if job.startswith("Simulating")}
    assert simulated == {
        "Simulating he3, row projected_square_mu1.25",
        "Simulating he3, row projected_correlation_mu1.25",
    }
    project.snakemake("data/tiny/exponents/he3.nc")
    after = project.files("data/tiny/cells/he3/*")
    assert after.items() > before.items()
    assert len(after) == len(before) + 6


def test_a_new_dimension_simulates_only_its_own_cells(project):
    project.configure(TINY.replace("[16, 32, 64]", "[16, 32, 48, 64]", 1))
    project.snakemake("data/tiny/he3.nc")
    log = (project.folder / "data/tiny/logs/simulate/he3/projected_square_mu1.00.log").read_text()
    assert log.count("kept") == 3
    assert log.count("simulated") == 1


def test_an_edited_plot_draws_one_figure_an_edited_chain_simulates_all(project):
    module = project.folder / "workflow" / "onepass" / "figures" / "time_exponents.py"
    module.write_text(module.read_text() + "\n")
    assert project.planned() == {"Drawing time_exponents"}
    module = project.folder / "workflow" / "onepass" / "overlap_kernel.py"
    module.write_text(module.read_text() + "\n# edited\n")
    rows = list(project.folder.glob("data/tiny/logs/simulate/*/*.log"))
    assert len([job for job in project.planned() if job.startswith("Simulating")]) == len(rows) > 10


def test_a_mistake_ends_before_any_job_with_one_message(project):
    project.configure(TINY.replace("replicas: 8", "replicas: -8", 1))
    done = project.snakemake(check=False)
    assert done.returncode != 0
    assert "mine.yaml: experiments.he3.replicas: -8: allowed: greater than or equal to 8" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "Simulating" not in done.stderr + done.stdout


def test_a_diverging_cell_is_an_error_that_names_it_and_the_others_go_on(project):
    project.configure(TINY.replace("  square: {", "  square: {gamma0: 1.0e+200, step_budget: 1.0e+201, "))
    done = project.snakemake(check=False)
    assert done.returncode != 0
    log = (project.folder / "data/tiny/logs/simulate/square/projected_square_mu1.00.log").read_text()
    assert log.startswith("error: replica")
    assert "learning_rate 1e+200" in log
    assert "Traceback" not in log
    assert not list(project.folder.glob("data/tiny/cells/square/*.nc"))
    assert (project.folder / "figures/tiny/chain_exactness.pdf").exists()
