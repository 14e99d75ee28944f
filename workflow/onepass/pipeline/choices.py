"""Every choice of a protocol in words, for the schema of the configuration and for the command line."""

ABOUT = {
    "loss": "What is descended: a loss by name, or a formula psi(y, f) = -dloss/df, for instance y*exp(-y*f).",
    "update": "projected (a step, then back to the sphere), spherical (the gradient's tangent part, then the same) or "
    "plain (a step and no more: norms move).",
    "schedule": "constant, or adaptive: correlation loss first, square loss at a falling rate once the risk is low.",
    "label": "Formula phi(y) that labels go through, for instance sign(y); left out or null, none.",
    "direction": "What a step is along: the gradient; normalised, rows (divided by its norm, or row by row); clipped "
    "(at the norm clip); polar (made orthogonal).",
    "momentum": "none, heavy_ball or nesterov, with beta.",
    "velocity": "left, or transported: kept tangent to the sphere.",
    "huber_delta": "Where the loss huber goes on straight; above 0.",
    "clip": "Norm at which direction clipped cuts the gradient; above 0.",
    "beta": "What a step leaves of the velocity; from 0, below 1.",
    "weight_decay": "omega: weights are multiplied by 1 - gamma omega before each step; 0 or more.",
    "second_layer_rate": "Learning rate of the second layer in units of gamma; 0 keeps it fixed.",
    "smoothing": "Radius of the smoothed landscape of the correlation loss; 0 smooths nothing.",
    "lookahead": "none, or where the same samples give the gradient again: sample (each after a step of its own) or "
    "batch (all after a step along their mean).",
    "lookahead_rate": "rho0 of that step, whose size is rho0 / d (sample) or rho0 n_b / d (batch); 0 or more.",
    "passes": "Consecutive steps on the same batch; a whole number, 1 or more.",
}
