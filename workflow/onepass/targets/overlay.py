"""The configuration of a user's own target: one file over the project's own, with grids chosen by `planning`."""

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from onepass.errors import OnepassError
from onepass.formulas.formula import Formula
from onepass.formulas.language import FormulaError
from onepass.inputs.described import inputs_of
from onepass.model import Model
from onepass.pipeline.config import FIGURES as EVERY_FIGURE
from onepass.pipeline.inputs import read_inputs
from onepass.pipeline.protocols import protocol_of
from onepass.targets.activation import default_activation
from onepass.targets.bounded import AROUND, CORES, MINUTES, bounded
from onepass.targets.grids import FIGURES, experiments
from onepass.targets.planning import Plan
from onepass.theory.exponents import knows

FOLDER = "config/targets"
RESERVED = ("cells", "exponents", "logs", "quick", "tutorial")  # folders below data/ and figures/
OTHER_NAME = "allowed: another --name (NAME= of make)"
WORDS = {"**": " pow ", "+": " plus ", "-": " minus ", "/": " over ", ",": " and "}


def slug(target: str, activation: str | None = None, inputs: str = "isotropic") -> str:
    """A target's name for files: ``tanh(x1*x2*x3)`` is ``tanh_x1_x2_x3``."""
    text = _spoken(Formula.target(target).text)
    if activation is not None:
        text += f" with {_spoken(Formula.activation(activation).text)}"
    if inputs != "isotropic":
        text += f" of {inputs}"
    return "_".join(re.findall(r"[a-z0-9.]+", text.lower()))[:80].strip("._")


def _spoken(formula: str) -> str:
    """A formula in words: parentheses end with *all*, those of a call only where anything follows."""
    text, calls = "", []
    for i, sign in enumerate(formula):
        if sign == "(":
            calls.append(formula[:i][-1:].isalnum())
        elif sign == ")" and not (calls.pop() and not formula[i:].strip(")")):
            text += " all"
        text += sign
    for sign, word in WORDS.items():
        text = text.replace(sign, word)
    return text


class OverlayError(OnepassError, ValueError):
    """A configuration that cannot be written or is of another target."""


def kept_or_written(
    target: str,
    activation: str | None = None,
    name: str | None = None,
    protocols: Sequence[str] = (),
    minutes: float = MINUTES,
    inputs: str = "isotropic",
    *,
    force: bool = False,
    root: str | Path = ".",
) -> tuple[Path, list[str]]:
    """The path of a target's overlay below the project's folder `root`, and remarks; written unless it is there.

    Outside a project, for a name that is none, or where the file there is of another target, activation, inputs or
    other protocols, it is an `OverlayError`.
    """
    if not Path(root, "Snakefile").exists():
        raise OverlayError(f"no Snakefile in {Path(root).resolve()}; call it in the folder of the project")
    inputs = read_inputs(inputs)
    name = name or slug(target, activation, inputs)
    if not re.fullmatch(r"[a-z0-9_][a-z0-9_.-]*", name):
        raise OverlayError(f"name {name!r}; allowed: small letters, digits, '_', and, not first, '-' and '.'")
    if name in RESERVED or name.endswith((".nc", ".pdf", ".png")):
        raise OverlayError(f"name {name!r} is that of other results; {OTHER_NAME}")
    path = Path(FOLDER, f"{name}.yaml")
    if Path(root, path).exists() and not force:
        _of_target(Path(root, path), target, activation, protocols, inputs)
        return path, [f"{path} is there already and kept as it is; --force writes it anew"]
    settings, remarks = overlay(target, activation, name, protocols, minutes, inputs)
    Path(root, FOLDER).mkdir(parents=True, exist_ok=True)
    Path(root, path).write_text(written(settings, remarks, target), encoding="utf-8")
    return path, remarks


