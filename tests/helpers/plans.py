"""The plan of a run after each of some edits: ``python plans.py FILE,FILE+FILE ARGUMENTS`` in a project, plans as JSON.

Most of the time that a plan takes goes to imports and to what is asked of the formulas, so each is made by a fork of
one process that has both behind it.
A plan reads nothing of a result but where it comes from: so files that hold that alone stand in for all results, and
nothing is simulated.
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path

import libraries  # noqa: F401  beside this file
from onepass import sources
from onepass.pipeline import progress  # noqa: F401  what the rules import
from onepass.pipeline.freshness import Origin
from onepass.pipeline.validation import configured
from onepass.targets import warnings
from snakemake import cli


def said_by(arguments: list[str], prepare=lambda: None) -> str:
    """What Snakemake prints in a process of its own."""
    with tempfile.TemporaryFile("w+") as said:
        if not (child := os.fork()):
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sources.digest.cache_clear()  # what a new process does not know yet
            sources.code_version.cache_clear()
            prepare()
            cli.main(arguments)  # ends the process
        _, status = os.waitpid(child, 0)
        said.seek(0)
        text = said.read()
    assert os.waitstatus_to_exitcode(status) == 0, text
    return text


def plan(arguments: list[str]) -> list[str]:
    """Names of the rules that a run would start, with their wildcards."""
    return re.findall(r"^Job \d+: (.*)$", said_by(arguments), flags=re.MULTILINE)


def ask(overlays: list[str]) -> None:
    """Ask of the formulas what each plan will."""
    settings = configured(*overlays)
    kinds = {name: experiment.kind for name, experiment in settings.experiments.items()}
    warnings.on_cells(kinds, [cell for name in kinds for cell in settings.grid(name)])


def stand_in(arguments: list[str]) -> None:
    """Files that hold their origin, and nothing else, in place of all results, all of one date."""

    def sign():
        def is_of(origin, path):
            Path(path).write_text(origin.hash())
            return True

        Origin.is_of = is_of

    lines = said_by([*arguments, "--summary"]).splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("output_file\t"))
    files = [Path(line.split("\t")[0]) for line in lines[head + 1 :] if "\t" in line]
    for path in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    said_by(arguments, sign)
    for path in files:
        os.utime(path, (1e9, 1e9))
    assert not plan(arguments), "stand-ins pass for what they stand for"


def edited(path: Path) -> bytes | None:
    """Write something at the end of a file; what it held, if it was there."""
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((before or b"") + (b"\n// edited\n" if path.suffix == ".cuh" else b"\n# edited\n"))
    return before


def main(names: list[str], arguments: list[str]) -> dict[str, list[str]]:
    """The plan for each file, or files joined by +: something is written at their ends, and taken back after it."""
    ask(arguments[arguments.index("--configfile") + 1 :])
    stand_in(arguments)
    plans = {}
    for name in names:
        files = [Path(part) for part in name.split("+")]
        before = [edited(path) for path in files]
        plans[name] = plan(arguments)
        for path, content in zip(files, before, strict=True):
            path.unlink() if content is None else path.write_bytes(content)
    return plans


if __name__ == "__main__":
    json.dump(main(sys.argv[1].split(","), sys.argv[2:]), sys.stdout)
