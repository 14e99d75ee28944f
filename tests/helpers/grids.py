"""Grids that take seconds, for tests that run the workflow."""

from onepass.pipeline.config import FIGURES

TINY = """
data: data/tiny
figures_folder: figures/tiny
experiments:
  he3: {protocols: [projected_square, projected_correlation], mu: [1.0, 1.5], dimensions: [32, 64, 128], replicas: 8}
  he3_large_batch: {protocols: [projected_square], mu: [1.5], dimensions: [100, 144], replicas: 8}
  square: {protocols: [projected_square], mu: [1.0], dimensions: [16, 32, 64], replicas: 8}
  he3_map_square: {mu: [1.0, 2.0]}
  giant_step_2: {mu: [2.5]}
  tuned_he3: {protocols: [projected_square], mu: [1.0], dimensions: [256, 1024]}
  chain_exactness:
    protocols:
      - projected_square
      - {loss: absolute, update: plain, momentum: heavy_ball, beta: 0.5, second_layer_rate: 1, label: y/(1 + y**2)}
    students: [1]
    batch_sizes: [2]
    dimensions: [16]
    replicas: 50
figures:
  time_exponents: &exponents [he3, he3_large_batch, square]
  exponent_summary: *exponents
  learning_rate_phase_diagram: [he3_map_square]
  giant_step: [giant_step_2]
  critical_batch: [tuned_he3]
  leap_exactness: [leaps_square]
  NOT_DRAWN
check: {experiments: *exponents}
fit: {resamples: 100}
"""  # a figure or two of each kind of experiment
DRAWN = (
    "time_exponents", "exponent_summary", "learning_rate_phase_diagram", "giant_step", "critical_batch",
    "leap_exactness", "chain_exactness",
)  # fmt: skip
TINY = TINY.replace("NOT_DRAWN", "\n  ".join(f"{name}: null" for name in FIGURES if name not in DRAWN))

SMALL = """
data: data/small
figures_folder: figures/small
experiments:
  he3:
    protocols: [projected_square]
    mu: [1.0]
    dimensions: [16, 32, 64]
    replicas: 8
    start: 1.0
    engine: sgd
  chain_exactness: {protocols: [projected_square], students: [1], batch_sizes: [2], dimensions: [16], replicas: 50}
fit: {resamples: 100}
"""
WANTED = ("data/small/exponents/he3.nc", "figures/small/chain_exactness.pdf")  # of SMALL: one result of each kind
