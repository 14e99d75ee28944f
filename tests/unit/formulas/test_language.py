"""Nothing outside of the language gets in, and what is refused has run nothing."""

import builtins
import re
from functools import reduce

import numpy as np
import pytest
from helpers.formulas import scalar
from helpers.project import ROOT
from onepass.formulas.formula import Formula
from onepass.formulas.language import (
    DEEPEST,
    FUNCTIONS,
    HERMITE,
    LONGEST,
    MOST_PARTS,
    FormulaError,
)

REFUSED = {  # formula: what the message has to say
    # other syntax
    "x1.real": "allowed: numbers", "x1.__class__": "allowed: numbers", "().__class__.__mro__": "allowed: numbers",
    "x1[0]": "allowed: numbers", "[x1]": "allowed: numbers", "{x1}": "allowed: numbers", "{1: x1}": "allowed: numbers",
    "x1, x2": "allowed: numbers", "[x1 for x1 in x2]": "allowed: numbers", "sum(x1 for x1 in x2)": "allowed: numbers",
    "lambda: x1": "allowed: numbers", "(lambda x: x)(x1)": "allowed: numbers", "He3(x1)(x2)": "allowed: numbers",
    "x1 if x2 else x3": "allowed: numbers", "x1 and x2": "allowed: numbers", "not x1": "allowed: numbers",
    "x1 < x2": "allowed: numbers", "x1 == x2": "allowed: numbers", "x1 in x2": "allowed: numbers",
    "x1 // x2": "allowed: numbers", "x1 % x2": "allowed: numbers", "x1 @ x2": "allowed: numbers",
    "x1 ^ 2": r"did you mean 'x1 \*\* 2'.*allowed: numbers", "x1 | x2": "allowed: numbers",
    "(x1 + x2)^3": r"did you mean '\(x1 \+ x2\)\*\*3'", "|x1|": r"not well formed.*did you mean 'abs\(x1\)'",
    "x1^2 + |x2 - 1|*x3": r"did you mean 'x1\*\*2 \+ abs\(x2 - 1\)\*x3'",
    "|x1*|x2||": "absolute values with abs", "x1**2^": r"powers are written with \*\*",
    "x1 << 2": "allowed: numbers",
    "~x1": "allowed: numbers", "(x1 := 2)": "allowed: numbers", "...": "allowed: numbers",
    "await x1": "allowed: numbers", "yield x1": "not well formed",
    "'x1'": "allowed: numbers", "b'x1'": "allowed: numbers", "f'{x1}'": "allowed: numbers", "1j*x1": "allowed: numbers",
    "None*x1": "allowed: numbers", "sum(*x1)": "allowed: numbers", "relu(x=x1)": "allowed: numbers",
    "relu(**x1)": "allowed: numbers", "sum(x1, start=2)": "allowed: numbers",
    "True": "allowed: numbers", "x1 + False": "allowed: numbers", "x1**True": "allowed: numbers",
    # not a formula at all
    "": "He3", "   ": "He3", "x1 +": "not well formed", "(x1": "not well formed", "x1)": "not well formed",
    "x1 x2": "not well formed", "x1; x2": "not well formed", "x1 = 2": "not well formed", "2x1": "not well formed",
    "import os": "not well formed", "'x1": "not well formed", "x1\n+ x2": "ASCII", "x1\t": "ASCII", "x1\0": "ASCII",
    "x₁": "ASCII", "γ*x1": "ASCII", "x\uff11": "ASCII",
    # unknown names and functions
    "__import__('os')": "unknown function.*allowed: .*relu", "eval(x1)": "unknown function.*allowed: .*relu",
    "open(x1)": "unknown function.*allowed: .*relu", "median(x1, x2)": "unknown function.*allowed: .*relu",
    "pow(x1, 2)": "unknown function.*allowed: .*relu", "He21(x1)": "unknown function.*He0 … He20",
    "He03(x1)": "unknown function.*He0 … He20", "H3(x1)": "unknown function.*He0 … He20",
    "Relu(x1)": "did you mean 'relu'", "swish(x1)": "did you mean 'silu'", "logistic(x1)": "did you mean 'sigmoid'",
    "atan(x1)": "did you mean 'arctan'", "maximum(x1, x2)": "did you mean 'max'", "ln(x1)": "did you mean 'log'",
    "x1*GELU(x2)": "did you mean 'gelu'", "leakyrelu(x1)": "did you mean 'leaky_relu'",
    "he3(x1)": "did you mean 'He3'", "pi(x1)": "unknown function", "x1(x2)": "unknown function",
    "y": "unknown name 'y'.*x1 … x99", "z1": "unknown name.*x1 … x99", "x0": "unknown name.*x1 … x99",
    "x01": "unknown name.*x1 … x99", "x100": "unknown name.*x1 … x99", "x_1": "unknown name.*x1 … x99",
    "X1": "unknown name.*x1 … x99", "x1_0": "unknown name.*x1 … x99", "__builtins__": "unknown name",
    "relu": "unknown name 'relu'.*write it as a call", "relu + x1": "write it as a call",
    # numbers of arguments
    "relu()": "0 arguments of relu.*allowed: one", "sum()": "0 arguments of sum", "relu(x1, x2)": "2 arguments of relu",
    "log(x1**2 + 2, 10)": "2 arguments of log.*allowed: one .several for sum, mean, max, min.",
    "max(x1)": "1 arguments of max.*allowed: 2 or more", "min()": "0 arguments of min.*allowed: 2 or more",
    # powers and numbers
    "x1**21": "power '21'.*from 0 to 20", "x1**-1": "power '-1'.*from 0 to 20", "x1**0.5": "power '0.5'.*use sqrt",
    "x1**2.0": "power '2.0'.*from 0 to 20", "x1**x2": "power 'x2'.*exp", "2**x1": "power 'x1'.*exp",
    "x1**(1 + 1)": "power.*from 0 to 20", "x1**2**2": "power.*from 0 to 20", "9**9**9**9*x1": "power.*from 0 to 20",
    "x1**999999": "power.*from 0 to 20", "x1**pi": "power 'pi'.*from 0 to 20",
    "1e7*x1": "too large.*1e[+]06", "1e400*x1": "too large.*1e[+]06", "10000000*x1": "too large.*1e[+]06",
    "He20(x1)*He20(x1)*x1": "degree 41; allowed: 40", "(x1**20)**20": "degree 400; allowed: 40",
    # no value somewhere
    "log(x1)": "no finite value at", "sqrt(x1)": "no finite value at", "1/0*x1": "no finite value at",
    "x1/(x2 - x2)": "no finite value at", "exp(exp(x1**4))": "no finite value at",
    "1 / x1": "the part 'x1' takes values.*allowed: of one sign, never 0", "1 / x1 ** 2": "part 'x1'.*never 0",
    "1 / cos(x1) ** 2": "part 'cos.x1.'.*never 0", "1 / (3 * abs(x1 - 0.25))": "part 'x1 - 0.25'.*never 0",
    "1 / (x1 ** 2 + x2 ** 2 + x3 ** 2)": "takes values from 0 to", "log(sqrt(x1 + 3))": "part 'x1 [+] 3'",
    "x1 / (x2 - 0.5) ** 2": "never 0", "tanh(x1) / cos(x2)": "'cos.x2.'.*never 0",
    "log1p(x1)": "no finite value", "log1p(x1 / 4)": "'x1 / 4' takes values.*allowed: above -1",
    "log(x1 ** 2)": "takes values from 0.*allowed: positive", "sqrt(x1 + 3)": "takes values.*allowed: not negative",
    # nothing to learn
    "3": "constant.*x1, x2", "pi*e": "constant.*x1, x2", "He3(0.5)": "constant.*x1, x2",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_refused_targets(text):
    """The message names the formula and what is allowed."""
    with pytest.raises(FormulaError, match=REFUSED[text]) as refusal:
        Formula.target(text)
    assert repr(text) in str(refusal.value) or "no finite value" in str(refusal.value) or "degree" in str(refusal.value)


def test_wrong_formulas_as_a_row_of_the_reliability_page(reliability):
    expected = dict.fromkeys(REFUSED, "refused")
    found = {}
    for text in REFUSED:
        try:
            found[text] = Formula.target(text)
        except FormulaError:
            found[text] = "refused"
    reliability("a formula that is written wrongly", len(REFUSED), expected, found, "what the error says")
    assert found == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x1", "unknown name 'x1'.*allowed: x, pi, e"), ("x + y", "unknown name 'y'.*allowed: x, pi, e"),
        ("mish", "unknown name 'mish'"), ("mish(x)", "unknown function 'mish'.*allowed: .*relu"),
        ("swish", "unknown name 'swish' .did you mean 'silu'"), ("max", "1 arguments of max.*2 or more"),
        ("Tanh(x)", "did you mean 'tanh'"), ("x**21", "from 0 to 20"), ("2", "constant.*use x"),
        ("relu(1)", "constant.*use x"), ("log", "no finite value"), ("sqrt(x)", "no finite value"), ("1/x", "never 0"),
        ("", "not a text"), ("x.real", "allowed: numbers"), ("x if x > 0 else 0", "allowed: numbers"),
    ],
)  # fmt: skip
def test_refused_activations(text, message):
    with pytest.raises(FormulaError, match=message):
        Formula.activation(text)


