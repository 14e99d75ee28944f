"""A target of the user's own: what it needs, an activation that can learn it, grids for it, warnings before a run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "requirements": ["needs"],
        "activation": ["default_activation"],
        "warnings": ["advice"],
    },
)
