"""What the benchmarks share with the tests: copies of the project, parameters of a run, and its starts."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from helpers.project import Project  # noqa: E402
from helpers.runs import parameters, starts  # noqa: E402

__all__ = ["ROOT", "Project", "parameters", "starts"]
