"""How the documentation is built: `make docs`. Nothing is fetched, neither at build time nor by a reader's browser."""

import os
import sys
from pathlib import Path

# Compiled functions are documented as what they are written as.
os.environ["NUMBA_DISABLE_JIT"] = "1"

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent / "workflow")]

import onepass  # noqa: E402

project = "onepass"
author = "The onepass authors"
copyright = "the onepass authors"
version = release = onepass.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "mathml",
    "docstrings",
    "listing",
    "configuration",
    "command_line",
    "plain_markdown",
]
exclude_patterns = ["_build", "gallery"]
toc_object_entries = False  # hundreds in every page's navigation otherwise, half the time of a build
nitpicky = True  # a reference to nothing is a warning, and a warning fails the build
default_role = "code"  # single backticks in docstrings name things of the code
highlight_language = "text"

myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say it in words
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = ["Returns", "Yields", ("Attributes", "params_style")]  # the first two are prose

html_theme = "furo"
html_title = "onepass"
html_static_path = ["static"]
html_css_files = ["onepass.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
