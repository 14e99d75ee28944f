"""Docstrings as the project writes them, told to Napoleon and reStructuredText.

``name : text`` in a list of parameters is a description, whether it starts with a type or not; and what is no markup in
the eyes of the code's readers is none here.
"""

import re

LISTS = ("Parameters", "Attributes")
LITERAL = re.compile(r"(``.*?``|`.*?`)")
MARKUP = re.compile(r"\*(?=[A-Za-z])|\|")


def entries_as_descriptions(lines: list[str]) -> list[str]:
    """``name : text`` and its continuation as ``name`` with one indented paragraph, in sections that list names."""
    result: list[str] = []
    section = ""
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.strip() and re.fullmatch(r"-{3,}", following.strip()):
            section = line.strip()
        entry = re.fullmatch(r"(\S[\w*, ]*?) : (.+)", line)
        if section in LISTS and entry:
            result += [entry[1], f"    {entry[2]}"]
        elif section in LISTS and line.startswith(" ") and result and line.strip():
            text = line.strip()
            if result[-1].startswith(" ") and text[0].isupper() and result[-1][-1] not in ".:;,":
                result[-1] += "."  # a type, then a sentence
            result.append(f"    {text}")
        else:
            result.append(line)
    return result


def without_accidents(line: str) -> str:
    """Shapes such as ``*x.shape`` are no emphasis, norms such as ``|m|`` no substitutions."""
    return "".join(part if LITERAL.fullmatch(part) else MARKUP.sub(r"\\\g<0>", part) for part in LITERAL.split(line))


def prepare(app, what, name, obj, options, lines):
    lines[:] = [without_accidents(line) for line in entries_as_descriptions(lines)]
    if what == "property":  # where Napoleon takes what stands before a colon for a type
        lines[:1] = [line.replace(": ", ", ", 1) for line in lines[:1]]


def skip_fields(app, what, name, obj, skip, options):
    """Fields of a named tuple have nothing to say but their number; the source says what they are."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app):
    app.connect("autodoc-process-docstring", prepare, priority=400)  # before Napoleon
    app.connect("autodoc-skip-member", skip_fields)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
