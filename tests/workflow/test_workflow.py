"""The pipeline as a user runs it, on a grid that takes seconds."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from helpers.grids import DRAWN, TINY
from helpers.project import ROOT, Project
from onepass.pipeline.validation import configured

EVERYTHING = {f"figures/tiny/{name}.{form}" for name in DRAWN for form in ("pdf", "png")}


@pytest.fixture
def project(built, tmp_path):
    """What was built, copied with its dates: a test may change it."""
    return Project.copy(built, tmp_path / "project")


def test_every_figure_is_made_and_nothing_is_left_to_do(built):
    assert set(built.files("figures/tiny/*")) == EVERYTHING
    assert built.planned() == set()
    assert not list(built.folder.glob("**/*.part"))
    assert not (built.folder / "figures" / "time_exponents.pdf").exists(), "an overlay keeps to its own folders"


def test_the_tables_come_with_the_figures_and_the_run_ends_with_the_exponents(built):
    folder = built.folder / "data/tiny/exponents"
    exponents, times = (pd.read_csv(folder / f"{name}.csv") for name in ("summary", "recovery_times"))
    assert set(exponents.experiment) == {"he3", "he3_large_batch", "square"}
    assert set(times.experiment) == {*exponents.experiment}
    cell = times[(times.experiment == "square") & (times.dimension == 32)].squeeze()
    with xr.open_dataset(built.folder / "data/tiny/square.nc") as runs:
        steps = runs.recovery_step.sel(dimension=32).values.ravel()
        recovered = runs.recovered.sel(dimension=32).values.ravel()
    assert recovered.all()
    assert cell.censored_fraction == 0
    assert cell["median"] == np.median(steps)
    assert cell["quantile_0.1"] <= cell["quantile_0.25"] <= cell["median"] <= cell["quantile_0.9"] <= steps.max()

    last = built.said.split("onepass: exponents of")[-1]
    assert "jobs" not in last, "nothing comes after it but how long it took, and where all is"
    assert re.search(
        r"^onepass: done in \d+ (s|min); figures in figures/tiny/, data in data/tiny/$", last, re.MULTILINE
    )
    assert "Missing output files" not in built.said
    for row in exponents.itertuples():
        line = next(line for line in last.splitlines() if line.split()[:2] == [row.experiment, f"{row.mu:g}"])
        shown = re.findall(r"(-?[\d.]+), (-?[\d.]+) \((-?[\d.]+)\)|no fit", line.split(maxsplit=2)[2])
        assert any(
            np.allclose([*map(float, each)], [row.theta, row.theta_plain, row.theta_theory], atol=0.006)
            for each in shown
            if all(each)
        ) or np.isnan(row.theta)


def test_a_protocol_given_choice_by_choice_is_run_and_gathered_by_its_name(built, tmp_path):
    (name,) = {"plain_absolute_labely~2F~281~2By~2A~2A2~29_heavyball0.5_layer1"}
    cells = built.files(f"data/tiny/cells/chain_exactness/{name}_*")
    assert len(cells) == 2, "an engine each"
    with xr.open_dataset(built.folder / "data/tiny/chain_exactness.nc") as runs:
        assert runs.protocol.values.tolist() == ["projected_square", name]
        assert np.isfinite(runs.overlap.sel(protocol=name)).all()
        assert (runs.diverged_fraction == 0).all()

    # where rows of one protocol are jobs of their own its name is a pattern, one the beginning of another
    names = ["projected_square", "projected_square_heavyball0.9", "projected_psiy~2Aexp~28-y~2Af~29_clipped1e+16"]
    long = {"protocols": names, "mu": [0.0], "delta": 1.5, "step_budget": 5000.0, "engine": "chain", "tolerance": None}
    figures = {name: ["square"] for name, own in configured().figures.items() if "he3" in own}
    overlay = {"experiments": {"he3": long}, "figures": figures, "check": {"experiments": ["square"]}}
    planned = Project(tmp_path, yaml.safe_dump(overlay)).planned("data/quick/he3.nc")
    assert planned == {f"Simulating he3, {name}_mu0.00" for name in names} | {"Gathering the cells of he3"}


def test_the_picture_of_the_rules_is_theirs(tmp_path):
    """`make rulegraph` draws it."""
    (drawn,) = re.findall("^DRAWN := (.*?)  #", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    wanted = [name.replace("figures/", "figures/quick/") for name in drawn.split()]
    rules = re.findall(r'label = "(\w+)"', Project(tmp_path, "{}").snakemake(*wanted, "--rulegraph", "dot").stdout)
    page = (ROOT / "docs" / "rulegraph.svg").read_text()
    assert sorted(re.findall(r"<text[^>]*>(\w+)<", page)) == sorted(rules)


def test_a_figure_asks_only_for_what_it_needs(project):
    for made in ("data", "figures"):
        shutil.rmtree(project.folder / made)
    said = project.snakemake("figures/tiny/chain_exactness.pdf", "--dry-run").stderr
    assert said.count("onepass: 4 of 4 cells to simulate") == 1, "of those that were asked for; a plan says it too"
    planned = project.planned("figures/tiny/chain_exactness.pdf")
    assert planned == {
        "Simulating chain_exactness",
        "Gathering the cells of chain_exactness",
        "Drawing chain_exactness",
    }


def test_a_collection_asks_for_its_figures_and_what_they_need(project):
    """With what an overlay sets to null left out; the tables are those of the whole."""
    shutil.rmtree(project.folder / "figures")
    (project.folder / "data" / "tiny" / "exponents" / "summary.csv").unlink()
    held = yaml.safe_load((project.folder / "config" / "collections" / "measured.yaml").read_text())
    assert project.planned("measured") == {f"Drawing {name}" for name in held["figures"] if name in DRAWN}


def test_a_new_exponent_simulates_only_its_own_cells(project):
    before = project.files("data/tiny/cells/he3/*")
    project.configure(TINY.replace("mu: [1.0, 1.5]", "mu: [1.0, 1.25, 1.5]"))
    simulated = {job for job in project.planned() if job.startswith("Simulating")}
    assert simulated == {"Simulating he3"}
    project.snakemake("data/tiny/exponents/he3.nc")
    after = project.files("data/tiny/cells/he3/*")
    assert after.items() > before.items()
    assert len(after) == len(before) + 6


def test_a_new_dimension_simulates_only_its_own_cells(project):
    project.configure(TINY.replace("[32, 64, 128]", "[32, 48, 64, 128]", 1))
    project.snakemake("data/tiny/he3.nc")
    log = (project.folder / "data/tiny/logs/simulate/he3/all.log").read_text()
    assert log.count("kept") == 12
    assert log.count("simulated") == 4


def test_the_order_of_keys_asks_for_nothing(project):
    settings = yaml.safe_load(TINY)
    settings = {key: settings[key] for key in reversed(settings)}
    settings["experiments"] = {
        name: dict(reversed(experiment.items())) for name, experiment in reversed(settings["experiments"].items())
    }
    project.configure(yaml.safe_dump(settings, sort_keys=False))
    assert project.planned() == set()


def test_a_fresh_clone_with_the_results_copied_in_has_nothing_to_do(built, tmp_path):
    clone = Project(tmp_path, TINY, results=built)
    assert clone.planned() == set()


def test_an_archive_is_taken_into_another_clone_where_nothing_is_left_to_do(project, built, tmp_path):
    project.snakemake("archive")
    packed = project.folder / "data/tiny/archive.zip"
    clone = Project(tmp_path / "clone", TINY)
    restore = [sys.executable, "-m", "onepass", "restore", packed]
    here = {"cwd": clone.folder, "capture_output": True, "text": True}
    done = subprocess.run(restore, **here)
    assert done.returncode == 0, done.stderr
    assert clone.results() == project.results()
    assert clone.planned() == set()
    assert subprocess.run(restore, **here).returncode == 0, "what is there and the same is no trouble"
    assert clone.planned() == set()
    compare = [sys.executable, "-m", "onepass", "reproduce", packed, "data/tiny"]
    done = subprocess.run(compare, **here)
    assert done.returncode == 0, done.stderr
    assert re.match(r"\d+ exponents are equal, 0 within their intervals, 0 are not", done.stdout)

    # more replicas extend what the archive has brought
    clone.configure(TINY.replace("128], replicas: 8", "128], replicas: 12"))
    said = clone.snakemake("data/tiny/exponents/he3.nc").stderr
    assert "96 of 144 replicas are there of 12 cells" in said
    log = (clone.folder / "data/tiny/logs/simulate/he3/all.log").read_text()
    assert log.count("8 of 12 replicas are there") == 12
    with (
        xr.open_dataset(clone.folder / "data/tiny/he3.nc") as more,
        xr.open_dataset(built.folder / "data/tiny/he3.nc") as few,
    ):
        xr.testing.assert_equal(more.recovery_step.isel(replica=slice(8)), few.recovery_step)


def test_a_clone_of_other_code_or_parameters_does_not_take_copied_results_for_its_own(built, tmp_path):
    clone = Project(tmp_path, TINY.replace("replicas: 50", "replicas: 51"), results=built)
    module = clone.folder / "workflow" / "onepass" / "figures" / "time_exponents.py"
    module.write_text(module.read_text() + "\n")
    assert clone.planned() == {
        "Simulating chain_exactness",
        "Gathering the cells of chain_exactness",
        "Drawing chain_exactness",
        "Drawing time_exponents",
    }


def test_new_dates_of_the_sources_ask_for_nothing(project):
    for source in (project.folder / "workflow").rglob("*.py"):
        source.touch()
    assert project.planned() == set()


def test_figures_drawn_again_are_the_same_bytes(project):
    before = project.files("figures/**/*")
    done = project.snakemake("figures/tiny/time_exponents.pdf", "--forcerun", "time_exponents")
    assert "Drawing time_exponents" in done.stderr + done.stdout
    assert project.files("figures/**/*") == before


def test_the_report_has_every_figure_with_its_data_and_needs_no_network(project):
    project.snakemake("--report", "report.html")
    page = (project.folder / "report.html").read_text()
    for name in DRAWN:
        assert f"figures/tiny/{name}.png" in page
        assert f'"figure": "{name}"' in page
    assert "data/tiny/exponents/he3.nc" in page
    assert "Exponent of the recovery time against that of the batch size." in page, "captions"
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=.?https?:", page), "nothing is loaded from elsewhere"
    if browser := shutil.which("chromium") or shutil.which("google-chrome"):
        offline = ["--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
        profile = f"--user-data-dir={project.folder / 'browser'}"
        command = [browser, *offline, profile, "--virtual-time-budget=5000", "--dump-dom", "report.html"]
        command[-1] = (project.folder / "report.html").as_uri()
        shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
        for category in (
            "Recovery times and exponents",
            "Exactness of the chain",
            "Along the runs",
            "Fitted exponents",
        ):
            assert category in shown


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
    log = (project.folder / "data/tiny/logs/simulate/square/all.log").read_text()
    assert log.startswith("simulating data/tiny/cells/square/projected_square_mu1.00_d00016.nc\nfailed data/tiny")
    assert "replica 0 diverged at step 0" in log
    assert "learning_rate 1e+200" in log
    assert "Traceback" not in log
    assert not list(project.folder.glob("data/tiny/cells/square/*.nc"))
    assert (project.folder / "figures/tiny/chain_exactness.pdf").exists()
    failed = re.findall(r"^(data/tiny/cells/\S+) \((.*)\): (.*); log: (.*)$", done.stderr, flags=re.MULTILINE)
    assert "onepass: 3 cells failed; all that do not need them are done" in done.stderr
    assert [Path(name).name for name, *_ in failed] == [f"projected_square_mu1.00_d000{d}.nc" for d in (16, 32, 64)]
    for _, parameters, error, path in failed:
        assert "learning_rate 1e+200" in parameters
        assert "diverged at step 0" in error
        assert (project.folder / path).read_text() == log
