"""What it costs an interval of θ that replicas were added until it was narrow: how often it holds θ then.

Recovery times are drawn around a power law, at five dimensions or at two, with a long tail towards slow runs; the
rounds are those of `onepass.pipeline.rounds`. ``python benchmarks/stopping.py`` prints, for many half-widths asked for,
how often the last interval holds the true θ, and its error in half-widths; and above that how often intervals of
numbers of replicas do that were chosen before.
"""

import sys

import numpy as np
from onepass.analysis.scaling import fit_exponent

DIMENSIONS, THETA = {5: 256 * 2 ** np.arange(5), 2: np.array([256, 4096])}, 1.0
REPLICAS = 16 * 2 ** np.arange(6)
WIDTHS = np.geomspace(0.015, 0.12, 10)
RESAMPLES = 400


def rounds(dimensions: np.ndarray, trials: int, seed: int = 1) -> np.ndarray:
    """Of every trial and round θ and its bounds, (trials, rounds, 3)."""
    rng, found = np.random.default_rng(seed), np.empty((trials, len(REPLICAS), 3))
    for trial in found:
        relative = 1 - np.log(abs(rng.standard_normal((len(dimensions), REPLICAS[-1])))) / 5
        times = np.round(50.0 * dimensions[:, None] ** THETA * np.maximum(relative, 0.1))
        for place, replicas in enumerate(REPLICAS):
            runs = times[:, :replicas], np.ones((len(dimensions), replicas), dtype=bool)
            fit = fit_exponent(dimensions, *runs, points=5, resamples=RESAMPLES, rng=rng)
            trial[place] = fit.theta, fit.theta_low, fit.theta_high
    return found


def stopped(found: np.ndarray, width: float) -> np.ndarray:
    """The round in which each trial ends."""
    narrow = (found[..., 2] - found[..., 1]) / 2 <= width
    return np.where(narrow.any(axis=1), narrow.argmax(axis=1), len(REPLICAS) - 1)


def holds(found: np.ndarray) -> np.ndarray:
    """Which intervals hold the true θ."""
    return (found[..., 1] <= THETA) & (found[..., 2] >= THETA)


def main(trials: int = 1000) -> None:
    for count, dimensions in DIMENSIONS.items():
        found = rounds(dimensions, trials)
        print(f"{count} dimensions, chosen before: {holds(found).mean(axis=0).round(3)} with {REPLICAS} replicas")
        for width in WIDTHS:
            last = stopped(found, width)
            end = found[np.arange(trials), last]
            error = 2 * (end[:, 0] - THETA) / (end[:, 2] - end[:, 1])
            print(
                f"  θ ± {width:.3f}: {holds(end).mean():.3f} hold θ, error {error.mean():+.3f} ± "
                f"{error.std() / trials**0.5:.3f} half-widths, rounds {np.bincount(last, minlength=len(REPLICAS))}",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
