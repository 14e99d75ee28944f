"""From recovery times to exponents: censored medians, fits with intervals, kinks, tests of equal laws, verdicts."""
