"""The chain's kernel, compiled for one model and kept on disk for every later job.

Numba inlines the formulas only if they stand in the same program as the loop, and keeps machine code only of
functions that stand in a file. So each model gets a file of its own: `kernel.py` with the lines of the
model replaced, and for the engine of very large batches also those of the batch's sums.
"""

import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numba

from onepass.files import atomic, cache_folder
from onepass.formulas import evaluation
from onepass.model import Model
from onepass.simulation.chain import kernel, leap_kernel, leap_nodes, leap_series, sums_nodes, sums_series
from onepass.sources import code_version

# Read as this module is: an edit while a job works must not reach it.
_KERNEL = inspect.getsource(kernel)
_SUMS = {"samples": _KERNEL, "series": inspect.getsource(sums_series), "nodes": inspect.getsource(sums_nodes)}
_LEAPS = {"series": inspect.getsource(leap_series), "nodes": inspect.getsource(leap_nodes)}
_RUN = inspect.getsource(leap_kernel)
# What leaps need beside the names that the kernel has.
_NEEDED = """from onepass.simulation.chain.batch_law import ORDER
from onepass.simulation.chain.drift import dot, tangents
from onepass.simulation.chain.limits import BENT, FLOOR, Limits
"""
_FUNCTIONS = [inspect.getsource(function) for function in evaluation.HELPERS]
MODEL, SUMS, LEAP, RUN, RESPONSE = (
    re.compile(f"# <{part}>.*# </{part}>", re.DOTALL) for part in ("model", "sums", "leap", "run", "response")
)
SAMPLES = SUMS.search(_KERNEL).group()  # the chain's own sums


def model_kernel(model: Model, form: str = "samples", leaps: str = "") -> ModuleType:
    """The module of `kernel` with the target, activation and widths of `model`, and the sums of a form of batch.

    With the name of a form of leaps, its ``run_leaps`` (`leap_kernel`) too.
    """
    code = code_version(__name__)
    return kept_module([*_identity(model), form, leaps, code], lambda: _source(model, form, leaps))


def composed_module(model: Model, sums: str, run: str, code: str) -> ModuleType:
    """The module of `kernel` of a model with other sums over a batch, followed by the source of another run.

    ``code`` is the version of the code that these are of.
    """

    def source() -> str:
        return SUMS.sub(lambda _: sums, _source(model, "samples", "")) + f"\n\n{run}"

    return kept_module([*_identity(model), sums, run, code], source)


def kept_module(identity: list[str], source: Callable[[], str]) -> ModuleType:
    """The module of a source, by all that the source depends on.

    Its file is made at the first call with this identity, in the `cache_folder`; many jobs may do so at once.
    """
    digest = hashlib.sha256("\0".join([*identity, numba.__version__]).encode()).hexdigest()
    name = f"onepass_kernel_{digest[:24]}"
    if name in sys.modules:
        return sys.modules[name]
    path = cache_folder() / f"{name}.py"
    if not _is_whole(path):
        text = source()
        with atomic(path) as part:
            part.write_text(f"{_heading(text)}\n{text}", encoding="utf-8")
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def _identity(model: Model) -> list[str]:
    return [model.target_formula.text, model.activation_formula.text, f"{model.students} {model.teachers}"]


def _is_whole(path: Path) -> bool:
    """Whether a file is there, and not cut as a full disk leaves it: its first line knows the others."""
    try:
        heading, _, source = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return False
    return heading == _heading(source)


def _heading(source: str) -> str:
    return f"# {hashlib.sha256(source.encode()).hexdigest()}"


def _source(model: Model, form: str, leaps: str) -> str:
    functions = [
        *_FUNCTIONS,
        model.target_formula.source("target"),
        model.activation_formula.source("activation"),
        model.activation_formula.source("derivative", derivative=True),
    ]
    widths = f"STUDENTS, TEACHERS = {model.students}, {model.teachers}"
    block = "\n\n".join(["from math import *", widths, *(f"@njit\n{function}" for function in functions)])
    own = SUMS.search(_SUMS[form]).group()
    source = SUMS.sub(lambda _: own, MODEL.sub(lambda _: block, _KERNEL))
    if leaps:
        leap = LEAP.search(_LEAPS[leaps]).group()
        source += f"\n\n{_NEEDED}\n" + LEAP.sub(lambda _: leap, RUN.search(_RUN).group())
    return source
