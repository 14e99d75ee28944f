"""The plan of a run after each of some edits: ``python plans.py EDITED,EDITED ARGUMENTS`` in a project, plans as JSON.

Half of the time that a plan takes goes to imports, so each is made by a fork of one process that has them behind it.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

from onepass import sources
from onepass.pipeline import progress, validation  # noqa: F401  what the rules import
from onepass.targets import warnings  # noqa: F401
from snakemake import cli


def plan(arguments: list[str]) -> list[str]:
    """Names of the rules that a run would start, with their wildcards."""
    with tempfile.TemporaryFile("w+") as said:
        if not (child := os.fork()):
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sources.digest.cache_clear()  # what a new process does not know yet
            sources.code_version.cache_clear()
            cli.main(arguments)  # ends the process
        _, status = os.waitpid(child, 0)
        said.seek(0)
        text = said.read()
    assert os.waitstatus_to_exitcode(status) == 0, text
    return re.findall(r"^Job \d+: (.*)$", text, flags=re.MULTILINE)


def main(edited: list[str], arguments: list[str]) -> dict[str, list[str]]:
    """The plan for each file: something is written at its end, and taken back after the plan."""
    plans = {}
    for name in edited:
        path = Path(name)
        before = path.read_bytes() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((before or b"") + (b"\n// edited\n" if path.suffix == ".cuh" else b"\n# edited\n"))
        plans[name] = plan(arguments)
        path.unlink() if before is None else path.write_bytes(before)
    return plans


if __name__ == "__main__":
    json.dump(main(sys.argv[1].split(","), sys.argv[2:]), sys.stdout)
