"""The package as it lies in its folders: what stands in each, by first sentences, and the reference of every module."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow" / "onepass"
SOURCES = {".py", ".cuh"}


def rooms() -> list[str]:
    """What the package holds, in the direction of imports: the layers of import-linter, from the lowest one."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [room for layer in reversed(layers) for room in layer.split(" : ")]


def entries(folder: Path = PACKAGE) -> Iterator[Path]:
    """The folders and files below a folder, each folder before what is in it."""
    order = {name: place for place, name in enumerate(rooms())} if folder == PACKAGE else {}
    for path in sorted(folder.iterdir(), key=lambda path: (order.get(path.stem, -1), path.name)):
        if (path / "__init__.py").exists():
            yield path
            yield from entries(path)
        elif path.suffix in SOURCES and not path.name.startswith("__"):
            yield path


def first_sentence(path: Path) -> str:
    """What a folder or a file says of itself before its first full stop."""
    text = (path / "__init__.py" if path.is_dir() else path).read_text(encoding="utf-8")
    if path.suffix == ".cuh":
        said = text.partition("\n\n")[0].replace("//", "")
    else:
        said = ast.get_docstring(ast.parse(text)) or ""
    return " ".join(said.partition("\n\n")[0].split()).partition(". ")[0].removesuffix(".")


def _depth(path: Path) -> int:
    return len(path.relative_to(PACKAGE).parts)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


class Listing(SphinxDirective):
    """Where it stands, the folders stand with what is in them."""

    def run(self):
        lines = []
        for path in entries():
            name = f"{path.name}/" if path.is_dir() else path.name
            link = f"`{name}`" if path.suffix == ".cuh" else f"{{py:mod}}`{name} <{_module(path)}>`"
            lines.append(f"{'  ' * (_depth(path) - 1)}- {link} {first_sentence(path)}")
        return self.parse_text_to_nodes("\n".join(lines))


class Reference(SphinxDirective):
    """Where it stands, the documentation of every module stands, from its docstrings."""

    def run(self):
        lines = []
        for path in entries():
            if path.suffix != ".cuh":
                lines += [_module(path), "-~^"[_depth(path) - 1] * len(_module(path)), ""]
                lines += [f".. automodule:: {_module(path)}", "" if path.is_dir() else "   :members:", ""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app):
    app.add_directive("listing", Listing)
    app.add_directive("modules", Reference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
