"""Finished runs that the tests of a worker share; each test that changes one works on a copy."""

import time

import pytest
from helpers.grids import SMALL, TINY, WANTED
from helpers.project import Project


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Figures of each kind of experiment with their tables, of tiny grids; `said` is what the run printed."""
    project = Project(tmp_path_factory.mktemp("built"), TINY)
    project.said = project.snakemake().stderr
    return project


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """One result of each kind, and how long they took."""
    project = Project(tmp_path_factory.mktemp("undisturbed"), SMALL)
    before = time.monotonic()
    project.snakemake(*WANTED)
    project.seconds = time.monotonic() - before
    return project


@pytest.fixture
def project(undisturbed, tmp_path):
    """What an undisturbed run made, copied with its dates: a test may damage it."""
    return Project.copy(undisturbed, tmp_path / "project")
