"""Means over Gaussian inputs: Hermite expansions, the exponents read off them, quadrature rules, the risk."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "generative": ["generative_exponent"],
        "hermite": ["hermite_coefficients", "hermite_tensor"],
        "information": ["information_exponent", "leap_complexity", "leap_index"],
        "risk": ["population_risk", "risk_series"],
    },
)
