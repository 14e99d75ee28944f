"""Models whose Gaussian means are known in several ways, and states of their students."""

import numpy as np
import onepass

ERF = "erf(x/sqrt(2))"
COMMITTEE = onepass.Model("mean(erf(x1/sqrt(2)), erf(x2/sqrt(2)))", ERF, students=2, noise=0.1)
MODELS = {  # with nodes a dimension at which an independent rule has converged, and whether that runs over pairs
    "erf": (onepass.Model("erf(x1/sqrt(2))", ERF, noise=0.2), 70, False),
    "erf-oblique": (onepass.Model("0.3*erf(x1/sqrt(2)) - 2*erf((x1 + 2*x2)/3)", ERF), 70, False),
    "erf-committee": (COMMITTEE, 90, True),
    "erf-wide": (
        onepass.Model("erf(x1/sqrt(2)) - 0.5*erf(x2/sqrt(2))", ERF, students=3, second_layer=(1, -1, 0.4), noise=0.1),
        80,
        True,
    ),
    "He3": (onepass.Model("He3(x1)", "He3", noise=0.1), 7, True),
    "He2+He3": (onepass.Model("He3(x1) + He2(x2)", "He3", students=2, second_layer=(1, -0.7), noise=0.1), 9, True),
    "coupled": (onepass.Model("x1 + x1*x2", "He2", students=2, second_layer=(1, -0.7), noise=0.1), 9, False),
}


def state(model, *, aligned=False, seed=0):
    """Random unit students; aligned ones lie in the teacher's span, so that Q = M Mᵀ has no inverse left."""
    p, k = model.students, model.teachers
    factor = np.random.default_rng(seed).standard_normal((p, k + p))
    factor[:, k:] *= not aligned
    factor /= np.linalg.norm(factor, axis=1, keepdims=True)
    return factor[:, :k].copy(), factor @ factor.T
