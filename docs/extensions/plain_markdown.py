"""Ordinary Markdown, as a git host shows it too, told to Sphinx.

A name of the package in backticks is a link to its reference, one that is not there a warning of the build; a picture
opens at full size.
"""

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.util.nodes import get_node_source

NAME = re.compile(r"onepass(\.\w+)+")


def link_names(app, doctree) -> None:
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext()
        linked = isinstance(literal.parent, (nodes.reference, addnodes.pending_xref))
        if NAME.fullmatch(name) and not linked and "docstring of" not in (get_node_source(literal) or ""):
            place = {"refdomain": "py", "reftype": "obj", "reftarget": name, "refdoc": app.env.docname}
            link = addnodes.pending_xref("", **place, refexplicit=False, refwarn=True)
            link.line, link.source = literal.line, literal.source
            link += nodes.literal(name, name, classes=["xref", "py"])
            literal.replace_self(link)


def open_pictures(app, doctree) -> None:
    """Sphinx links a picture to its file where it has a width of its own."""
    for picture in doctree.findall(nodes.image):
        picture.setdefault("width", "100%")


def setup(app):
    app.connect("doctree-read", link_names)
    app.connect("doctree-read", open_pictures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
