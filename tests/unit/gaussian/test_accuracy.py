"""Gaussian means of fast, narrow and kinked functions of one to ten coordinates against closed forms."""

import pytest
from helpers import accuracy
from helpers.project import ROOT
from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import TOLERANCE


@pytest.mark.parametrize("row", accuracy.ROWS, ids=lambda row: f"{row.quantity} {row.formula}")
def test_is_right_to_what_is_stated(row, reliability):
    """And what is stated is what is promised for every function."""
    right = bool(abs(row.ours - row.exact) <= row.stated)
    many = Formula.target(row.formula).arity > 2
    fault = "a formula of many coordinates" if many else "a formula that is fast, narrow or not smooth"
    reliability(fault, 1, {row.formula: True}, {row.formula: right}, "nothing")
    assert right
    assert row.stated <= TOLERANCE * row.size


def test_the_table_in_the_documentation_is_what_the_code_finds():
    """Digits that rounding decides, and with it the machine, are not compared."""
    page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    shown = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| `")
    ]
    assert [row[:4] for row in shown] == [
        [f"`{row.formula}`", row.quantity, row.closed, f"{row.exact:.12g}"] for row in accuracy.ROWS
    ]
    for (*_, ours, difference, stated), row in zip(shown, accuracy.ROWS, strict=True):
        assert float(ours) == pytest.approx(row.ours, rel=1e-9, abs=1e-12)
        assert abs(float(difference)) <= float(stated)
