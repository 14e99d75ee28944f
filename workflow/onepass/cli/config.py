"""The command ``onepass config``: what holds in the end, of the project's own files and others over them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from onepass.cli.errors import plain_errors


def config(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files as --configfile takes them, later ones over earlier ones.")
    ] = None,
    experiment: Annotated[str | None, typer.Option(help="Print only this experiment.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON in place of YAML.")] = False,
) -> None:
    """Print the configuration that holds in the end: checked, with every key of every experiment."""
    with plain_errors():
        import yaml

        from onepass.pipeline import collection
        from onepass.pipeline.validation import ConfigurationError, configured, meant

        tree = configured(*files or ()).model_dump(mode="json", exclude={"defaults"})
        first = ("kind", "model")
        for name, own in tree["experiments"].items():
            tree["experiments"][name] = {key: own[key] for key in first} | own
        if experiment is not None:
            if experiment not in (known := tree["experiments"]):
                hint = f"allowed: {', '.join(known)}{meant(experiment, known)}"
                raise ConfigurationError(f"no experiment {experiment!r}; {hint}")
            tree = {"experiments": {experiment: known[experiment]}}
        if json_:
            print(json.dumps(tree, indent=2, ensure_ascii=False))
            return
        print("# What these files hold, later ones over earlier ones:")
        for file in collection.files() + (files or []):
            print(f"#   {file}")
        print(yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True), end="")
