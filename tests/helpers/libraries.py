"""The libraries that Snakemake and the project's jobs load, for processes that are forked from one that has them.

Matplotlib comes with its own settings, whatever those of the user are.
"""
# ruff: noqa: F401

import gc
import os
from importlib.util import find_spec
from pathlib import Path

os.environ["MATPLOTLIBRC"] = str(Path(find_spec("matplotlib").origin).with_name("mpl-data"))

import fontTools.subset
import grimp
import matplotlib.backends.backend_agg
import matplotlib.backends.backend_pdf
import netCDF4
import numba
import pydantic
import scipy.stats
import seaborn
import snakemake.cli
import snakemake.report.html_reporter
import sympy
import xarray

gc.freeze()  # what is here is never garbage: no process looks through it
