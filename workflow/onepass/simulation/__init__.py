"""One-pass SGD simulated: `simulate` and its engines, from d-dimensional SGD to the chain that does not know d."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "parameters": ["ENGINES"],
    },
)
