"""Hard formulas whose Gaussian means are known in closed form: ``python tests/helpers/accuracy.py`` prints their table.

The table stands in docs/accuracy.md, and a test holds it against what the code finds.
"""

from collections.abc import Callable
from math import acos, e, erfc, exp, gamma, pi, prod, sqrt
from typing import NamedTuple

from onepass.formulas.formula import Formula
from onepass.gaussian.expansion import ROUNDING
from onepass.gaussian.hermite import gaussian_norm, hermite_tensor, stated_error
from onepass.gaussian.risk import risk_series
from onepass.model import Model


def coefficient(formula: Formula, *powers: int) -> float:
    """``E[f He_α]``, 0 where it counts as zero."""
    return float(hermite_tensor(formula, max(sum(powers), 20)).get(powers, 0.0))


def risk_of_nothing(formula: Formula) -> float:
    """The population risk of students at zero overlap that say 0: ½ E[f²]."""
    return risk_series(Model(formula.text, "tanh")).constant


def absolute_moment(power: float) -> float:
    """``E|x|^p``."""
    return 2 ** (power / 2) * gamma((power + 1) / 2) / sqrt(pi)


class Row(NamedTuple):
    """A quantity of a formula, in closed form and as the code finds it."""

    formula: str
    quantity: str
    closed: str
    exact: float
    found: Callable[[Formula], float]
    share: float = 1.0  # by which errors of E[f He_α]/√α! count in the quantity

    @property
    def ours(self) -> float:
        """What the code finds."""
        return self.found(Formula.target(self.formula))

    @property
    def stated(self) -> float:
        """The error that the code states for the quantity; sums are rounded even where they are exact."""
        formula = Formula.target(self.formula)
        return max(stated_error(formula), ROUNDING) * self.size

    @property
    def size(self) -> float:
        """Of which errors are fractions; an upper bound, of either kind of quantity."""
        square = gaussian_norm(Formula.target(self.formula))
        return self.share * max(sqrt(square), square)


def _c(*powers: int) -> tuple[str, Callable[[Formula], float], float]:
    """Name, finder and share of the error of a coefficient."""
    names = " ".join(f"He{n}(x{i + 1})" for i, n in enumerate(powers) if n)
    return (
        f"E[f{' ' * bool(names)}{names}]",
        lambda formula: coefficient(formula, *powers),
        sqrt(prod(gamma(n + 1) for n in powers)),
    )


def _row(formula: str, quantity, closed: str, exact: float) -> Row:
    name, found, share = quantity
    return Row(formula, name, closed, exact, found, share)


SQUARE = ("E[f²]", gaussian_norm, 1.0)
RISK = ("½ E[f²]", risk_of_nothing, 1.0)


def bump(sharpness: float, place: float) -> float:
    """E[x² exp(−c (x − m)²)]."""
    width, mean = 1 / (1 + 2 * sharpness), 2 * sharpness * place / (1 + 2 * sharpness)
    return sqrt(width) * exp(-sharpness * place**2 * width) * (mean**2 + width)


def of_two_relus(overlap: float) -> float:
    """E[relu(u) relu(v)] of unit normals."""
    return (sqrt(1 - overlap**2) + overlap * (pi - acos(overlap))) / (2 * pi)


