"""Formulas run as their sources say, without a compiler."""

import numpy as np
from onepass.formulas.evaluation import HELPERS

POINTS = np.array([-2.3, -1.45, -0.85, -0.35, 0.15, 0.65, 1.1, 1.75, 2.4])  # 0.15 away from any kink below


def compiled_namespace():
    """What a source finds around it in the file that `onepass.simulation.chain.build` writes."""
    names = {}
    exec("from math import *", names)
    return names | {helper.__name__: helper for helper in HELPERS}


def scalar(formula, **options):
    names = compiled_namespace()
    exec(formula.source("function", **options), names)
    return names["function"]


def close(values, reference, tolerance):
    """Relative to the value, and where it is small to the function's size."""
    np.testing.assert_allclose(values, reference, rtol=tolerance, atol=tolerance * np.max(np.abs(reference)))
