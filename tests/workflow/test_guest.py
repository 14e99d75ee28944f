"""The workflow away from home: from any working folder, at any path, on another file system, as a module of another."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from helpers import warm
from helpers.project import ONE_THREAD, ROOT, Project

STRANGE = "a b/it's (1)&x"  # a name as people give them, with whatever takes a command of a shell apart
TINY = """
data: {data}
figures_folder: {figures}
experiments:
  chain_exactness: {{protocols: [projected_square], students: [1], batch_sizes: [2], dimensions: [16], replicas: 50}}
"""
HOST = """
module onepass:
    snakefile: "{snakefile}"
    {config}
    {prefix}

rule all:
    input: "{prefixed}figures/tiny/chain_exactness.pdf", "mine.txt"

rule mine:
    output: touch("mine.txt")

use rule * from onepass as onepass_*

onstart:
    onepass.onstart()

onsuccess:
    onepass.onsuccess()

onerror:
    onepass.onerror()
"""


def snakemake(folder, *arguments, check=True, python=sys.executable, **environment):
    """What Snakemake prints, called in a folder."""
    command = [str(part) for part in ("--cores", "1", *arguments)]
    surroundings = {**os.environ, **ONE_THREAD, **environment}
    if python == sys.executable:
        done = warm.snakemake(command, folder, surroundings)
    else:
        command = [str(python), "-m", "snakemake", *command]
        done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert not check or done.returncode == 0, said
    return said


def planned(folder, *arguments, **environment):
    """Messages of the jobs that would run."""
    said = snakemake(folder, "--dry-run", *arguments, **environment)
    return set(re.findall(r"^Job \d+: (.*)$", said, flags=re.MULTILINE))


def written(folder):
    """Files below a folder, those that programs keep for themselves left out."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if not {".snakemake", "__pycache__"} & set(path.parts)}


def host(folder, snakefile, prefix="", config="config: config"):
    """A workflow of somebody else, which has this one as a module."""
    folder.mkdir(exist_ok=True)
    quick = yaml.safe_load((ROOT / "config" / "quick.yaml").read_text())
    own = yaml.safe_load(TINY.format(data="data/tiny", figures="figures/tiny"))
    quick["experiments"] |= own.pop("experiments")
    (folder / "config.yaml").write_text(yaml.safe_dump(quick | own | {"samples": ["a key of the host's own"]}))
    text = HOST.format(
        snakefile=snakefile,
        config=config,
        prefix=f'prefix: "{prefix}"' if prefix else "",
        prefixed=f"{prefix}/" if prefix else "",
    )
    (folder / "Snakefile").write_text('configfile: "config.yaml"\n' + text)


def test_from_another_folder_at_a_strange_path_onto_another_file_system(tmp_path):
    """The project, its Python and the working folder with names that a shell would take apart; results elsewhere."""
    project = Project(tmp_path / STRANGE / "project", "")
    environment = tmp_path / STRANGE / ".venv"
    environment.symlink_to(sys.prefix)
    python = environment / Path(sys.executable).relative_to(sys.prefix)
    before, here, away = written(project.folder), tmp_path / "it's here", tmp_path / "scratch"
    here.mkdir()
    (here / "mine.yaml").write_text(TINY.format(data=away / "data", figures=away / "figures"))
    files = "--configfile", project.folder / "config" / "quick.yaml", "mine.yaml"
    command = "-s", project.folder / "Snakefile", away / "figures" / "chain_exactness.png", *files
    snakemake(here, *command, python=python)
    assert {name for name in written(away) if ".cache" not in name} == {
        "data/cells/chain_exactness/projected_square_p1_n0002_d00016_chain.nc",
        "data/cells/chain_exactness/projected_square_p1_n0002_d00016_sgd.nc",
        "data/chain_exactness.nc",
        "data/logs/simulate/chain_exactness/all.log",
        "data/logs/aggregate/chain_exactness.log",
        "data/logs/figures/chain_exactness.log",
        "figures/chain_exactness.pdf",
        "figures/chain_exactness.png",
    }
    assert written(project.folder) == before, "nothing is written beside the sources"
    assert written(here) == {"mine.yaml"}
    assert planned(here, *command, python=python) == set()
    elsewhere = *command[:-1], here / "mine.yaml"
    assert planned(tmp_path, "--directory", here, *elsewhere) == set(), "another Python and another folder"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project"), "")


