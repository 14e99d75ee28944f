"""What a target needs: its exponents and leading Hermite coefficients, and the best that each protocol can do."""

from math import factorial, prod

from onepass.formulas.formula import Formula
from onepass.gaussian.generative import UndecidedError, generative_exponent
from onepass.gaussian.hermite import leading_tensor
from onepass.gaussian.information import leap_complexity, leap_index
from onepass.model import Model
from onepass.protocol import PAPER_PROTOCOLS
from onepass.targets.warnings import missing_component, sentences, wrong_signs
from onepass.theory import exponents, saddle

SHOWN, PRINTED = 12, 5  # Hermite coefficients, of the lowest orders: in JSON, as text


def needs(target: str, activation: str | None = None) -> dict:
    """All that the command ``onepass exponent`` tells, plain values only.

    Returns
    -------
    dict
        ``target``; ``coordinates`` k; ``information_exponent`` (None unless k = 1), ``leap_index``,
        ``leap_complexity``; ``generative_exponent``, of several coordinates the generative leap (None where that is
        not decided, for the reason ``not_decided``); ``hermite``, a list of ``order``, ``powers`` α and
        ``coefficient`` ``E[h* He_α]/α!``;
        ``protocols``, a list of exponents at the best batch size of each for the first saddle, and ``to_the_end``,
        the same for the highest leap where that is another; with an activation, also ``activation``,
        ``activation_hermite`` and ``warnings``.

    Raises
    ------
    ValueError
        For a formula that is none or has nothing to learn.
    """
    formula = Formula.target(target)
    first, last = leap_index(formula), leap_complexity(formula)
    found = {
        "target": formula.text,
        "coordinates": formula.arity,
        "information_exponent": first if formula.arity == 1 else None,
        "leap_index": first,
        "leap_complexity": last,
        **generative(formula),
        "hermite": leading_coefficients(formula),
        "protocols": best_of(first),
    }
    if last != first:
        found["to_the_end"] = best_of(last)
    if activation is not None:
        model = Model(target, activation)
        missing = missing_component(model)
        found["activation"] = model.activation_formula.text
        found["activation_hermite"] = [
            {"order": n, "coefficient": saddle.component(model.activation_formula, n)} for n in range(max(last, 4) + 1)
        ]
        found["warnings"] = sentences([missing] if missing else wrong_signs(model))
    return found


def generative(target: Formula) -> dict:
    """Its generative exponent or leap, or why that is not decided."""
    try:
        return {"generative_exponent": generative_exponent(target)}
    except UndecidedError as error:
        return {"generative_exponent": None, "not_decided": error.args[1]}


def leading_coefficients(target: Formula) -> list[dict]:
    """The non-zero Hermite coefficients of the lowest orders, the constant left out, at most `SHOWN`."""
    found = leading_tensor(target).items()
    terms = sorted(((alpha, value) for alpha, value in found if any(alpha)), key=lambda t: (sum(t[0]), t[0]))
    return [
        {"order": sum(alpha), "powers": list(alpha), "coefficient": value / prod(map(factorial, alpha))}
        for alpha, value in terms[:SHOWN]
    ]


def best_of(order: int) -> list[dict]:
    """Exponents of every protocol at its best batch size: the smallest one at which T cannot fall any more.

    ``n_b ∝ d^mu``, ``T ∝ d^theta``, ``N ∝ d^sample_exponent``, ``γ ∝ d^-delta``; ``log_factor``: T has log d beside.
    """
    rows = []
    for name in PAPER_PROTOCOLS:
        mu = exponents.optimal_batch_exponent(name, order)
        rows.append(
            {
                "protocol": name,
                "mu": mu,
                "theta": exponents.recovery_exponent(name, order, mu),
                "sample_exponent": exponents.sample_exponent(name, order, mu),
                "delta": exponents.optimal_learning_rate_exponent(name, order, mu),
                "log_factor": bool(exponents.has_log_factor(name, order, mu)),
            }
        )
    step = exponents.giant_step(order)
    giant = {"mu": step.mu, "theta": 0.0, "sample_exponent": step.samples, "delta": step.delta + 0.0}
    return [*rows, {"protocol": "one_giant_step", **giant, "log_factor": False}]


def written(found: dict) -> str:
    """`needs` as text for a terminal."""
    k = found["coordinates"]
    lines = [f"{found['target']}"]
    generative = found["generative_exponent"] or f"not decided: {found['not_decided']}"
    if k == 1:
        lines += [
            f"  information exponent  {found['information_exponent']}",
            f"  generative exponent   {generative}",
        ]
    else:
        lines += [
            f"  leap index            {found['leap_index']}",
            f"  leap complexity       {found['leap_complexity']}",
            f"  generative leap       {generative}",
        ]
    shown = " + ".join(
        f"{term['coefficient']:.4g} {_polynomial(term['powers'])}" for term in found["hermite"][:PRINTED]
    )
    more = " + …" if len(found["hermite"]) > PRINTED else ""
    lines.append(f"  Hermite expansion     {shown}{more}".replace("+ -", "− "))
    if "activation" in found:
        known = [term for term in found["activation_hermite"] if term["coefficient"]]
        own = " + ".join(f"{term['coefficient']:.4g} He{term['order']}" for term in known) or "0"
        lines.append(f"  activation            {found['activation']}, of which {own}".replace("+ -", "− "))
    lines += ["", *_table(f"first saddle, ℓ = {found['leap_index']}", found["protocols"])]
    if "to_the_end" in found:
        title = f"highest leap, ℓ = {found['leap_complexity']}: to reach every coordinate"
        lines += ["", *_table(title, found["to_the_end"])]
    return "\n".join(lines)


def _polynomial(powers) -> str:
    return " ".join(f"He{n}(x{i + 1})" for i, n in enumerate(powers) if n)


def _table(title: str, rows: list[dict]) -> list[str]:
    lines = [f"{title}", f"  {'best batch size':24}{'n_b ∝ d^':>10}{'T ∝ d^':>10}{'N ∝ d^':>10}{'γ ∝ d^':>10}"]
    for row in rows:
        powers = *(row[key] for key in ("mu", "theta", "sample_exponent")), 0.0 - row["delta"]
        numbers = "".join(f"{power:>10g}" for power in powers)
        lines.append(f"  {row['protocol'].replace('_', ' '):24}{numbers}{'  log d' if row['log_factor'] else ''}")
    return lines
