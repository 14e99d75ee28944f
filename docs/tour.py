"""The notebook as a page: its text, the code of its cells, and what they show. Called by `docs/publish.py`."""

from __future__ import annotations

import ast
import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from textwrap import dedent

from matplotlib.figure import Figure
from onepass.figures import style

NOTEBOOK = Path(__file__).parent / "notebook.py"
ALTERNATIVES = (  # texts of the pictures, in their order
    "Overlaps of twelve runs rise from 0.1 to 1 within 200 steps, the mean process among them",
    "Recovery times at four dimensions, a cloud of runs each, on a line of the fitted slope",
)


def page(pictures: Path) -> str:
    """Run it, write its pictures into a folder, and return what stands between the marks of docs/notebook.md."""
    from notebook import app

    printed = io.StringIO()
    with redirect_stdout(printed):
        outputs, _ = app.run()
    parts, alternatives = [], enumerate(ALTERNATIVES, 1)
    for code, output in zip(cells(), outputs, strict=True):
        if text := prose(code):
            parts.append(text)
            continue
        parts.append(f"```python\n{code}\n```")
        if "print(" in code:
            parts.append(f"```text\n{printed.getvalue().strip()}\n```")
        if isinstance(output, Figure):
            number, alternative = next(alternatives)
            name = f"notebook_{number}.png"
            style.save(output, [pictures / name])
            parts.append(f"![{alternative}]({pictures.name}/{name})")
    return "\n\n".join(parts)


def cells() -> list[str]:
    """The code of each cell, without what it hands on."""
    source = NOTEBOOK.read_text()
    bodies = [node.body for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    lines = source.splitlines()
    return [dedent("\n".join(lines[body[0].lineno - 1 : body[-1].lineno - 1])).strip() for body in bodies]


def prose(code: str) -> str:
    """The text of a cell that is text alone; a heading is one below the page's own."""
    found = re.fullmatch(r'mo\.md\("""\n(.*)\n"""\)', code, re.DOTALL)
    return re.sub("^#", "##", dedent(found[1]).strip(), flags=re.MULTILINE) if found else ""
