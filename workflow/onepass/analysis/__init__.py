"""From recovery times to exponents: censored medians, fits with intervals, kinks, tests of equal laws, verdicts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "recovery": ["median_recovery"],
        "scaling": ["fit_exponent"],
        "fits": ["fit_experiment"],
        "kinks": ["fit_kink"],
        "exactness": ["compare"],
    },
)