@pytest.mark.parametrize("make", [Formula.target, Formula.activation])
@pytest.mark.parametrize("value", [None, 3, 0.5, True, b"x", ("x",)])
def test_other_types_are_refused(make, value):
    with pytest.raises(FormulaError, match="not a text"):
        make(value)


@pytest.mark.parametrize(
    "text",
    [
        "relu(" * (DEEPEST + 1) + "x1" + ")" * (DEEPEST + 1),
        "(" * 200 + "x1" + ")" * 200,
        "-" * (DEEPEST + 1) + "x1",
        "-" * 300 + "x1",
        "+" * (LONGEST - 2) + "x1",
        "*".join(["x1"] * (DEEPEST + 2)),
        "**".join(["x1"] * (DEEPEST + 2)),
        "[" * 90 + "]" * 90,
        "x1" + "[0]" * 90,
        "x1" + ".a" * 90,
        "lambda:" * 60 + "x1",
        "x1" + " " * 2 * LONGEST,
        "+".join(["x1"] * (MOST_PARTS + 1)),
        "*".join(["x1"] * (MOST_PARTS + 1)),
        "+".join(["x1"] * 10_000),
        reduce(lambda inner, sign: f"({inner}{f'{sign}x' * 110})", "+*+*+*+*", "x"),
        "(" * 1_000_000,
    ],
    ids=lambda text: f"{text[:12]} ({len(text)})",
)
def test_long_and_deep_formulas_are_refused(text):
    """Before the parser or the recursion can run out of stack."""
    with pytest.raises(FormulaError, match=r"allowed|not well formed"):
        Formula.target(text)


