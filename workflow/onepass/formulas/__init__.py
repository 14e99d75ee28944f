"""Formulas of targets and activations: written once as text; derivatives, values and source code follow."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "formula": ["Formula"],
        "language": ["FormulaError"],
    },
)
