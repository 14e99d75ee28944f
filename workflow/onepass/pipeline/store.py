"""NetCDF files: written whole or not at all, read back before they get their name, checked when they are read."""

import json
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from onepass.errors import OnepassError
from onepass.files import atomic
from onepass.pipeline.freshness import SCHEMA_VERSION, Origin
from onepass.simulation.parameters import LARGEST_COUNT

# Files get their names when they are whole and are never written to again: HDF5's locks, which file systems of clusters
# often lack, would protect nothing. The library reads this when it is first used.
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

CODE, ROUNDS = "onepass.pipeline.cell", "onepass.pipeline.rounds"  # what simulates
ENDLESS = ("risk", "theta_theory")  # of runs that may diverge: of students on their way to infinity, and unknown
PACKAGES = ("onepass", "numpy", "numba", "xarray", "netCDF4")


class StoreError(OnepassError, ValueError):
    """A file that is missing, damaged, of another origin or of another schema."""


class OriginError(StoreError):
    """A file that is missing, of other parameters or made by other code: the next plan sees that by itself."""


class UnreadableError(StoreError):
    """A file that the system does not let us read: it may be whole."""


def write(dataset, path: str | Path, *, finite: bool = True) -> None:
    """Write an xarray.Dataset under `path`, complete and read back, or leave what was there.

    A `StoreError` for a number that is not finite, unless `finite` is false, where the system does not take the file,
    and for one that reads back otherwise. Runs that may diverge may do without a finite risk and an exponent of theory.
    """
    path = Path(path)
    if finite:
        endless = ENDLESS if "diverged" in dataset else ()
        for name, variable in dataset.variables.items():
            if name not in endless and variable.dtype.kind == "f" and not np.isfinite(variable.values).all():
                raise StoreError(f"{path}: variable {name!r} has numbers that are not finite; nothing was written")
    dataset = dataset.assign_attrs(schema_version=SCHEMA_VERSION)
    dataset.attrs = {key: _attribute(value) for key, value in sorted(dataset.attrs.items())}
    with atomic(path) as part:
        try:
            dataset.to_netcdf(part, format="NETCDF4", engine="netcdf4")
        except (OSError, RuntimeError) as error:  # of a full disk the library says no more than "HDF error"
            free = shutil.disk_usage(path.parent).free
            raise StoreError(f"{path} cannot be written ({error}); {free / 2**20:.3g} MiB are free there") from None
        if not read(part).equals(dataset):
            raise StoreError(f"{path}: read back, the file differs from what was written; is the disk full?")


def read(path: str | Path):
    """Read a whole file into memory, an xarray.Dataset.

    One that is missing, empty, truncated, not NetCDF, or of another schema version is a `StoreError`, an
    `UnreadableError` where the system does not let us see which.
    """
    import xarray as xr

    path = Path(path)
    if not path.exists():  # what every new cell asks first: the library takes its time to find that out
        raise OriginError(f"{path} is missing")
    try:
        with xr.open_dataset(path, engine="netcdf4", decode_times=False) as opened:
            dataset = opened.load()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        _raise_unless_damaged(path)
        raise StoreError(f"{path} is empty, truncated or no NetCDF file ({error})") from None
    found = dataset.attrs.get("schema_version")
    if found != SCHEMA_VERSION:
        raise StoreError(f"{path} has schema version {found}; this version reads {SCHEMA_VERSION}")
    return dataset


def _raise_unless_damaged(path: Path) -> None:
    """Raise `UnreadableError` where a file that could not be opened is not to blame for it."""
    import netCDF4

    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"{os.strerror(error.errno)}, error {error.errno}" if error.errno else str(error)
        raise UnreadableError(f"{path} cannot be read ({reason}); it may be whole") from None
    with suppress(OSError, RuntimeError):
        with netCDF4.Dataset(path.name, memory=content) as whole:
            for variable in whole.variables.values():
                variable[...]
        raise UnreadableError(
            f"{path} is whole and cannot be opened: the file system may have no locks, which "
            "HDF5_USE_FILE_LOCKING=FALSE does without"
        )


def write_cell(cell, dataset, path: str | Path) -> None:
    """Write the runs of a `onepass.pipeline.cell.Cell` with its parameters, seed and origin as attributes."""
    parameters = {key: getattr(cell, key) for key in cell.parameters if key != "backend"}
    parameters["replicas"] = dataset.sizes["replica"]  # of the last round, where there are some
    # The simulation's own attributes say which backend "auto" became, and which device.
    made = {"parameters": cell.identity, "origin": origin(cell).hash(), "entropy": cell.entropy, "dtype": "float64"}
    write(dataset.assign_attrs(parameters | provenance() | made), path)


def read_cell(cell, path: str | Path):
    """Read a cell's file; a `StoreError` unless it holds the runs of this very cell, simulated by the code of today."""
    dataset = read(path)
    if dataset.attrs.get("parameters") != cell.identity:
        try:
            other = dict(json.loads(dataset.attrs["parameters"]))
        except (KeyError, TypeError, ValueError):
            other = {}  # all of them
        wrong = [key for key, value in json.loads(cell.identity).items() if other.get(key) != value]
        raise OriginError(f"{path} holds a cell of other parameters ({', '.join(wrong)})")
    if dataset.attrs.get("origin") != origin(cell).hash():
        raise OriginError(f"{path} was made by other code than that of today")
    if dataset.sizes.get("replica") != cell.replicas and not cell.until:
        raise StoreError(f"{path} holds {dataset.sizes.get('replica')} replicas, not {cell.replicas}")
    return dataset


def read_relative(cell, path: str | Path):
    """Read a file of a cell of the same family, simulated by the code of today; a `StoreError` for any other."""
    dataset = read(path)
    try:
        found = json.loads(dataset.attrs["parameters"])
        other = replace(cell, replicas=found["replicas"], steps=found["steps"])
    except (KeyError, TypeError, ValueError):
        raise OriginError(f"{path} does not say which cell it holds") from None
    return read_cell(other, path)


def origin(cell) -> Origin:
    """Where the runs of a cell come from: its parameters and the code that simulates, or makes rounds."""
    return Origin(ROUNDS if cell.until else CODE, cell.identity)


def copy(source: str | Path, path: str | Path) -> None:
    """Copy a file to `path`, atomically: no link, so that what becomes of the one does not touch the other."""
    with atomic(path) as part:
        shutil.copyfile(source, part)


@cache
def provenance() -> dict[str, str]:
    """Where a file comes from: package versions, Python, git commit; no time, so equal runs make equal files."""
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[f"version_{package}"] = version(package)
    tracked = _git("ls-files", "--error-unmatch", __file__)  # a repository around an unpacked archive is another's
    commit = (tracked and _git("rev-parse", "HEAD")) or "unknown"
    if commit != "unknown" and _git("status", "--porcelain", "--untracked-files=no"):
        commit += " with local changes"
    return found | {"version_python": platform.python_version(), "git_commit": commit}


def _git(*arguments: str) -> str:
    """What git says of the repository that this file lies in, whatever repository the environment speaks of."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(
            ["git", "--no-optional-locks", "-C", Path(__file__).parent, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    return ""


def _attribute(value):
    """What NetCDF can hold: numbers and text as they are, everything else as JSON."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and abs(value) > LARGEST_COUNT:  # beyond what its whole numbers hold
        return float(value)
    return value if isinstance(value, str | int | float) or hasattr(value, "dtype") else json.dumps(value)
