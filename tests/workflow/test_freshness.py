"""What is made again: after edits, reverts and copies, and beside jobs of older code. A plan writes nothing."""

import json
import os
import subprocess
import sys

from helpers.grids import SMALL, WANTED
from helpers.project import ROOT, Project, edit, hold, take_back
from onepass.pipeline.config import FIGURES

PAGE, MARKS = ROOT / "docs" / "architecture.md", ("<!-- freshness-table -->\n", "<!-- /freshness-table -->\n")
EDITED = [
    "formulas/language.py", "simulation/chain/kernel.py", "simulation/cuda/chain.cuh", "theory/exponents.py",
    "theory/diagrams.py", "theory/mean_kernel.py", "analysis/scaling.py", "analysis/kinks.py", "pipeline/aggregate.py",
    "pipeline/progress.py", "targets/planning.py", "figures/style.py", "figures/polylog.py", "cli/app.py",
]  # fmt: skip
OTHERS = ["workflow/scripts/fit.py", "docs/index.md"]
NOTHING = ["docs/index.md", "cli/app.py", "targets/planning.py", "pipeline/progress.py"]  # is behind any result
KINDS = {
    "Simulating": "cells", "Gathering": "gathered", "Fitting": "fits", "Summing": "summary", "Listing": "times",
    "Drawing": "figures",
}  # fmt: skip
# What Snakemake goes by where nobody has chosen a profile.
DEFAULT_TRIGGERS = ("--rerun-triggers", "code", "input", "mtime", "params", "software-env")


def listing(project):
    """Every file of a project with its date and size, but what Python and Snakemake note of themselves."""
    own = {".snakemake", "__pycache__"}
    paths = [path for path in project.folder.rglob("*") if not own & set(path.parts) and path.name != "run.log"]
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}


def by_kind(planned):
    """What a plan makes of each kind: experiments or figures, and rows of cells."""
    kinds = {kind: set() for kind in KINDS.values()}
    for job in planned:
        word, _, what = job.partition(" ")
        kinds[KINDS[word]].add(what if word in ("Simulating", "Summing", "Listing") else what.split()[-1])
    return kinds


def some_of(found, whole):
    if len(found) > 8:
        return "all" if found == whole else f"{len(found)} of {len(whole)}"
    return "all" if found and found == whole else ", ".join(f"`{name}`" for name in sorted(found))


