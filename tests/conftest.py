"""What several test files share."""

import json
import os
import uuid
from pathlib import Path

import pytest
from helpers.configuration import configured
from helpers.project import THOROUGH

ASKED = ("ONEPASS_BACKEND", "SNAKEMAKE_PROFILE", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "MPLBACKEND")


def pytest_configure():
    """Forget what the shell of whoever runs the tests asks of the programs under test."""
    for name in ASKED:
        os.environ.pop(name, None)


@pytest.fixture
def reliability():
    """Note the outcome of a fault for the table in docs/reliability.md; `tests/helpers/reliability.py` makes it."""

    def note(fault: str, tries: int, expected: dict, found: dict, by_hand: str) -> None:
        if folder := os.environ.get("ONEPASS_RELIABILITY"):
            lost = sum(name not in found for name in expected)
            wrong = sum(name in found and found[name] != content for name, content in expected.items())
            line = {"fault": fault, "tries": tries, "lost": lost, "wrong": wrong, "by_hand": by_hand}
            Path(folder, f"{uuid.uuid4().hex}.json").write_text(json.dumps(line))

    return note


def pytest_collection_modifyitems(config, items):
    """`make reliability` runs the tests that note something, and no others."""
    if THOROUGH:
        others = [item for item in items if "reliability" not in item.fixturenames]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


@pytest.fixture(scope="session")
def configuration():
    """The default configuration; a test that changes it copies."""
    return configured()


@pytest.fixture
def small_grid(configuration):
    """A grid of 2 × 2 × 2 cells that takes no time."""
    change = {"protocols": ["projected_square", "spherical_square"], "mu": [0.5, 1.0], "dimensions": [16, 32]}
    change |= {"engine": "auto", "gaussian_from": 3000, "tolerance": None}
    return configuration.experiments["he3"].model_copy(update=change | {"replicas": 3, "gamma0": 0.02, "start": 1.0})
