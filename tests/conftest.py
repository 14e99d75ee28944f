"""What several test files share."""

import json
import os
import uuid
from pathlib import Path

import pytest
from helpers.configuration import configured


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


@pytest.fixture(scope="session")
def configuration():
    """The default configuration; a test that changes it copies."""
    return configured()


@pytest.fixture
def small_grid(configuration):
    """A grid of 2 × 2 × 2 cells that takes no time."""
    change = {"protocols": ["projected_square", "spherical_square"], "mu": [0.5, 1.0], "dimensions": [16, 32]}
    return configuration.experiments["he3"].model_copy(update=change | {"replicas": 3, "gamma0": 0.02, "start": 1.0})
