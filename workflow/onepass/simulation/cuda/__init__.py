"""The simulators on a GPU: which one is used, its kernels, and random numbers named by counters."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "backend": ["BACKENDS"],
    },
)
