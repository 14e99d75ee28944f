"""What it costs an interval of θ that replicas were added until it was narrow: how often it holds θ then.

Recovery times are drawn around a power law, their logarithm from a Gaussian or, of long tails, from an exponential
climb; the rounds are those of `onepass.pipeline.rounds`. ``python benchmarks/stopping.py`` prints, for rounds from 64
replicas to 4096 and many half-widths asked for, how often the last interval holds the true θ, and its error in
half-widths; beside both those of a number of replicas that was chosen before.
"""

import sys

import numpy as np
from onepass.analysis.scaling import fit_exponent

DIMENSIONS, THETA, SPREAD = np.array([256, 512, 1024, 2048, 4096]), 1.0, 0.3
REPLICAS = 64 * 2 ** np.arange(7)
WIDTHS = np.geomspace(0.008, 0.06, 13)


def drawn(rng, law: str, replicas: int) -> np.ndarray:
    """Recovery times (d, replica) in steps."""
    normal = rng.standard_normal((len(DIMENSIONS), replicas))
    relative = np.exp(SPREAD * normal) if law == "log-normal" else np.maximum(1 - np.log(abs(normal)) / 5, 0.1)
    return np.round(50.0 * DIMENSIONS[:, None] ** THETA * relative)


def fitted(rng, times) -> tuple[float, float, float]:
    """θ of the first replicas, and its bounds."""
    found = fit_exponent(DIMENSIONS, times, np.ones(times.shape, dtype=bool), points=5, resamples=400, rng=rng)
    return found.theta, found.theta_low, found.theta_high


def rounds(law: str, trials: int, seed: int = 1) -> np.ndarray:
    """Of every trial and round θ and its bounds, (trials, rounds, 3)."""
    rng, found = np.random.default_rng(seed), np.empty((trials, len(REPLICAS), 3))
    for trial in found:
        times = drawn(rng, law, REPLICAS[-1])
        trial[:] = [fitted(rng, times[:, :replicas]) for replicas in REPLICAS]
    return found


def stopped(found: np.ndarray, width: float) -> np.ndarray:
    """The round in which each trial ends."""
    narrow = (found[..., 2] - found[..., 1]) / 2 <= width
    return np.where(narrow.any(axis=1), narrow.argmax(axis=1), len(REPLICAS) - 1)


def holds(found: np.ndarray) -> np.ndarray:
    return (found[..., 1] <= THETA) & (found[..., 2] >= THETA)


def main(trials: int = 2000) -> None:
    for law in ("log-normal", "climb"):
        found = rounds(law, trials)
        np.save(f"/tmp/h/extend/{law}.npy", found)
        print(f"{law}: chosen before {holds(found).mean(axis=0).round(3)} with {REPLICAS} replicas")
        for width in WIDTHS:
            last = stopped(found, width)
            end = found[np.arange(trials), last]
            error = (end[:, 0] - THETA) / (end[:, 2] - end[:, 1]) * 2
            counts = np.bincount(last, minlength=len(REPLICAS))
            print(
                f"  θ ± {width:.3f}: holds θ in {holds(end).mean():.3f}, error {error.mean():+.3f} ± "
                f"{error.std() / trials**0.5:.3f} half-widths, ends in rounds {counts}",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