def test_the_longest_sum_is_taken():
    """Its parts are no levels; the text, the sources and the parts of it are those of a short one."""
    parts = [f"sin(x{i % 99 + 1})" for i in range(MOST_PARTS)]
    formula = Formula.target("-".join(parts[:100]) + "+" + "+".join(parts[100:]))
    signs = np.array([1] + [-1] * 99 + [1] * (MOST_PARTS - 100))
    x = np.random.default_rng(0).normal(size=99)
    value = signs @ np.sin(x[np.arange(MOST_PARTS) % 99])
    assert float(formula.array(np)(x)) == pytest.approx(value, rel=1e-12)
    assert scalar(formula)(x) == pytest.approx(value, rel=1e-12)
    assert len(formula.terms) == MOST_PARTS
    assert Formula.target(formula.text) == formula


def test_the_deepest_formula_is_taken():
    formula = Formula.target("tanh(" * DEEPEST + "x1" + ")" * DEEPEST)
    assert scalar(formula)([0.5]) == pytest.approx(float(formula.array(np)(np.array([0.5]))), rel=1e-12)


@pytest.mark.parametrize(
    "attack",
    [
        "open('{path}', 'w')",
        "__import__('os').system('touch {path}')",
        "[c for c in ().__class__.__base__.__subclasses__()][0].open('{path}')",
        "relu(open('{path}', 'w'))",
        "x1 + (lambda: open('{path}', 'w'))()",
        'exec(\'open("{path}", "w")\')',
        'f\'{{open("{path}", "w")}}\'',
        "x1**open('{path}', 'w')",
        "sum(open('{path}', 'w'), x1)",
    ],
)
def test_nothing_is_evaluated(attack, tmp_path, monkeypatch):
    """A refused formula has run nothing: no file, and neither eval, exec nor an import of its choice."""
    path, calls = tmp_path / "made", []
    text = attack.format(path=path)
    with pytest.raises(FormulaError):
        Formula.target(text)  # once before: whatever the package itself imports is loaded
    for name in ("eval", "exec"):
        monkeypatch.setattr(builtins, name, lambda *_, name=name: calls.append(name))
    for make in (Formula.target, Formula.activation):
        with pytest.raises(FormulaError, match="allowed"):
            make(text)
    monkeypatch.undo()
    assert not calls
    assert not path.exists()


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda: Formula.target("1" * 400 + "*x1"), id="integer beyond float: OverflowError"),
        pytest.param(lambda: Formula.target("~" * 490 + "x1"), id="deep other syntax: RecursionError"),
        pytest.param(lambda: Formula.target(["x1"]), id="list: TypeError"),
        pytest.param(lambda: Formula.activation({"x": 1}), id="mapping: TypeError"),
    ],
)
def test_refused_refusals(use):
    with pytest.raises(FormulaError):
        use()


def test_the_documentation_lists_every_function():
    page = (ROOT / "docs" / "how_to" / "target.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted({*listed, *HERMITE}) == sorted(FUNCTIONS)
    assert len(listed) == len({*listed})


@pytest.mark.parametrize(("text", "offered"), [("x1^2", True), ("x1^2.5", False), ("|x1|^3", True), ("|y|", False)])
def test_only_what_is_taken_is_offered(text, offered):
    with pytest.raises(FormulaError) as refusal:
        Formula.target(text)
    assert ("did you mean" in str(refusal.value)) is offered
