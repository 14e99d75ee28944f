"""The commands ``onepass config`` and ``onepass scenarios``: what holds in the end, of one configuration or several."""

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


def scenarios(
    file: Annotated[Path, typer.Argument(help="File with `scenarios`, changes by name, and `shared`, those of all.")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON in place of text.")] = False,
) -> None:
    """Write a configuration for each scenario of a file and print their paths; `make scenarios` runs them."""
    with plain_errors():
        from onepass.pipeline.scenarios import written

        paths = [str(path) for path in written(file)]
        print(json.dumps({"paths": paths}, indent=2) if json_ else "\n".join(paths))
