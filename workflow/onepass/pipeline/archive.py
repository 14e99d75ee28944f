"""Results that travel: all data and figures of a configuration in one zip file, taken from there into another clone.

The first entry is a manifest in JSON: the SHA-256 of every file in the order in which they are made, the configuration,
the version of the code, and those of all packages. Equal results of one version, with the same packages,
make equal archives, byte for byte.
"""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath

from onepass.errors import OnepassError
from onepass.files import atomic
from onepass.pipeline import store

MANIFEST = "manifest.json"
LICENCE = "MIT"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the date of every entry: zip knows none before


class ArchiveError(OnepassError, ValueError):
    """An archive that cannot be made, is damaged, or does not fit to what is there."""


def write(path: str | Path, files: Sequence[str], configuration: Mapping) -> None:
    """Write the files, in the order in which they are made, with their manifest.

    Only paths below the working folder can be found again elsewhere: others are an `ArchiveError`.
    """
    if outside := [name for name in files if not _is_below(name)]:
        raise ArchiveError(
            f"{outside[0]} is outside of the working folder; allowed: 'data' and 'figures_folder' below it"
        )
    manifest = {
        "licence": LICENCE,
        "provenance": store.provenance(),
        "packages": dict(sorted((own.metadata["Name"], own.version) for own in distributions())),
        "configuration": configuration,
        "files": {name: _hash(Path(name).read_bytes()) for name in files},
    }
    with atomic(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False).encode())
        for name in files:
            _add(archive, name, Path(name).read_bytes())


def read(path: str | Path) -> tuple[dict, dict[str, bytes]]:
    """The manifest and the contents of all files, each with the hash that it should have, or an `ArchiveError`."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            contents = {name: archive.read(name) for name in manifest["files"]}
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ArchiveError(f"{path} is no whole archive of results ({error})") from None
    if wrong := [name for name, content in contents.items() if _hash(content) != manifest["files"][name]]:
        raise ArchiveError(f"{path}: {', '.join(wrong)} differ from the manifest; nothing was written")
    if unsafe := [name for name in contents if not _is_below(name)]:
        raise ArchiveError(f"{path}: {unsafe[0]} would lie outside of the working folder; nothing was written")
    return manifest, contents


def restore(path: str | Path, folder: str | Path = ".") -> list[str]:
    """Write what an archive holds below a folder, and return the names; what is there already must be the same.

    Files that differ from those that are there are named in an `ArchiveError`, before anything is written.
    """
    _, contents = read(path)
    there = [name for name in contents if Path(folder, name).exists()]
    if other := [name for name in there if Path(folder, name).read_bytes() != contents[name]]:
        raise ArchiveError(f"{', '.join(other)} are there and differ; allowed: a clone without them")
    first = Path(path).stat().st_mtime
    for i, (name, content) in enumerate(contents.items()):
        if name not in there:
            with atomic(Path(folder, name)) as part:
                part.write_bytes(content)
        date = first + 1e-3 * i  # Snakemake goes by dates: none is older than what it was made of
        os.utime(Path(folder, name), (date, date))
    return list(contents)


def exponents(path: str | Path, data: str | Path) -> tuple[list, list]:
    """The fits of an archive, and those of the same experiments below another data folder.

    An archive that has none, or a folder without some of them, is an error.
    """
    manifest, contents = read(path)
    own, kept, again = f"{manifest['configuration']['data']}/exponents/", [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            if name.startswith(own) and name.endswith(".nc"):
                file = Path(folder, Path(name).name)
                file.write_bytes(content)
                fits = store.read(file)
                if "protocol" in fits.dims and "theta" in fits:  # no table
                    kept.append(fits)
                    again.append(store.read(Path(data, "exponents", file.name)))
    if not kept:
        raise ArchiveError(f"{path} holds no exponents to compare")
    return kept, again


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
