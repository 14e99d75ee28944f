"""What somebody careless or worse writes into a configuration: formulas, paths, values of any key, whole files."""

import math

from helpers.project import ROOT

MARK = "onepass_was_here"
CODE = [
    f"__import__('os').system('touch {MARK}')",
    f"open('{MARK}', 'w')",
    "exec('1')",
    "x1.__class__.__mro__",
    "(lambda: x1)()",
    "[x1 for x1 in (1,)]",
    "x1 if x1 else x1",
    "f'{x1}'",
    "x1; import os",
    "He3(x1)\n__import__('os')",
    "x1 @ x1",
    "He3(x1, key=1)",
    "He3(*x1)",
    "x1 := 3",
    "x1[0]",
    "'x1'",
    "{{x1}}",
    "$(touch x)",
    "`touch x`",
    "9" * 400,
    "9**9**9**9",
    "(" * 300 + "x1" + ")" * 300,
    "-" * 400 + "x1",
    "He3(" * 60 + "x1" + ")" * 60,
    "x" * 5000,
    "х1",  # noqa: RUF001  a Cyrillic letter
    "x1\u200b",
    "\u202ex1",
    "x1\x00",
    "",
    " ",
    "x0",
    "x1000",
    "nan",
    "inf*x1",
    "1/0*x1",
    "x1/(x1-x1)",
    "He99(x1)",
    "sqrt(x1)",
    "log(x1)",
    "exp(exp(exp(exp(x1))))",
    "x1**0.5",
    "x1**-1",
    "x1**99",
    "0*x1",
    "True",
    "None",
    "sum()",
    "mean()",
    "He3",
]
PATHS = [
    "..", "../outside", "data/../../outside", "/data/../outside", "/", "//data", "/a//b", "", ".", "./", "workflow",
    "workflow/onepass", "config/x", "tests", "docs/x", "a*b", "~", "~/outside", "data\x00", "data\nx", "-rf", "--cores",
    "a b", "{name}", "$(touch x)", "C:\\x",
    "d" * 300, "profiles", ".git", ".snakemake/x", ".venv", "con\u202etxt", "données",
    "/a b", "/$HOME", "/data/.git", str(ROOT), f"{ROOT}/", f"{ROOT}/workflow", f"{ROOT}/config/x", f"{ROOT}/tests",
]  # fmt: skip
WRONG = [
    None, True, -1, 0.5, math.nan, math.inf, -math.inf, 10**400, -(10**30), 1e308, "", "1", "many", "\ud800", [], [[]],
    [None], {}, {"a": {"b": {}}}, [1, "2"], "9" * 5000, {"": 0}, ["x"] * 1000,
]  # fmt: skip

YAML = [
    "data: ../outside",
    "experiments: {he3: {replicas: .nan}}",
    f"experiments: {{he3: {{model: {{target: \"__import__('os').system('touch {MARK}')\"}}}}}}",
    f"data: !!python/object/apply:os.system ['touch {MARK}']",
    "experiments: [1, 2]",
    "- a\n- list",
    "just text",
    "a: [unclosed",
    "\t: tab",
    "data: &a [*a]",
    "experiments: {he3: {dimensions: [" + "9" * 5000 + "]}}",
    "data: " + "[" * 2000 + "]" * 2000,
]
UNREADABLE = YAML[-2:]  # Snakemake's reader gives up on these, in its own words and with its traceback
