"""Whether two folders of results hold the same numbers: ``python tests/helpers/same_results.py BEFORE AFTER``.

Every variable of every NetCDF file is compared bit for bit, with its type, dimensions, meaning and units, and every
attribute but those that say where a file comes from. Ends with 1 if anything differs or is missing.
"""

import sys
from pathlib import Path

import netCDF4

PROVENANCE = ("code", "origin", "git_commit", "version_")


def contents(path: Path) -> dict:
    """What a file holds, by name: the bytes of its variables with all that describes them, and its attributes."""
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        found = {
            f"attribute {key}": repr(file.getncattr(key)) for key in file.ncattrs() if not key.startswith(PROVENANCE)
        }
        for name, variable in file.variables.items():
            values = variable[...]
            data = repr(values.tolist()) if values.dtype == object else values.tobytes()
            about = {key: repr(variable.getncattr(key)) for key in variable.ncattrs()}
            found[name] = (data, str(variable.dtype), variable.dimensions, values.shape, about)
    return found


def differences(before: Path, after: Path, found: Path) -> list[str]:
    """What differs in one file, a line each."""
    if not (after / found).exists():
        return [f"{found}: missing in {after}"]
    one, other = contents(before / found), contents(after / found)
    return [f"{found}: {name}" for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def main(before: Path, after: Path) -> int:
    files = [p.relative_to(before) for p in sorted(before.rglob("*.nc")) if ".cache" not in p.parts]
    lines = [line for found in files for line in differences(before, after, found)]
    print("\n".join([*lines, f"{len(files)} files, {len(lines)} differences"]))
    return int(bool(lines) or not files)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:3])))
