"""What is predicted: exponents and diagrams, low-dimensional equations, times from first principles."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "exponents": ["learning_rate_exponent", "may_learn", "recovery_exponent", "regime", "sample_exponent"],
        "diagrams": ["learning_rate_diagram", "ode_diagram", "time_diagram"],
        "dynamics": ["solve_dynamics"],
        "exit_time": ["exit_rates", "exit_time"],
        "losses": ["loss_information_exponent", "transformed_label"],
        "momentum": ["momentum_lag"],
        "smoothing": ["smoothed_recovery_exponent", "smoothed_sample_exponent"],
        "moments": ["expectations"],
    },
)