def test_a_module_runs_and_leaves_its_host_the_first_word(project, tmp_path):
    host(tmp_path, project.folder / "Snakefile")
    said = snakemake(tmp_path)
    assert "onepass: results in data/tiny/, figures in figures/tiny/" in said, "what onepass.onstart() says"
    assert (tmp_path / "mine.txt").exists(), "the host's own targets are the default ones"
    assert (tmp_path / "figures" / "tiny" / "chain_exactness.pdf").exists()
    assert planned(tmp_path) == set()


def test_a_module_with_a_prefix_finds_all_that_is_its_own_there(project, tmp_path):
    clone, folder = Project.copy(project, tmp_path / "project"), tmp_path / "host"
    host(folder, clone.folder / "Snakefile", "sub/folder")
    said = snakemake(folder)
    made = folder / "sub" / "folder"
    assert "onepass: results in sub/folder/data/tiny/, figures in sub/folder/figures/tiny/" in said
    assert (made / "figures" / "tiny" / "chain_exactness.pdf").exists()
    assert written(folder) - {f"sub/folder/{name}" for name in written(made)} == {
        "Snakefile",
        "config.yaml",
        "mine.txt",
    }
    assert planned(folder) == set()

    shutil.rmtree(made / "figures")
    shutil.rmtree(made / "data" / "tiny" / "cells" / "chain_exactness")
    (made / "data" / "tiny" / "chain_exactness.nc").unlink()
    snakemake(folder)
    log = made / "data" / "tiny" / "logs" / "simulate" / "chain_exactness" / "all.log"
    assert log.read_text().count("kept") == 2, "what was simulated before"

    module = clone.folder / "workflow" / "onepass" / "figures" / "chain_exactness.py"
    module.write_text(module.read_text() + "\n# edited\n")
    assert planned(folder) == {"Drawing chain_exactness"}


@pytest.mark.parametrize("prefix", ["", "sub/folder"])
def test_a_module_without_a_configuration_of_its_host_has_the_default_one(project, prefix, tmp_path):
    host(tmp_path, project.folder / "Snakefile", prefix, config="")
    target = Path(prefix, "figures", "chain_exactness.pdf")
    said = snakemake(tmp_path, "--dry-run", target)
    assert f"Missing output files: {target}" in said
    assert f"{prefix}/data/chain_exactness.nc".lstrip("/") in said


def test_a_module_names_what_is_wrong_in_its_hosts_configuration(project, tmp_path):
    host(
        tmp_path, project.folder / "Snakefile", config="config: {'experiments': {'he3': {'replicas': 3}}, 'samples': 1}"
    )
    said = snakemake(tmp_path, "--dry-run", check=False)
    assert "configuration: experiments.he3.replicas: 3: allowed: greater than or equal to 8" in said
    assert "samples" not in said, "what it does not know is its host's"
    assert "Traceback" not in said


def test_the_path_of_a_user_is_kept_behind_the_package(project, tmp_path):
    mine = tmp_path / "mine"
    (mine / "onepass").mkdir(parents=True)
    (mine / "onepass" / "__init__.py").write_text("raise ImportError('another package of this name')")
    (tmp_path / "Snakefile").write_text(
        f'module onepass:\n    snakefile: "{project.folder / "Snakefile"}"\n\nuse rule * from onepass\n\n'
        'import os\nprint("PYTHONPATH", os.environ["PYTHONPATH"])\n'
    )
    path = os.pathsep.join([str(mine), str(tmp_path)])
    said = snakemake(tmp_path, "--list", PYTHONPATH=path)
    assert f"PYTHONPATH {project.folder / 'workflow'}{os.pathsep}{path}\n" in said


@pytest.mark.skipif(not shutil.which("make"), reason="no make on this machine")
def test_make_calls_its_commands_at_a_strange_path(tmp_path):
    """What each target would run, read by a shell there."""
    folder = tmp_path / STRANGE
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("requirements.lock", "pyproject.toml"):
        (folder / name).touch()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)) - {"clean"}
    assert {"env", "figures", "quick", "test", "reliability"} < targets
    # As from a shell of its own, whatever make runs this test: a make within make says in which folder it is.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    for target in sorted(targets):
        lines = subprocess.run(
            ["make", "--dry-run", target, "TARGET=x1*x2", "CORES=1"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        read = subprocess.run(["sh", "-n"], input=lines, cwd=folder, capture_output=True, text=True)
        assert lines
        assert read.returncode == 0, f"{target}: {read.stderr}"
        assert STRANGE not in lines, f"{target}: a path where the shell would have to quote it"
