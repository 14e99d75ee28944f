"""The last lines of a run: its exponents beside the plain ones and the theory's, and why others have none."""

import json
from collections.abc import Sequence

import numpy as np

HEAD = (
    "onepass: exponents of T ∝ d^θ: θ with the noiseless climb divided out, plain with nothing divided out (theory); "
    "at tuned rates plain alone"
)


def closing(fits: Sequence) -> str:
    """The lines on data sets of `onepass.analysis.fits.fit_experiment`; a row for every experiment and μ.

    Of experiments at one dimension, which ask for no exponent, their failures alone.
    """
    every, fits = fits, [dataset for dataset in fits if dataset.dimension.size > 1]
    if not fits:
        return "\n".join(_failures(every))
    protocols = list(dict.fromkeys(str(name) for dataset in fits for name in dataset.protocol.values))
    rows = [["", "mu", *protocols]]
    for dataset in fits:
        own = set(dataset.protocol.values)
        for mu in dataset.mu.values:
            found = [_told(dataset.sel(protocol=name, mu=mu)) if name in own else "" for name in protocols]
            rows.append([str(dataset.attrs["experiment"]), f"{mu:g}", *found])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([HEAD, *lines, *_rounds(fits), *_without(fits), *_failures(every)])


def _told(series) -> str:
    """``1.00, 1.02 (1)``, as the figures write it."""
    if not np.isfinite(series.theta):
        return f"no fit{_theory(series)}"
    shown = [f"{round(float(series[name]), 2) + 0.0:.2f}" for name in ("theta", "theta_plain") if name in series]
    return f"{', '.join(shown)}{_theory(series)}"


def _theory(series) -> str:
    """Nothing where the theory knows none."""
    return f" ({float(series.theta_theory):g})" if np.isfinite(series.theta_theory) else ""


def _rounds(fits) -> list[str]:
    """How well the exponents are known of those that replicas were doubled for, a line an experiment."""
    return [
        f"onepass: rounds of {of['experiment']} ended with {of['replicas']} replicas: θ is known to ± "
        f"{float((dataset.theta_high - dataset.theta_low).max()) / 2:.2g} or better, asked for ± {asked:g}"
        f"{_unknown(int(dataset.theta.isnull().sum()))}"
        for dataset, of in ((each, each.attrs) for each in fits)
        if (asked := (json.loads(of.get("until") or "null") or {}).get("theta_halfwidth"))
        and dataset.theta.notnull().any()
    ]


def _unknown(rows: int) -> str:
    return f"; {rows} rows have none" if rows else ""


def _without(fits) -> list[str]:
    """Why there is no exponent where there is none, a line a reason."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for dataset in fits:
        for protocol in dataset.protocol.values:
            for mu in dataset.mu.values:
                if reason := str(dataset.reason.sel(protocol=protocol, mu=mu).values):
                    key = str(dataset.attrs["experiment"]), reason
                    reasons.setdefault(key, []).append(f"{protocol} at mu = {mu:g}")
    return [f"onepass: no exponent in {name} of {', '.join(of)}: {why}" for (name, why), of in reasons.items()]


def _failures(fits) -> list[str]:
    """How many replicas of each experiment did not recover; none where all did."""
    counts = []
    for dataset in fits:
        each = int(dataset.attrs["replicas"])
        failed = int(np.round((1 - dataset.recovered_fraction) * each).sum())
        if failed:
            counts.append(f"{failed} of {each * dataset.recovered_fraction.size} of {dataset.attrs['experiment']}")
    return [f"onepass: replicas that did not recover within their budget: {', '.join(counts)}"] if counts else []
