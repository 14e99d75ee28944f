"""onepass: time and samples of one-pass SGD in two-layer networks, measured and predicted."""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "Formula": "formula",
    "Model": "model",
    "Protocol": "protocol",
    "simulate": "simulation",
    "solve_dynamics": "dynamics",
    "information_exponent": "hermite",
    "leap_index": "hermite",
    "leap_complexity": "hermite",
    "recovery_exponent": "phases",
    "learning_rate_exponent": "phases",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str):
    # Names load on first use: a simulation job never waits for what only a figure needs.
    if name not in _HOMES:
        raise AttributeError(f"module 'onepass' has no attribute {name!r}")
    return getattr(import_module(f"onepass.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
