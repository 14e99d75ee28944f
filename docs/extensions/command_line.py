"""The help of every command of `onepass`, as the command line prints it."""

import typer
from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from typer.testing import CliRunner

WIDTH = 96  # characters of a line


def helps() -> dict[str, str]:
    """What ``--help`` says, by the words of the command."""
    from onepass.cli.app import app

    found = {}
    for name in ("", *typer.main.get_command(app).commands):
        done = CliRunner().invoke(app, [*name.split(), "--help"], prog_name="onepass", terminal_width=WIDTH)
        found[f"onepass {name}".strip()] = done.output.strip()
    return found


class CommandLine(SphinxDirective):
    """Where it stands, the help of every command stands."""

    def run(self):
        sections = []
        for words, text in helps().items():
            section = nodes.section("", nodes.title("", "", nodes.literal("", words)), ids=[nodes.make_id(words)])
            section += nodes.literal_block(text, text, language="text")
            sections.append(section)
        return sections


def setup(app):
    app.add_directive("command-line", CommandLine)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
