"""The package by itself: a wheel that works without Snakemake and without the project's folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALONE = "import sys; sys.modules['snakemake'] = None; "  # an import of it is an error
COMMAND = f"{ALONE}from onepass.cli.app import main; main()"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder into which the wheel was unpacked."""
    source, built, folder = (tmp_path_factory.mktemp(name) for name in ("source", "built", "installed"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "workflow" / "onepass", source / "workflow" / "onepass", ignore=shutil.ignore_patterns("__pycache__")
    )
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", built, source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = built.glob("onepass-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def called(folder, code, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_wheel_names_snakemake_as_an_extra_alone(installed):
    (metadata,) = installed.glob("onepass-*.dist-info/METADATA")
    asked = [line for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist: snakemake")]
    assert asked
    assert all("extra ==" in line for line in asked)
    assert list(installed.glob("onepass/simulation/cuda/*.cuh")), "sources of the GPU's kernels"


def test_a_wheel_simulates_and_draws_without_the_project(installed):
    done = called(installed, f"{ALONE}import onepass; print(onepass.__file__, onepass.information_exponent('He3(x1)'))")
    assert done.stdout.split() == [str(installed / "onepass" / "__init__.py"), "3"], done.stderr
    place = ["--target", "He2(x1)", "--activation", "He2", "--dimension", "20", "--batch-size", "4", "--engine", "sgd"]
    run = ["--learning-rate", "0.01", "--steps", "20", "--replicas", "2", "--output", "cell.nc"]
    for command in (["simulate", *place, *run], ["plot", "cell.nc", "--output", "cell.png"], ["exponent", "x1*x2"]):
        done = called(installed, COMMAND, *command)
        assert done.returncode == 0, done.stderr
    assert (installed / "cell.png").stat().st_size > 10_000


def test_what_needs_the_project_says_so(installed):
    said = {
        "config": "it is part of the workflow, not of the package",
        "target x1*x2": "call it in the folder of the project",
    }
    for command, expected in said.items():
        done = called(installed, COMMAND, *command.split())
        assert done.returncode == 1
        assert expected in done.stderr
        assert "Traceback" not in done.stderr
