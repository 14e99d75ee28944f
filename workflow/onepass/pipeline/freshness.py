"""Freshness: where a result comes from, as a hash that its file carries and that a plan compares with today's.

A result depends on its code, its parameters and what it was made of. Its code is the import closure of the module that
makes it, and the script that calls it. The hash of all this is written into the file itself. So nothing is written to
plan, no list of modules is kept by hand, and neither dates nor copies nor a job left over from older code can make a
result pass for what it is not.
"""

from __future__ import annotations

import hashlib
import mmap
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from onepass.errors import OnepassError
from onepass.sources import PACKAGE, closure, code_version, digest

SCHEMA_VERSION = 1  # of the files of results
SCRIPTS = PACKAGE.parent / "scripts"


class EditedError(OnepassError, RuntimeError):
    """Code that was edited while a job was loading it."""


class Origin(NamedTuple):
    """Where a result comes from.

    Parameters
    ----------
    code : the module that makes it.
    parameters : canonical text.
    script : name of the script beside the package that calls the module, where what it does matters.
    inputs : origins of what it is made of, or their hashes.
    """

    code: str
    parameters: str
    script: str = ""
    inputs: tuple[Origin | str, ...] = ()

    def hash(self) -> str:
        """What a file must carry to be of the code of today, these parameters and these inputs."""
        script = digest(SCRIPTS / f"{self.script}.py") if self.script else ""
        inputs = (made if isinstance(made, str) else made.hash() for made in self.inputs)
        known = (str(SCHEMA_VERSION), code_version(self.code), script, self.parameters, *inputs)
        return hashlib.sha256("\0".join(known).encode()).hexdigest()

    def is_of(self, path: str | Path) -> bool:
        """Whether the file at `path` carries the `hash`; its format does not matter, and to look for it is quick."""
        made = self.hash().encode()
        try:
            with open(path, "rb") as file:
                try:
                    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                        return content.find(made) >= 0
                except (ValueError, OSError):  # an empty file has no map, nor have files of some file systems
                    return made in file.read()
        except FileNotFoundError:
            return False
        except OSError:  # it cannot be read, and may be whole: whoever needs it will say so
            return True

    def of(self, *datasets) -> Origin:
        """The same with these data sets as inputs, by the hashes that they carry."""
        return self._replace(inputs=tuple(dataset.attrs.get("origin", "") for dataset in datasets))

    def load(self) -> Origin:
        """Load all of the code at once: an edit after that reaches neither what this process makes nor its `hash`.

        An edit before that, while the code is loaded, is an `EditedError`.
        """
        before = self.hash()
        for module in closure(self.code):
            import_module(module)
        code_version.cache_clear()
        digest.cache_clear()
        if self.hash() != before:
            raise EditedError("the code was edited while the job was loading it; the same command again")
        return self
