"""Code blocks of the documentation, run as they are printed.

Shell blocks run one after another in a copy of the project, Python blocks too, in one session; a diff is applied, and a
text block lists lines that the block before it must have said, in their order, ``…`` standing for anything.
"""

import contextlib
import fnmatch
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sybil.document import Document
from sybil.parsers.myst import CodeBlockParser

from helpers.project import ROOT, half_written

MADE = (".git", ".venv", ".snakemake", ".cache", "_build", "*.egg-info", ".pytest_cache", ".ruff_cache")


class Reader:
    """Someone who follows the documentation in a fresh copy of the project, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said, self.names = folder, "", {"__name__": "__main__"}
        made = shutil.ignore_patterns(*MADE)
        results = {str(ROOT / "data"), str(ROOT / "figures")}

        def left_out(place, names):
            own = {name for name in names if str(Path(place, name)) in results}
            return own | made(place, names) | set(half_written(place, names))

        shutil.copytree(ROOT, folder, ignore=left_out, dirs_exist_ok=True)
        # Its environment is the one of the tests: `make env` finds it, and has nothing to do.
        (folder / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
        blocks = {"shell": self.shell, "python": self.python, "diff": self.diff, "text": self.heard}
        self.parsers = [CodeBlockParser(name, lambda block, run=run: run(block.parsed)) for name, run in blocks.items()]

    def follow(self, page: str) -> int:
        """Run every block of a page; how many there were."""
        examples = list(Document.parse(str(ROOT / "docs" / page), *self.parsers).examples())
        for example in examples:
            example.evaluate()
        return len(examples)

    def shell(self, text: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        environment |= {"PYTHONPATH": str(self.folder / "workflow"), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
        environment["PATH"] = f"{Path(sys.prefix, 'bin')}{os.pathsep}{environment['PATH']}"
        command = ["bash", "-euo", "pipefail", "-c", text]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}"
        self.said = done.stdout

    def python(self, text: str) -> None:
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(text, "documentation", "exec"), self.names)
        self.said = said.getvalue()

    def diff(self, text: str) -> None:
        self.shell(f"git apply - <<'END'\n{text.rstrip()}\nEND")

    def heard(self, text: str) -> None:
        lines = (line.strip().replace("\t", " ") for line in self.said.splitlines())
        for expected in text.splitlines():
            pattern = expected.strip().replace("\t", " ").replace("[", "[[]").replace("…", "*")
            assert any(fnmatch.fnmatchcase(line, pattern) for line in lines), f"nobody said {expected!r}:\n{self.said}"
