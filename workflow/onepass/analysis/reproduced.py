"""Whether exponents that were computed again agree with those that were kept."""

import numpy as np


def compared(kept, again) -> dict[str, list[str]]:
    """How the exponents of two data sets of `onepass.analysis.fits` agree, point for point.

    "equal" are those that are the same number, "within" those inside the kept interval, "drift" all others, a point
    without an exponent in one of both among them.
    """
    found = {"equal": [], "within": [], "drift": []}
    for protocol in kept.protocol.values:
        for mu in kept.mu.values:
            place = {"protocol": protocol, "mu": mu}
            old, theta = kept.sel(place), np.nan
            if protocol in again.protocol and mu in again.mu:
                theta = float(again.theta.sel(place))
            low, high = float(old.theta_low), float(old.theta_high)
            if theta == float(old.theta) or np.isnan([theta, float(old.theta)]).all():
                verdict = "equal"
            else:
                verdict = "within" if low <= theta <= high else "drift"
            interval = f"{float(old.theta):.4f} ({low:.4f} to {high:.4f})"
            found[verdict].append(f"{kept.attrs['experiment']}, {protocol}, mu = {mu:g}: {theta:.4f}, kept {interval}")
    return found
