"""Formulas as MathML, which browsers set by themselves: no script, no font and no network, read offline as online.

The converter is that of docutils, on which Sphinx stands. LaTeX that it does not know is a warning of the build.
"""

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)


def _mathml(node, *, block: bool) -> str:
    try:
        return tex2mathml(node.astext(), as_block=block)
    except MathError as error:
        logger.warning("no MathML for %r: %s", node.astext(), error, location=node)
        return ""


def visit_inline(translator, node) -> None:
    translator.body.append(_mathml(node, block=False))
    raise nodes.SkipNode


def visit_block(translator, node) -> None:
    translator.body.append(f'<div class="math-block">{_mathml(node, block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", inline_renderers=(visit_inline, None), block_renderers=(visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
