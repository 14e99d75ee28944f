"""Backend: the array namespace in which the simulations run, chosen once."""

from __future__ import annotations

import numpy as np

BACKENDS = ("auto", "numpy", "cupy")


class BackendError(ValueError):
    """A backend that does not exist or cannot be used here."""


def array_namespace(backend: str):
    """The array module of a backend; ``auto`` is the fastest one that this version can use.

    Raises
    ------
    BackendError
        For an unknown name, and for ``cupy``: its random streams are not part of this version.
    """
    if backend not in BACKENDS:
        raise BackendError(f"backend {backend!r} is unknown; allowed: {', '.join(BACKENDS)}")
    if backend == "cupy":
        raise BackendError("backend 'cupy' is not part of this version yet; use 'auto' or 'numpy'")
    return np