NARROW = 1 / sqrt(20001) * exp(-900 / 20001)  # E[exp(−10⁴ (x − 0.3)²)]
ROWS = [
    *(_row(f"sin({a}*x1*x2)", _c(1, 1), f"{a} (1 + {a}²)^(−3/2)", a * (1 + a**2) ** -1.5) for a in (8, 20, 30)),
    _row("sin(20*x1*x2)", SQUARE, "½ − ½ (1 + 40²)^(−1/2)", 0.5 - 0.5 / sqrt(1601)),
    _row("cos(30*x1)*He3(x2)", _c(0, 3), "6 e^−450, counts as zero", 0.0),
    _row("cos(100*x1)", SQUARE, "½ + ½ e^−20000", 0.5),
    _row("cos(20*x1)*x2", RISK, "¼ + ¼ e^−800", 0.25),
    _row("exp(-1e4*(x1 - 0.3)**2)", _c(1), "6000 · 20001^(−3/2) e^(−900/20001)", 6000 / 20001 * NARROW),
    _row("x1 + exp(-1e4*(x1 - 0.3)**2)", _c(1), "1 + the one above", 1 + 6000 / 20001 * NARROW),
    _row("sqrt(abs(x1))", _c(2), "Γ(3/4)/(2^(3/4) √π)", absolute_moment(0.5) / 2),
    _row("1/(1 + x1**2)", _c(0), "√(π/2) √e erfc(1/√2)", sqrt(pi * e / 2) * erfc(1 / sqrt(2))),
    _row("sign(x1*x2*x3)", _c(1, 1, 1), "(2/π)^(3/2)", (2 / pi) ** 1.5),
    _row("abs(x1*x2)", _c(2, 2), "2/π", 2 / pi),
    _row("relu(x1*x2*x3)", _c(1, 1, 1), "½", 0.5),
    _row("sqrt(abs(x1*x2*x3*x4))", SQUARE, "(2/π)²", (2 / pi) ** 2),
    _row("exp(0.2*x1*x2)", _c(1, 1), "0.2 · 0.96^(−3/2)", 0.2 * 0.96**-1.5),
    _row("sin(x1)*cos(x2)*sign(x3)*x4", _c(1, 0, 1, 1), "√(2/π)/e", sqrt(2 / pi) / e),
    _row("x1*x2*x3*x4*x5*x6*x7*x8", _c(*[1] * 8), "1", 1.0),
    _row("(x1*x2 + x3*x4 + x5*x6 + x7*x8 + x9*x10)**2", SQUARE, "105", 105.0),
    _row("sign(x1 + x2)", _c(1, 0), "1/√π", 1 / sqrt(pi)),
    _row("relu(x1 - x2)*x1", _c(1, 0), "3/(2√π)", 1.5 / sqrt(pi)),
    _row("sign(x1**2 + x2**2 - 1)", _c(2, 0), "1/√e", exp(-0.5)),
    _row("sqrt(x1**2 + x2**2)", SQUARE, "2", 2.0),
    _row(
        "x1*x2*(1 + exp(-1e4*((x1 - 0.3)**2 + (x2 - 1)**2)))",
        SQUARE,
        "1 + products of two Gaussian means",
        1 + 2 * bump(1e4, 0.3) * bump(1e4, 1.0) + bump(2e4, 0.3) * bump(2e4, 1.0),
    ),
    _row("relu(x1 + x2) + relu(x2 + x3)", SQUARE, "8/3 + √3/π", 2 + 4 * of_two_relus(0.5)),
    _row("exp(-100*(x1 - x2)**2)*x1", SQUARE, "½ · 801^(−½) (1 + 1/801)", (1 + 1 / 801) / 2 / sqrt(801)),
    _row("sin(x1*x2 + x3)", _c(0, 0, 1), "1/√(2e)", 1 / sqrt(2 * e)),
]
HEAD = ("formula f", "quantity", "in closed form", "exact", "ours", "ours − exact", "stated error")


def lines() -> list[str]:
    """The table in Markdown."""
    table = [HEAD, ("---",) * len(HEAD)]
    for row in ROWS:
        difference = row.ours - row.exact
        numbers = (
            f"{row.exact:.12g}",
            f"{row.ours:.12g}",
            f"{difference:.0e}" if difference else "0",
            f"{row.stated:.0e}",
        )
        table.append((f"`{row.formula}`", row.quantity, row.closed, *numbers))
    return [f"| {' | '.join(cells)} |" for cells in table]


if __name__ == "__main__":
    print("\n".join(lines()))