def _of_target(path: Path, target: str, activation: str | None, protocols: Sequence[str], inputs: str) -> None:
    """Raise unless a file is of this target and, where they are named, this activation, these protocols and inputs."""
    other = f"{OTHER_NAME}, or --force"
    try:
        experiments = yaml.safe_load(path.read_text(encoding="utf-8"))["experiments"]
        model = next(iter(experiments.values()))["model"]
        own, student = Formula.target(model["target"]), Formula.activation(model["activation"])
    except (yaml.YAMLError, FormulaError, LookupError, TypeError, AttributeError, StopIteration):
        raise OverlayError(f"{path} is there and no configuration of a target; {other}") from None
    if own != Formula.target(target) or (activation is not None and student != Formula.activation(activation)):
        raise OverlayError(f"{path} is of target {own.text} with activation {student.text}; {other}")
    runs = experiments.get("runs", {})
    asked = (experiments[each].get("protocols") for each in ("runs", "chain") if each in experiments)
    if protocols and list(protocols) != (own := next(asked, list(protocols))):
        raise OverlayError(f"{path} is of protocols {', '.join(map(str, own))}; {other}")
    if inputs != "isotropic" and inputs != (own := runs.get("model", {}).get("inputs", "isotropic")):
        raise OverlayError(f"{path} is of inputs {own}; {other}")


def overlay(
    target: str,
    activation: str | None = None,
    name: str | None = None,
    protocols: Sequence[str] = (),
    minutes: float = MINUTES,
    inputs: str = "isotropic",
) -> tuple[dict, list[str]]:
    """The settings of a target, and remarks on how they were chosen.

    What does not fit into so many `minutes` on two cores is made smaller or left out (`bounded`). `inputs`, by name,
    are those of runs; all else, which the theory plans, has isotropic ones.

    `protocols`, by name, stand in place of the published ones; those that the theory does not know in the figures that
    need none, of runs and of engines held against each other.

    Formulas that are none, or a student that cannot learn the target from where it starts, are a ValueError.
    """
    name = name or slug(target, activation, inputs)
    remarks = []
    if activation is None:
        activation, why = default_activation(target)
        remarks.append(f"activation {activation}: {why}")
    plan = Plan(Model(target, activation), [protocol_of(protocol).name for protocol in protocols])
    planned = experiments(plan)
    if inputs != "isotropic":
        planned["runs"]["model"]["inputs"] = inputs
        for dimension in planned["runs"]["dimensions"]:
            inputs_of(inputs).at(dimension, plan.model.teachers)  # or it says why not
    found, bounds = bounded(planned, minutes)
    if not found:
        least = AROUND * len(planned) / 60 / CORES
        raise OverlayError(f"minutes is {minutes:g}, in which no grid fits; allowed: {least:.2g} and more")
    if others := [protocol for protocol in plan.protocols if not knows(protocol)]:
        remarks.append(
            f"the theory plans nothing for {', '.join(others)}: in weak_recovery and chain_exactness alone, at the "
            f"learning rates of gradient steps; the other figures have {', '.join(plan.known)}"
        )
    if inputs != "isotropic":
        remarks.append(
            f"the theory plans nothing for inputs {inputs}: in weak_recovery alone, at the learning rates of isotropic "
            "ones, which the other figures have"
        )
        remarks += inputs_of(inputs).remarks
    figures = {name: [own for own in FIGURES.get(name, ()) if own in found] or None for name in EVERY_FIGURE}
    power = f" d^{plan.half - 1:g}" if plan.half > 1 else ""
    grows = ", and like log d beyond" if plan.order == 2 else ""
    remarks.append(
        f"ℓ = {plan.order}; without noise an overlap climbs from {plan.scaled_start:g}/√d to {plan.threshold:g} in "
        f"{plan.climb:.3g}{power}/γ steps at d = 1024{grows}; the noise of one sample has variance {plan.noise:.3g}, "
        f"the square loss bears γ up to {plan.interaction:.3g}"
    )
    remarks += bounds
    settings = {
        "data": f"data/{name}",
        "figures_folder": f"figures/{name}",
        "experiments": found,
        **({"check": {"experiments": figures["time_exponents"]}} if figures["time_exponents"] else {}),
        "figures": figures,
    }
    return settings, remarks


def written(settings: dict, remarks: list[str], target: str) -> str:
    """The overlay as YAML with a heading that says how it was made; keep what you edit."""
    head = [
        f"Figures of the target {target}: a configuration over those in config/.",
        "Written once, from the theory; it is yours to edit and is not written again.",
        *remarks,
        "A figure that is null is not drawn.",
    ]
    body = yaml.dump(settings, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)
    return "".join(f"# {line}\n" for line in head) + body


class _Dumper(yaml.SafeDumper):
    """Numbers of six digits; no anchors."""

    def ignore_aliases(self, _):
        return True


_Dumper.add_representer(float, lambda dumper, value: dumper.represent_float(float(f"{value:.6g}")))
