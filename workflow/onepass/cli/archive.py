"""The commands ``onepass restore`` and ``onepass reproduce``: results of an archive, taken or compared."""

import json
from pathlib import Path
from typing import Annotated

import typer

from onepass.cli.errors import plain_errors

Archive = Annotated[Path, typer.Argument(help="A file that `snakemake archive` has made.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON in place of text.")]


def restore(archive: Archive, json_: Json = False) -> None:
    """Take the results of an archive into this clone: checked by their hashes, then there is nothing left to do."""
    with plain_errors():
        from onepass.pipeline import archive as archives

        files = archives.restore(archive)
        print(json.dumps({"files": files}, indent=2) if json_ else f"{len(files)} files, as in {archive}")


def reproduce(
    archive: Archive,
    data: Annotated[Path, typer.Argument(help="Folder of results that were computed again.")],
    json_: Json = False,
) -> None:
    """Compare the exponents of an archive with those computed again; ends with 1 if any left its interval."""
    with plain_errors():
        from onepass.analysis.reproduced import compared
        from onepass.pipeline import archive as archives

        total = compared(*archives.exponents(archive, data))
        counts = [len(total[verdict]) for verdict in ("equal", "within", "drift")]
        head = "{} exponents are equal, {} within their intervals, {} are not".format(*counts)
        print(json.dumps(total, indent=2) if json_ else "\n".join([head, *total["drift"]]))
        if total["drift"]:
            raise typer.Exit(1)
