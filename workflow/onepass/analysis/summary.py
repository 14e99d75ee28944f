"""All measured exponents in one table, each with its verdict, and the kinks of θ(μ): what a referee asks for."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from onepass.analysis.kinks import Kink, fit_kink
from onepass.simulation.records import labelled
from onepass.theory.exponents import optimal_batch_exponent

# Columns of the table of exponents: name, meaning, units.
COLUMNS = {
    "experiment": ("name of the experiment", ""),
    "target": ("formula of the target", ""),
    "information_exponent": ("information exponent ℓ", "1"),
    "protocol": ("training protocol", ""),
    "mu": ("exponent of the batch size", "1"),
    "theta_theory": ("time exponent of the theory", "1"),
    "theta": ("measured time exponent", "1"),
    "theta_low": ("lower 95 % bound of it", "1"),
    "theta_high": ("upper 95 % bound of it", "1"),
    "theta_plain": ("slope of the plain medians, nothing divided out", "1"),
    "theta_plain_low": ("lower 95 % bound of it", "1"),
    "theta_plain_high": ("upper 95 % bound of it", "1"),
    "theta_limit": ("measured time exponent with a correction 1 + c/√d fitted beside it", "1"),
    "theta_limit_low": ("lower 95 % bound of it", "1"),
    "theta_limit_high": ("upper 95 % bound of it", "1"),
    "log_power": ("power of log d beside the theory's power of d", "1"),
    "log_power_low": ("lower 95 % bound of it", "1"),
    "log_power_high": ("upper 95 % bound of it", "1"),
    "sample_exponent": ("exponent of the number of samples", "1"),
    "time_ratio": ("median time at the largest d over the one from first principles", "1"),
    "failures": ("replicas that did not recover within their budget, all d together", "1"),
    "replicas": ("replicas, all d together", "1"),
    "largest_dimension": ("largest dimension", "1"),
    "covered": ("whether the interval, not below the resolution, holds the theory", "1"),
    "verdict": ("agreement with the theory", ""),
}
KINK_COLUMNS = ("target", "information_exponent", "protocol", "theory", *Kink._fields)


def table(fits: Sequence, tolerances: Sequence[float], resolution: float) -> pd.DataFrame:
    """One row with `COLUMNS` for every protocol and μ of the data sets of `onepass.analysis.fits.fit_experiment`.

    Tolerances are the allowed ``|θ − θ of the theory|`` at ℓ = 1, 2, …, the last one for all larger ℓ; an interval
    counts as reaching as far as `resolution` from θ at least. The verdict is ``agrees``, ``interval misses`` (within
    the tolerance, but the interval does not hold the theory), ``noise`` (beyond the tolerance, the interval holds it),
    ``finite size`` (beyond it; extrapolated to infinite d the interval holds it), ``disagrees``, or why there is no
    fit.
    """
    rows = [
        _row(dataset, dataset.sel(protocol=protocol, mu=mu), str(protocol), float(mu), tolerances, resolution)
        for dataset in fits
        for protocol in dataset.protocol.values
        for mu in dataset.mu.values
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(
        ["information_exponent", "target", "protocol", "mu"], kind="stable", ignore_index=True
    )


def _row(dataset, series, protocol, mu, tolerances, resolution):
    ell, replicas = int(dataset.attrs["information_exponent"]), int(dataset.attrs["replicas"])
    row = {"experiment": dataset.attrs["experiment"], "target": dataset.attrs["target"], "protocol": protocol, "mu": mu}
    numbers = [name for name in COLUMNS if name in series and series[name].ndim == 0 and name not in row]
    row |= {name: float(series[name]) for name in numbers}
    largest = series.isel(dimension=int(series.dimension.values.argmax()))
    return row | {
        "information_exponent": ell,
        "time_ratio": float(largest["median"] / largest.time_theory),
        "failures": int(np.round((1 - series.recovered_fraction) * replicas).sum()),
        "replicas": replicas * series.sizes["dimension"],
        "largest_dimension": int(largest.dimension),
        "covered": _covered(series, resolution),
        "verdict": _verdict(series, tolerances[min(ell, len(tolerances)) - 1], resolution),
    }


def _covered(series, resolution):
    low, high = min(series.theta_low, series.theta - resolution), max(series.theta_high, series.theta + resolution)
    return bool(low <= series.theta_theory <= high)


def _verdict(series, tolerance, resolution):
    if not np.isfinite(series.theta):
        return str(series.reason.values)
    theory = float(series.theta_theory)
    covered = _covered(series, resolution)
    if abs(float(series.theta) - theory) <= tolerance:
        return "agrees" if covered else "interval misses"
    if covered:
        return "noise"
    return "finite size" if series.theta_limit_low <= theory <= series.theta_limit_high else "disagrees"


def kinks(exponents: pd.DataFrame, *, resamples: int = 1000) -> pd.DataFrame:
    """The kink of θ(μ) of every target and protocol that was measured at six μ or more (see `kinks`)."""
    rows = []
    for (target, ell, protocol), group in exponents.groupby(["target", "information_exponent", "protocol"], sort=False):
        rng = np.random.default_rng(np.random.SeedSequence(list(f"{target} {protocol}".encode())))
        found = fit_kink(group.mu, group.theta, group.theta_low, group.theta_high, resamples=resamples, rng=rng)
        if np.isfinite(found.mu):
            theory = optimal_batch_exponent(protocol, int(ell))
            rows.append((target, ell, protocol, theory, *found))
    return pd.DataFrame(rows, columns=list(KINK_COLUMNS))


def shortfalls(exponents: pd.DataFrame, found: pd.DataFrame, *, covering: float, kink: float, tolerances) -> list[str]:
    """What does not meet the theory, a line each; empty if all does.

    `covering` is the fraction of the intervals of each target that must hold the theory, `kink` the allowed distance of
    a kink from the theory's, tolerances as in `table`.
    """
    lines = []
    for row in exponents.itertuples():
        place = f"{row.target}, {row.protocol}, mu = {row.mu:g}"
        allowed = tolerances[min(row.information_exponent, len(tolerances)) - 1]
        if not np.isfinite(row.theta):
            lines.append(f"{place}: no exponent ({row.verdict})")
        elif abs(row.theta - row.theta_theory) > allowed:
            lines.append(
                f"{place}: theta {row.theta:.3f}, theory {row.theta_theory:.3f}, allowed ±{allowed:g} ({row.verdict})"
            )
    for target, group in exponents.groupby("target", sort=False):
        held = group.covered.mean()
        if held < covering:
            lines.append(f"{target}: {held:.1%} of the intervals hold the theory, wanted {covering:.0%}")
    lines += [
        f"{row.target}, {row.protocol}: kink at mu = {row.mu:.2f}, theory {row.theory:g}, allowed ±{kink:g}"
        for row in found.itertuples()
        if abs(row.mu - row.theory) > kink
    ]
    return lines


def report(exponents: pd.DataFrame, found: pd.DataFrame, *, covering, kink, tolerances, **_) -> tuple[str, list[str]]:
    """The tables as text with what falls short below, and the list of it (see `shortfalls`)."""
    shown = pd.DataFrame(
        {
            "target": exponents.target,
            "protocol": exponents.protocol,
            "mu": exponents.mu,
            "theory": exponents.theta_theory.map("{:.2f}".format),
            "theta": exponents.theta.map("{:.3f}".format),
            "95 % interval": [f"{row.theta_low:.3f} to {row.theta_high:.3f}" for row in exponents.itertuples()],
            "plain": exponents.theta_plain.map("{:.3f}".format),
            "log power": exponents.log_power.map("{:.2f}".format),
            "T / first principles": exponents.time_ratio.map("{:.2f}".format),
            "failures": [f"{row.failures} of {row.replicas}" for row in exponents.itertuples()],
            "largest d": exponents.largest_dimension,
            "verdict": exponents.verdict,
        }
    )
    missing = shortfalls(exponents, found, covering=covering, kink=kink, tolerances=tolerances)
    end = ["Everything meets the theory."] if not missing else [f"{len(missing)} shortfall(s):", *missing]
    kinks_shown = ["Kinks of theta(mu):", found.round(3).to_string(index=False), ""] if len(found) else []
    return "\n".join([shown.to_string(index=False), "", *kinks_shown, *end]), missing


def dataset(exponents: pd.DataFrame):
    """The table as an xarray.Dataset over ``row``, every variable with its meaning and units."""
    return labelled(exponents.rename_axis("row").to_xarray(), COLUMNS | {"row": ("row of the table", "1")})
