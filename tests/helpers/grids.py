"""Grids that take seconds, for tests that run the workflow."""

TINY = """
data: data/tiny
figures_folder: figures/tiny
experiments:
  he3: {protocols: [projected_square, projected_correlation], mu: [1.0, 1.5], dimensions: [32, 64, 128], replicas: 8}
  he3_large_batch: {protocols: [projected_square], mu: [1.5], dimensions: [100, 144], replicas: 8}
  square: {protocols: [projected_square], mu: [1.0], dimensions: [16, 32, 64], replicas: 8}
  he3_map_square: {mu: [1.0, 2.0]}
  he3_paper_rate: &one_row {protocols: [projected_square], mu: [1.0]}
  he3_small_rate: *one_row
  giant_step_2: {mu: [2.5]}
  gaussian_step: {batch_sizes: [30]}
  weak_recovery: {protocols: [projected_square]}
  wide_student: {protocols: [projected_square]}
  adaptive_sgd: {protocols: [projected_square, projected_adaptive]}
  chain_exactness:
    protocols: [projected_square, spherical_correlation]
    students: [1]
    batch_sizes: [2]
    dimensions: [16]
    replicas: 50
figures:
  recovery_scaling: &exponents [he3, he3_large_batch, square]
  sample_complexity: *exponents
  time_exponents: *exponents
  time_batch_phase_diagram: *exponents
  exponent_summary: *exponents
  learning_rate_phase_diagram: [he3_map_square]
  wide_student: [wide_student]
  ode_regimes: [ode_flow]
  giant_step: [giant_step_2]
  multi_index: [multi_index]
  leap: [leap_staircase]
check: {experiments: *exponents}
fit: {resamples: 100}
"""  # every figure

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
    tolerance: null
    gaussian_from: null
  chain_exactness: {protocols: [projected_square], students: [1], batch_sizes: [2], dimensions: [16], replicas: 50}
fit: {resamples: 100}
"""
WANTED = ("data/small/exponents/he3.nc", "figures/small/chain_exactness.pdf")  # of SMALL: one result of each kind
