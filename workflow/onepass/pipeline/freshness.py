"""Freshness: the code behind a result, and whether what made a result is what would make it today.

A result depends on its parameters and on its code: the import closure of the module that makes it, found in the
sources. Every job that makes one leaves a *record* of both, a hash; a plan holds it against the hash of today. So
nothing is written to plan, and no list of modules is kept by hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from onepass.errors import OnepassError
from onepass.files import atomic
from onepass.sources import closure, code_version

RECORDS = ".made"  # folder of the records, below that of the data


class EditedError(OnepassError, RuntimeError):
    """Code that was edited while a job was loading it."""


class Result(NamedTuple):
    """A result of the pipeline: its name, the module that makes it, and its parameters, as canonical text."""

    name: str
    module: str
    parameters: str

    def hash(self) -> str:
        """Hash of the code of today and the parameters."""
        return hashlib.sha256(f"{code_version(self.module)}\0{self.parameters}".encode()).hexdigest()

    def is_fresh(self, folder: str | Path) -> bool:
        """Whether the one in a data folder is of the code of today and of these parameters."""
        try:
            return self._record(folder).read_text(encoding="utf-8") == self.hash()
        except OSError:
            return False

    @contextmanager
    def made(self, folder: str | Path) -> Iterator[None]:
        """Load the code, let the caller make the result with it, then leave the record.

        All of the code is loaded at once: an edit while the job works reaches neither its results nor their record.

        Raises
        ------
        EditedError
            If it is edited while it is loaded.
        """
        before = self.hash()
        for module in closure(self.module):
            import_module(module)
        code_version.cache_clear()
        if self.hash() != before:
            raise EditedError(f"the code behind {self.name} was edited as its job started; the same command again")
        yield
        with atomic(self._record(folder)) as part:
            part.write_text(before, encoding="utf-8")

    def _record(self, folder: str | Path) -> Path:
        return Path(folder, RECORDS, self.name)
