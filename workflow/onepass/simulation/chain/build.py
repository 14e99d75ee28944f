"""The chain's kernel, compiled for one model and kept on disk for every later job.

Numba inlines the formulas only if they stand in the same program as the loop, and keeps machine code only of
functions that stand in a file. So each model gets a file of its own: `kernel.py` with the lines of the
model replaced, and for the engine of very large batches also those of the batch's sums.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
from types import ModuleType

import numba

from onepass.files import atomic, cache_folder
from onepass.formulas import evaluation, printing
from onepass.model import Model
from onepass.simulation.chain import kernel

MODEL, SUMS = (re.compile(f"# <{part}>.*# </{part}>", re.DOTALL) for part in ("model", "sums"))


def model_kernel(model: Model, sums: ModuleType = kernel) -> ModuleType:
    """The module of `kernel` with the target, activation and widths of `model`, and the sums of `sums`.

    Its file is made at the first call for such a model, in the `cache_folder`; many jobs may do so at once.
    """
    name = _name(model, sums)
    if name in sys.modules:
        return sys.modules[name]
    path = cache_folder() / f"{name}.py"
    if not path.exists():
        with atomic(path, replace=False) as part:  # its date keys the compiled code
            part.write_text(_source(model, sums), encoding="utf-8")
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def _name(model: Model, sums: ModuleType) -> str:
    parts = [
        model.target_formula.text,
        model.activation_formula.text,
        f"{model.students} {model.teachers}",
        inspect.getsource(kernel),
        inspect.getsource(sums),
        inspect.getsource(evaluation),
        inspect.getsource(printing),
        numba.__version__,
    ]
    return "onepass_kernel_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _source(model: Model, sums: ModuleType) -> str:
    functions = [
        inspect.getsource(evaluation.sign),
        inspect.getsource(evaluation.heaviside),
        model.target_formula.source("target"),
        model.activation_formula.source("activation"),
        model.activation_formula.source("derivative", derivative=True),
    ]
    widths = f"STUDENTS, TEACHERS = {model.students}, {model.teachers}"
    block = "\n\n".join(["from math import *", widths, *(f"@njit\n{function}" for function in functions)])
    own = SUMS.search(inspect.getsource(sums)).group()
    return SUMS.sub(lambda _: own, MODEL.sub(lambda _: block, inspect.getsource(kernel)))