def test_the_table_of_what_is_planned_again_is_what_is_planned(tmp_path):
    """`make freshness` writes it; what must hold whatever the sizes of the grids is asked here."""
    project = Project(tmp_path / "project", "{}")
    files = [f"workflow/onepass/{module}" for module in EDITED] + OTHERS
    command = project.command("--dry-run")[3:]  # Snakemake's own arguments
    environment = {**os.environ, "PYTHONPATH": str(project.folder / "workflow")}
    together = [name for name in files if name.removeprefix("workflow/onepass/") in NOTHING]  # one plan for all
    asked = ",".join([*(name for name in files if name not in together), "+".join(together)])
    planner = [sys.executable, str(ROOT / "tests" / "helpers" / "plans.py"), asked, *command]
    done = subprocess.run(planner, cwd=project.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    planned = {name: by_kind(plan) for names, plan in json.loads(done.stdout).items() for name in names.split("+")}
    plans = {name: planned[name] for name in files}
    whole = {kind: set().union(*(plan[kind] for plan in plans.values())) for kind in KINDS.values()}
    assert whole["figures"] == set(FIGURES)
    assert len(whole["gathered"]) == len(list(project.folder.glob("data/quick/*.nc")))
    lines = [f"| edited | {' | '.join(KINDS.values())} |", "|---" * (len(KINDS) + 1) + "|"]
    for name, plan in plans.items():
        cells = " | ".join(some_of(plan[kind], whole[kind]) for kind in KINDS.values())
        lines.append(f"| `{name.removeprefix('workflow/onepass/')}` | {cells} |")
    table = "".join(f"{line}\n" for line in lines)
    page = PAGE.read_text()
    before, (_, after) = page.split(MARKS[0])[0], page.split(MARKS[1])
    if "ONEPASS_WRITE_TABLE" in os.environ:
        PAGE.write_text(f"{before}{MARKS[0]}{table}{MARKS[1]}{after}")
    assert f"{MARKS[0]}{table}{MARKS[1]}" in PAGE.read_text()
    own = {name.removeprefix("workflow/onepass/"): plan for name, plan in plans.items()}
    for name in NOTHING:
        assert not any(own[name].values()), name
    for name in ("simulation/chain/kernel.py", "simulation/cuda/chain.cuh", "formulas/language.py"):
        assert own[name]["cells"] == whole["cells"], name
    assert {kind: found for kind, found in own["figures/polylog.py"].items() if found} == {"figures": {"polylog"}}
    assert not own["theory/diagrams.py"]["cells"]


def test_an_edit_is_planned_until_it_is_made_and_a_revert_takes_cells_from_before(undisturbed, project):
    before = project.results()
    edit(project, "simulation/sgd.py")
    assert len(project.planned(*WANTED)) == 6, "two rows, two experiments, a fit and a figure"
    project.snakemake(*WANTED, *DEFAULT_TRIGGERS)
    assert project.planned(*WANTED) == project.planned(*WANTED, *DEFAULT_TRIGGERS) == set()
    edited = project.results()
    assert edited.keys() == before.keys()
    assert not edited.items() & before.items(), "each says by which code it was made"

    take_back(project, "simulation/sgd.py")
    assert len(project.planned(*WANTED)) == 6
    project.snakemake(*WANTED)
    assert project.results() == before
    logs = [path.read_text() for path in project.folder.glob("data/small/logs/simulate/*/*.log")]
    assert len(logs) == 2
    assert all("kept" in log and "simulat" not in log for log in logs)


def test_copies_with_new_dates_and_no_memory_of_their_runs_are_taken_for_what_they_are(undisturbed, tmp_path):
    """Snakemake may gather, fit and draw again, by the dates; the simulations are not repeated."""
    clone = Project(tmp_path, SMALL, results=undisturbed)
    made = sorted((*clone.folder.glob("data/**/*"), *clone.folder.glob("figures/**/*")), reverse=True)
    for i, path in enumerate(made):  # each older than what it was made of
        os.utime(path, (1e9 + i, 1e9 + i))
    planned = clone.planned(*WANTED)
    assert len(planned) == 4, "gathered, fitted and drawn again"
    assert not [job for job in planned if job.startswith("Simulating")]
    clone.snakemake(*WANTED)
    assert clone.results() == undisturbed.results()


def test_another_data_folder_of_the_same_checkout_simulates_only_what_is_new(undisturbed, project):
    project.configure(
        SMALL.replace("/small", "/mine").replace("[16, 32, 64]", "[16, 32, 64, 128]", 1) + "only: [polylog]\n"
    )
    project.snakemake("data/mine/he3.nc")
    log = (project.folder / "data/mine/logs/simulate/he3/all.log").read_text()
    assert (log.count("kept"), log.count("simulated")) == (3, 1)
    found, expected = project.files("data/*/cells/he3/*.nc"), undisturbed.files("data/*/cells/he3/*.nc")
    assert {found[name.replace("small", "mine")] for name in expected} == set(expected.values())


def test_an_edit_while_a_job_works_reaches_nothing_of_it_and_no_plan_writes(undisturbed, tmp_path, reliability):
    project = Project(tmp_path, SMALL)
    hold(project)
    run = project.start(*WANTED, cores=1)
    project.wait_for((project.folder / "at_work").exists)
    edit(project, "simulation/chain/kernel.py")
    before = listing(project)
    planned = project.planned(*WANTED)
    assert listing(project) == before, "a plan writes nothing"
    (project.folder / "go").touch()
    assert run.wait(300) == 1, "cells of two versions of the code are not gathered"
    said = (project.folder / "run.log").read_text()
    assert "was made by other code than that of today" in said
    assert "to rebuild: the same command again" in said
    assert len(planned) == 6
    project.snakemake(*WANTED)
    assert project.planned(*WANTED) == set()
    take_back(project, "simulation/chain/kernel.py")
    project.snakemake(*WANTED)
    expected, found = undisturbed.results(), project.results()
    reliability("code is edited while a job works", 1, expected, found, "the same command")
    assert found == expected


def test_new_dates_alone_do_not_make_old_results_pass(project):
    edit(project, "figures/chain_exactness.py")
    before = project.results()
    project.snakemake(*WANTED, "--touch")
    assert project.results() == before
    assert project.planned(*WANTED) == {"Drawing chain_exactness"}
