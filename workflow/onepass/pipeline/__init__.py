"""From a configuration to results that are whole or not there: grids, cells, files, what a run says of itself."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cell": ["Cell"],
        "grid": ["cells_of"],
        "store": ["read", "read_cell"],
        "validation": ["validated"],
    },
)
