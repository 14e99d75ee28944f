"""The last lines of a run."""

import re

import numpy as np
from helpers.experiments import PROTOCOLS, experiment
from onepass.analysis.closing import HEAD, closing


def test_every_exponent_stands_beside_the_plain_one_and_the_theorys():
    many = experiment(censored=1).assign_attrs(experiment="many", replicas=12)
    one = experiment("x1**2", 2, (0.0,), protocols=PROTOCOLS[1:]).assign_attrs(experiment="one", replicas=12)
    one["recovered_fraction"][:] = 1.0
    head, columns, *rows = closing([many, one]).split("\n")
    assert head == HEAD
    assert columns.split() == ["mu", *PROTOCOLS]
    rows, (why, failed) = rows[:4], rows[4:]
    assert [row.split()[:2] for row in rows] == [["many", "0"], ["many", "1"], ["many", "1.5"], ["one", "0"]]
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", rows[0].removeprefix("many"))]
    expected = [[row.theta, row.theta_plain, row.theta_theory] for row in (many.isel(protocol=i, mu=0) for i in (0, 1))]
    np.testing.assert_allclose(numbers, [0, *np.ravel(expected)], atol=0.0051)
    assert rows[2].split("  ")[-1] == "no fit (0.5)"
    assert rows[3].index(f"{float(one.theta[0, 0]):.2f}, {float(one.theta_plain[0, 0]):.2f} (1)") > rows[0].index(",")
    reason = many.reason[0, 2].item()
    where = "projected_square at mu = 1.5, projected_correlation at mu = 1.5"
    assert why == f"onepass: no exponent in many of {where}: {reason}"
    lost = int((~many.recovered).sum())
    assert failed.endswith(f" did not recover within their budget: {lost} of {many.recovered.size} of many")


def test_experiments_at_one_dimension_ask_for_no_exponent():
    whole, single = (experiment(censored=1).assign_attrs(experiment=name, replicas=12) for name in ("whole", "single"))
    single = single.isel(dimension=[-1])
    table, failed = closing([whole, single]).split("onepass: replicas that")
    assert table.startswith(HEAD)
    assert "single" not in table
    assert "of single" in failed
    assert closing([single]).startswith("onepass: replicas that did not recover within their budget: ")


def test_an_exponent_that_no_theory_knows_stands_alone():
    unknown = experiment().assign_attrs(experiment="own", replicas=12)
    unknown["theta_theory"] = unknown.theta_theory * float("nan")
    assert "nan" not in closing([unknown])
