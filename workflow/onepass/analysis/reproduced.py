"""Whether exponents that were computed again agree with those that were kept."""

from collections.abc import Sequence

import numpy as np


def compared(kept: Sequence, again: Sequence) -> dict[str, list[str]]:
    """How the exponents of data sets of `onepass.analysis.fits` agree with those of others, point for point.

    "equal" are those that are the same number, "within" those inside the kept interval, "drift" all others, a point
    without an exponent in one of both among them.
    """
    found = {"equal": [], "within": [], "drift": []}
    for old, new in zip(kept, again, strict=True):
        for protocol in old.protocol.values:
            for mu in old.mu.values:
                place = {"protocol": protocol, "mu": mu}
                point, theta = old.sel(place), np.nan
                if protocol in new.protocol and mu in new.mu:
                    theta = float(new.theta.sel(place))
                before, low, high = (float(point[name]) for name in ("theta", "theta_low", "theta_high"))
                if theta == before or np.isnan([theta, before]).all():
                    verdict = "equal"
                else:
                    verdict = "within" if low <= theta <= high else "drift"
                name = old.attrs["experiment"]
                interval = f"{before:.4f} ({low:.4f} to {high:.4f})"
                found[verdict].append(f"{name}, {protocol}, mu = {mu:g}: {theta:.4f}, kept {interval}")
    return found
