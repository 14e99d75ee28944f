"""The reference of the configuration, made from `config/schema.json`, and the collections from their files: no second
copy to fall behind.
"""

import itertools
import json
from pathlib import Path

from onepass.pipeline import collection
from onepass.pipeline.config import FIGURES
from sphinx.util.docutils import SphinxDirective

SCHEMA = Path(__file__).parents[2] / "config" / "schema.json"


def tables(schema: dict) -> str:
    """The whole reference as MyST Markdown: the top level, experiments key by key, and the parts they are made of."""
    definitions = schema["$defs"]
    for field in schema["properties"].values():  # a key that says no more than what it is made of
        field.setdefault("description", definitions.get(_name(field), {}).get("description", ""))
    kinds = {_kind(definition): definition for definition in definitions.values() if _kind(definition)}
    keys: dict[tuple[str, str, str], list[str]] = {}  # (key, allowed, meaning) -> kinds of experiment
    for kind, definition in kinds.items():
        for key, field in definition["properties"].items():
            if key != "kind":
                keys.setdefault((key, _allowed(field), _meaning(field)), []).append(kind)
    parts = ["## The file", _table(schema["properties"]), "## An experiment", "`kind` says what is measured:", ""]
    parts += [f"- `{kind}`: {definition['description']}" for kind, definition in kinds.items()]
    parts += ["", "| key | in kinds | allowed | meaning |", "|---|---|---|---|"]
    for (key, allowed, meaning), own in sorted(keys.items(), key=lambda item: -len(item[1])):
        parts.append(f"| `{key}` | {'all' if len(own) == len(kinds) else ', '.join(own)} | {allowed} | {meaning} |")
    for name, definition in definitions.items():
        if definition not in kinds.values():
            parts += [f"## {name}", definition["description"], "", _table(definition["properties"])]
    return "\n".join(parts)


def _name(field: dict) -> str:
    return field.get("$ref", "").rpartition("/")[2]


def _kind(definition: dict) -> str:
    return definition.get("properties", {}).get("kind", {}).get("const", "")


def _table(properties: dict) -> str:
    rows = [f"| `{key}` | {_allowed(field)} | {_meaning(field)} |" for key, field in properties.items()]
    return "\n".join(["| key | allowed | meaning |", "|---|---|---|", *rows, ""])


def _meaning(field: dict) -> str:
    return field.get("description", "").replace("|", r"\|").replace("*", r"\*").replace("_", r"\_")


def _allowed(field: dict) -> str:
    """The type of a key in words; bounds stand in its description."""
    for choice in ("anyOf", "oneOf"):
        if choice in field:
            return " or ".join(dict.fromkeys(_allowed(option) for option in field[choice]))
    if "$ref" in field:
        return f"[{_name(field)}](#{_name(field).lower()})"
    if "const" in field or "enum" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field["type"] == "array":
        return f"list of: {_allowed(field['items'])}"
    if field["type"] == "object":
        return "a key for each"
    return {"integer": "whole number", "string": "text", "null": "`null`"}.get(field["type"], field["type"])


def collections(files: list[Path]) -> str:
    """The collections, each with the comment that its file begins with and its figures."""
    lines = ["| collection | what it holds | figures |", "|---|---|---|"]
    own = {path.stem: path for path in files}
    for name, figures in collection.figures(files, FIGURES).items():
        comment = itertools.takewhile(lambda line: line.startswith("# "), own[name].read_text().splitlines())
        about = " ".join(line.removeprefix("# ") for line in comment)
        lines.append(f"| `{name}` | {about} | {', '.join(f'`{figure}`' for figure in figures)} |")
    return "\n".join(lines)


class Collections(SphinxDirective):
    """Where it stands, the list of the collections stands."""

    def run(self):
        files = collection.files()
        for path in files:
            self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(collections(files))


class Configuration(SphinxDirective):
    """Where it stands, the reference stands."""

    def run(self):
        self.env.note_dependency(str(SCHEMA))
        return self.parse_text_to_nodes(tables(json.loads(SCHEMA.read_text())), allow_section_headings=True)


def setup(app):
    app.add_directive("configuration", Configuration)
    app.add_directive("collections", Collections)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
