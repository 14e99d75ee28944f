"""One law or two: Kolmogorov–Smirnov and mean tests of many numbers at once, at a stated rate of false alarms.

A number is a name and its independent samples. A test looks at all of them, in all the cases of its parametrisation,
and fails correct code with a chance of `ALARM` in all (Bonferroni).
"""

import numpy as np
from scipy.stats import ks_2samp, kstest, norm

ALARM = 1e-3


def assert_same_law(found, expected, *, cases=1, alarm=ALARM, means=True):
    """Fail where one of the numbers has another law than expected.

    Parameters
    ----------
    found : samples by the name of the number.
    expected : by the same names, samples of the law, or its distribution function.
    cases : how many such comparisons share the `alarm`, those of a parametrised test for instance.
    means : whether means are compared too, which heavy tails forbid.
    """
    name, p_value, allowed = smallest(found, expected, cases, alarm, means)
    assert p_value > allowed, (
        f"{name}: p = {p_value:.1e}, allowed from {allowed:.1e} ({alarm:g} over all of {cases} cases)"
    )


def assert_other_law(found, expected, *, cases=1, alarm=ALARM, means=True):
    """Fail unless `assert_same_law` would: by a thousandth of what it allows, so that no sample is near missing it."""
    name, p_value, allowed = smallest(found, expected, cases, alarm, means)
    assert p_value < allowed / 1000, f"smallest p = {p_value:.1e} ({name}): such a difference can be missed"


def smallest(found, expected, cases, alarm, means=True) -> tuple[str, float, float]:
    """Name and p-value of the test that speaks most against one law, and from where on that is by chance."""
    assert found.keys() == expected.keys()
    p_values = {}
    for name, samples in found.items():
        assert np.isfinite(samples).all(), f"{name} is not finite"
        if callable(expected[name]):
            p_values[f"law of {name}"] = kstest(samples, expected[name]).pvalue
        else:
            p_values[f"law of {name}"] = ks_2samp(samples, expected[name], method="asymp").pvalue
            if means:
                p_values[f"mean of {name}"] = same_mean(samples, expected[name])
    name = min(p_values, key=p_values.get)
    return name, p_values[name], alarm / (cases * len(p_values))


def same_mean(first, second) -> float:
    """p-value of a z-test: of samples by the hundred, whose means are normal."""
    error = np.sqrt(first.var() / len(first) + second.var() / len(second))
    difference = abs(first.mean() - second.mean())
    return 2 * norm.sf(difference / error) if error else float(difference == 0)


def numbers(overlap, gram) -> dict:
    """What is compared of states M (replica, p, k) and Q (replica, p, p): an overlap, and where there are more, all."""
    found = {"first overlap": overlap[:, 0, 0]}
    if overlap[0].size > 1:
        found["norm of M"] = np.linalg.norm(overlap, axis=(1, 2))
    if gram[0].size > 1:
        found["sum of Q"] = gram.sum(axis=(1, 2))
    return found


def last_numbers(runs) -> dict:
    """The same of the last states of what `simulate` returns."""
    last = runs.isel(step=-1)
    return numbers(last.overlap.values, last.student_gram.values)
