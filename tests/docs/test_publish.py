"""Tables of the documentation, from what a run left."""

import json
import sys
from base64 import urlsafe_b64encode

import pandas as pd
import pytest
from helpers.configuration import configured
from helpers.project import ROOT
from onepass.pipeline.grid import cells_of
from onepass.protocol import PAPER_PROTOCOLS

sys.path.insert(0, str(ROOT / "docs"))
import publish


def test_minutes_are_those_of_the_records_of_a_figures_own_files_a_job_counted_once(tmp_path):
    settings = configured().model_copy(update={"figures": {"polylog": ["polylog"]}})
    cells = cells_of("polylog", settings.experiments["polylog"])
    files = {f"data/{cell.path}": ("simulate.log", 60.0 + i) for i, cell in enumerate(cells)}
    files |= {"data/polylog.nc": ("aggregate.log", 6.0), "data/exponents/polylog.nc": ("fit.log", 12.0)}
    files |= {"figures/polylog.pdf": ("figure.log", 18.0), "data/quick/polylog.nc": ("quick.log", 1e6)}
    for path, (log, seconds) in files.items():
        record = {"log": [log], "starttime": 1000.0, "endtime": 1000.0 + seconds}
        (tmp_path / urlsafe_b64encode(path.encode()).decode()).write_text(json.dumps(record))
    minutes = (60 + len(cells) - 1 + 6 + 12 + 18) / 120
    assert publish.costs(settings, tmp_path).splitlines()[2] == f"| `polylog` | {minutes:.1f} | `polylog` |"
    (tmp_path / urlsafe_b64encode(b"data/polylog.nc").decode()).unlink()
    with pytest.raises(SystemExit, match=r"no record of data/polylog.nc; run make figures first"):
        publish.costs(settings, tmp_path)


def test_exponents_stand_beside_the_theory():
    row = {"theta": -0.0004, "theta_low": -0.02, "theta_high": 0.01, "theta_theory": 0.0, "covered": True}
    row |= {"theta_plain": 0.16}
    row |= {"failures": 1, "replicas": 2000, "time_ratio": 1.02, "mu": 1.5}
    rows = [{**row, "target": target, "protocol": name} for target in publish.NAMES for name in PAPER_PROTOCOLS]
    kink = {
        "target": "He3(x1)",
        "protocol": "projected_square",
        "theory": 1.5,
        "mu": 1.5,
        "mu_low": 1.49,
        "mu_high": 1.6,
    }
    text = publish.exponents(pd.DataFrame(rows), pd.DataFrame([kink]), 0.005)
    assert "| He₃ (ℓ = 3), μ = | 1.5 |\n|---|---|\n| projected, square | 0.000 ± 0.015 (0) |\n" in text
    assert text.count("(0) |\n| nothing divided out | 0.160 |") == len(rows)
    assert "the plain slope minus θ: 0.16 to 0.16 for erf (ℓ = 1), 0.16" in text
    assert "12 of 12 intervals" in text
    assert "12 of 24,000 replicas" in text
    assert "| He₃ (ℓ = 3), projected, square | 1.5 | 1.500 (1.490 to 1.600) |" in text
    with pytest.raises(SystemExit, match="no name for the target cos"):
        publish.exponents(pd.DataFrame([{**rows[0], "target": "cos(x1)"}]), pd.DataFrame([kink]), 0.005)


def test_the_pages_have_the_figures_of_the_configuration_and_their_marks():
    listed = (ROOT / "docs" / "figures.md").read_text().partition("<!-- costs -->")[2].partition("<!-- end -->")[0]
    figures = configured().figures
    assert [line.split("`")[1] for line in listed.splitlines() if line.startswith("| `")] == list(figures)
    page = (ROOT / "docs" / "results.md").read_text()
    for mark in ("exponents", "tuned"):
        again = publish.replaced(page, mark, "other")
        assert f"<!-- {mark} -->\nother\n<!-- end -->" in again
        assert again.partition(f"<!-- {mark} -->")[0] == page.partition(f"<!-- {mark} -->")[0]
