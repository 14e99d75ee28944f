"""The modules of the package by room: tables made from their first sentences and imports, and their reference.

``{room}`` lists modules of one room; the rooms of the documentation, in their order, hold every module exactly once,
and a module imports from its own room and earlier ones alone. Anything else is a warning, which fails the build.
"""

import ast
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

PACKAGE = Path(__file__).parents[2] / "workflow" / "onepass"
logger = logging.getLogger(__name__)


def modules(package: Path = PACKAGE) -> list[str]:
    """Every module below the package by its dotted name, but for the package itself and its command."""
    found = [path.relative_to(package).with_suffix("").parts for path in package.rglob("*.py")]
    names = {".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in found}
    return sorted(names - {"", "__main__"})


def source(module: str, package: Path = PACKAGE) -> str:
    path = package / Path(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")


def first_sentence(module: str, package: Path = PACKAGE) -> str:
    """What a module's docstring says before its first full stop."""
    text = " ".join((ast.get_docstring(ast.parse(source(module, package))) or "").partition("\n\n")[0].split())
    return text.partition(". ")[0].removesuffix(".")


def imports(module: str, package: Path = PACKAGE) -> set[str]:
    """Modules of the package that a module imports, wherever in it."""
    every, found = set(modules(package)), set()
    for node in ast.walk(ast.parse(source(module, package))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == package.name:
            below = node.module.partition(".")[2]
            found |= {".".join(filter(None, (below, alias.name))) for alias in node.names} | {below}
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[2] for alias in node.names if alias.name.startswith(package.name + ".")}
    return (found & every) - {module}


def problems(rooms: dict[str, list[str]], package: Path = PACKAGE) -> list[str]:
    """What is wrong with rooms, in their order: a module in none, in two or not there, an import from a later one."""
    every, listed = modules(package), [module for room in rooms.values() for module in room]
    found = [f"module {module!r} stands in no room" for module in every if module not in listed]
    found += [f"module {module!r} stands in two rooms" for module in every if listed.count(module) > 1]
    found += [f"module {module!r} does not exist" for module in listed if module not in every]
    seen: set[str] = set()
    for room, members in rooms.items():
        seen |= set(members)
        for module in filter(every.__contains__, members):
            later = sorted((imports(module, package) - seen) & set(listed))
            found += [f"module {module!r} in room {room!r} imports {other!r} of a later room" for other in later]
    return found


class Room(SphinxDirective):
    """A table of the modules named in the content: each with its first sentence and what it imports."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        members = " ".join(self.content).split()
        rooms = self.env.metadata[self.env.docname].setdefault("rooms", {})
        rooms[self.arguments[0]] = members
        known = [module for module in members if module in modules()]
        return [_table([("module", "what it is", "imports")], [self._row(module) for module in known])]

    def _row(self, module):
        used = [node for other in sorted(imports(module)) for node in (_reference(other), nodes.Text(", "))][:-1]
        return [_reference(module)], self.parse_inline(first_sentence(module))[0], used


class Reference(SphinxDirective):
    """The documentation of every module, from its docstrings."""

    def run(self):
        lines = []
        for module in modules():
            name = f"onepass.{module}"
            lines += [name, "-" * len(name), "", f".. automodule:: {name}", "   :members:", ""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _reference(module):
    return addnodes.pending_xref(
        "", nodes.literal("", module), refdomain="py", reftype="mod", reftarget=f"onepass.{module}", refwarn=True
    )


def _table(header, rows):
    group = nodes.tgroup(cols=3)
    group += [nodes.colspec(colwidth=width) for width in (20, 50, 30)]
    head, body = nodes.thead(), nodes.tbody()
    for part, lines in ((head, [[[nodes.Text(text)] for text in line] for line in header]), (body, rows)):
        for line in lines:
            row = nodes.row()
            for cell in line:
                row += nodes.entry("", nodes.paragraph("", "", *cell))
            part += row
    group += [head, body]
    return nodes.table("", group)


def check(app, env):
    rooms = {room: members for page in env.metadata.values() for room, members in page.get("rooms", {}).items()}
    for problem in problems(rooms):
        logger.warning("%s: see docs/architecture.md", problem)


def setup(app):
    app.add_directive("room", Room)
    app.add_directive("modules", Reference)
    app.connect("env-check-consistency", check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
