"""onepass: time and samples of one-pass SGD in two-layer networks, measured and predicted."""

import lazy_loader

__version__ = "0.1.0"

# Names load on first use: a simulation job never waits for what only a figure needs.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "formulas.formula": ["Formula"],
        "gaussian.generative": ["generative_exponent"],
        "gaussian.information": ["information_exponent", "leap_complexity", "leap_index"],
        "model": ["Model"],
        "protocol": ["Protocol"],
        "simulation.simulate": ["simulate"],
        "simulation.tune": ["tune"],
        "theory.dynamics": ["solve_dynamics"],
        "theory.exponents": ["learning_rate_exponent", "recovery_exponent"],
        "theory.losses": ["loss_information_exponent"],
    },
)
__all__ = ["__version__", *__all__]
