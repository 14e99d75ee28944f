"""The sources behind a module: its import closure, and their hash."""

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def _imports():
    import grimp

    return grimp.build_graph(PACKAGE.name, cache_dir=None)


@cache
def closure(module: str) -> tuple[str, ...]:
    """The modules of the package that a module imports, wherever in it or in them the import stands, and itself.

    Rooms are not among them: their own files hold names alone.
    """
    return tuple(sorted({module, *_imports().find_upstream_modules(module)}))


def sources(module: str) -> list[Path]:
    """The files of its `closure`, and what lies beside them that is no Python: the kernels of a GPU."""
    files = [PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py") for name in closure(module)]
    beside = {path for folder in {file.parent for file in files} for path in folder.glob("*.cuh")}
    return [*files, *sorted(beside)]


@cache
def code_version(module: str) -> str:
    """Hash of the `sources` of a module, as they are at the first call."""
    known = (f"{path.relative_to(PACKAGE)} {digest(path)}\n" for path in sources(module))
    return hashlib.sha256("".join(known).encode()).hexdigest()


@cache
def digest(path: Path) -> str:
    """Hash of a file as it is at the first call: all that a process says of its code speaks of one moment."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# That moment is now, before what is imported after this module: code loaded today is never kept as that of an edit.
for path in (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.cuh")):
    digest(path)
