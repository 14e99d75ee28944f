"""The configuration: its keys, what each may hold, and clear words when one holds something else.

`config/schema.json` is made from the classes below: ``python -m onepass.config > config/schema.json``.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from onepass.backend import BACKENDS
from onepass.cells import CellError, cells_of
from onepass.formula import Formula
from onepass.protocol import ALL_PROTOCOLS
from onepass.settings import ENGINES, LARGEST_COUNT

# Every figure, and the kind of experiment that it draws.
FIGURES = {
    "recovery_scaling": "recovery",
    "sample_complexity": "recovery",
    "time_exponents": "recovery",
    "time_batch_phase_diagram": "recovery",
    "chain_exactness": "exactness",
}
COMMAND_LINE = "command line"


class ConfigurationError(ValueError):
    """A configuration that cannot be run; the message names file, key, value and what is allowed."""


def _formula(parse):
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _relative(folder: str) -> str:
    path = Path(folder)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError("allowed: a folder inside the project, without '..'")
    return path.as_posix()


def _distinct(values: list) -> list:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value!r} stands there twice, the grid has two equal cells; allowed: each value once")
    return values


EachOnce = AfterValidator(_distinct)
Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Folder = Annotated[str, AfterValidator(_relative)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
ProtocolName = Literal[tuple(protocol.name for protocol in ALL_PROTOCOLS)]


class Strict(BaseModel):
    """No unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Target(Strict):
    """What is learned, and by which activation."""

    target: Annotated[str, _formula(Formula.target)] = Field(
        description='Formula of the target in x1, x2, …, for instance "He3(x1)".'
    )
    activation: Annotated[str, _formula(Formula.activation)] = Field(
        description='Activation: a function\'s name ("He3", "relu", "square") or a formula in x.'
    )
    noise: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        description="Variance of the label noise; 0 or more."
    )


class ModelSettings(Target):
    """What is learned, and who learns it."""

    students: Count = Field(description="Number p of hidden units; a whole number of at least 1.")
    second_layer: list[Finite] | None = Field(description="The p fixed weights of the second layer; null for ones.")

    @model_validator(mode="after")
    def _one_weight_a_student(self):
        if self.second_layer is not None and len(self.second_layer) != self.students:
            raise ValueError(f"second_layer needs {self.students} numbers, one a student, or null")
        return self


class Experiment(Strict):
    """What every grid of simulations has."""

    protocols: Annotated[list[ProtocolName], EachOnce] = Field(
        min_length=1, description="Training protocols, each once."
    )
    dimensions: Annotated[list[Annotated[int, Field(ge=2, le=LARGEST_COUNT)]], EachOnce] = Field(
        min_length=1, description="Input dimensions d, whole numbers of at least 2, each once."
    )
    replicas: Annotated[int, Field(ge=1, le=10**6)] = Field(
        description="Independent runs of every cell; a whole number from 1 to 10**6."
    )
    backend: Literal[BACKENDS] = Field(description=f"Array library: one of {', '.join(BACKENDS)}.")
    seed: Annotated[int, Field(ge=0, le=LARGEST_COUNT)] = Field(
        description="Seed of the experiment; a whole number of at least 0. Each cell derives its own from it."
    )


class RecoveryExperiment(Experiment):
    """Times to weak recovery over protocols × μ × d."""

    kind: Literal["recovery"] = Field(description="What is measured: the time to weak recovery.")
    model: ModelSettings = Field(description="The target and its student.")
    mu: Annotated[list[Annotated[float, Field(ge=0, allow_inf_nan=False)]], EachOnce] = Field(
        min_length=1, description="Exponents of the batch size n_b = n0 d^mu; numbers of at least 0, each once."
    )
    n0: Positive = Field(description="Prefactor of the batch size; a number above 0.")
    gamma0: Positive = Field(description="Prefactor of the learning rate gamma0 d^-delta; a number above 0.")
    delta: Literal["theory"] | Finite = Field(
        description='Exponent of the learning rate: "theory" (the largest that is as fast as any) or a number.'
    )
    initial: Literal["sphere", "inverse_sqrt_d"] = Field(
        description="Start: sphere (uniform, overlaps made positive) or inverse_sqrt_d (every overlap 1/sqrt(d))."
    )
    threshold: Positive = Field(description="Norm of the overlaps that counts as weak recovery; above 0.")
    step_budget: Positive = Field(
        description="Steps allowed a replica, in units of d^theta / gamma0 with the theory's theta; above 0."
    )
    records: Annotated[int, Field(ge=0, le=10**4)] = Field(
        description="Steps at which overlaps are recorded, beside the first and the last; from 0 to 10**4."
    )
    engine: Literal[ENGINES] = Field(description="Simulator: chain (exact in law) or sgd (d-dimensional).")


class ExactnessExperiment(Experiment):
    """The same short runs by several engines, to compare their laws."""

    kind: Literal["exactness"] = Field(description="What is measured: the overlaps after a number of steps.")
    model: Target = Field(description="The target and the activation of its students.")
    students: Annotated[list[Count], EachOnce] = Field(
        min_length=1, description="Numbers p of hidden units, each once."
    )
    batch_sizes: Annotated[list[Count], EachOnce] = Field(min_length=1, description="Batch sizes n_b, each once.")
    gamma0: Positive = Field(description="Learning rate in units of p min(1, n_b / d); a number above 0.")
    initial: Annotated[float, Field(gt=0, le=1)] = Field(
        description="Overlap of every student with every teacher at the start; a number in (0, 1]."
    )
    steps: Annotated[int, Field(ge=1, le=10**6)] = Field(
        description="Steps of every run; a whole number from 1 to 10**6."
    )
    engines: Annotated[list[Literal[ENGINES]], EachOnce] = Field(
        min_length=2, description="The engines to compare: chain and sgd."
    )


AnyExperiment = Annotated[RecoveryExperiment | ExactnessExperiment, Field(discriminator="kind")]


class Fit(Strict):
    """How exponents are fitted."""

    points: Annotated[int, Field(ge=2)] = Field(
        description="How many of the largest dimensions enter a fit; a whole number of at least 2."
    )
    resamples: Annotated[int, Field(ge=100, le=10**6)] = Field(
        description="Bootstrap resamples behind every interval; a whole number from 100 to 10**6."
    )


class Configuration(Strict):
    """Everything that the pipeline computes."""

    data: Folder = Field(description="Folder of the results, inside the project.")
    figures_folder: Folder = Field(description="Folder of the figures, inside the project.")
    experiments: dict[Name, AnyExperiment] = Field(
        description="The grids of simulations by name: small letters, digits and underscores."
    )
    fit: Fit = Field(description="How exponents are fitted.")
    figures: dict[Literal[tuple(FIGURES)], Annotated[list[str], Field(min_length=1)]] = Field(
        description="The figures to draw, each with the names of its experiments."
    )


def validated(settings: Mapping, sources: Sequence[str | Path] = ()) -> Configuration:
    """Check a merged configuration.

    Parameters
    ----------
    settings : all keys, as merged from the files and the command line.
    sources : the files, later ones over earlier ones; only for saying which of them set a wrong key.

    Raises
    ------
    ConfigurationError
        With one message that lists every wrong key.
    """
    settings = json.loads(json.dumps(settings))  # plain dictionaries, whatever the loader made
    try:
        configuration = Configuration.model_validate(settings)
        faults = dict(_faults_of_the_whole(configuration))
    except ValidationError as error:
        faults = dict(_fault(item, settings) for item in error.errors(include_url=False))
    if faults:
        raise ConfigurationError(_report(faults, settings, sources))
    return configuration


def experiment_from(text: str) -> AnyExperiment:
    """Inverse of an experiment's ``model_dump_json()``."""
    return TypeAdapter(AnyExperiment).validate_json(text)


def schema() -> str:
    """The JSON schema of the configuration, as in ``config/schema.json``."""
    return json.dumps(Configuration.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def _faults_of_the_whole(configuration: Configuration) -> Iterator[tuple[tuple, str]]:
    """Keys and messages of what no key shows alone: cells that cannot be simulated, figures without data."""
    for name, experiment in configuration.experiments.items():
        try:
            cells_of(name, experiment)
        except CellError as error:
            yield ("experiments", name, *error.key), f"{error.value!r}: {error}"
        except ValueError as error:
            yield ("experiments", name, "model", "target"), f"{experiment.model.target!r}: {error}"
    for figure, names in configuration.figures.items():
        allowed = [n for n, experiment in configuration.experiments.items() if experiment.kind == FIGURES[figure]]
        for place, name in enumerate(names):
            if name not in allowed:
                message = (
                    f"{name!r}: no experiment of kind {FIGURES[figure]!r}; allowed: {', '.join(allowed) or 'none'}"
                )
                yield ("figures", figure, place), message + _meant(name, allowed)


def _fault(item: Mapping, settings) -> tuple[tuple, str]:
    """Key and message of one of pydantic's errors."""
    key, value, kind = _key(item["loc"], settings), item["input"], item["type"]
    if kind == "missing":
        key = (*key, item["loc"][-1])
        return key, f"missing; {_description(key, settings)}"
    if kind == "extra_forbidden":
        known = list(_model_at(key[:-1], settings).model_fields)
        return key, f"{value!r}: unknown key; allowed: {', '.join(known)}{_meant(key[-1], known)}"
    if item["loc"][-1] == "[key]":
        allowed = item["ctx"].get("expected") or f"names like {item['ctx'].get('pattern')}"
        return key, f"this name is unknown; allowed: {allowed}{_meant(key[-1], FIGURES)}"
    if kind.startswith("union_tag"):
        return (
            *key,
            "kind",
        ), f"{value.get('kind') if isinstance(value, dict) else value!r}; allowed: recovery, exactness"
    problem = item["msg"].removeprefix("Value error, ").replace("Input should be", "allowed:")
    message = f"{'' if isinstance(value, dict) else f'{value!r}: '}{problem}"
    if kind == "literal_error":
        message += _meant(value, item["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", "))
    if isinstance(value, str) and kind.startswith(("float", "int")):
        message += "; YAML reads 1e-6 as text, write 1.0e-6"
    return key, f"{message} ({_description(key, settings)})"


def _key(location: tuple, settings) -> tuple:
    """Pydantic's location without the names of its own classes."""
    key, here = [], settings
    for part in location:
        inside = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int)
        if inside:
            key.append(part)
            here = here[part]
    return tuple(key)


def _model_at(key: tuple, settings) -> type[Strict] | None:
    """The class whose fields are the keys below `key`."""
    match key:
        case ():
            return Configuration
        case ("fit",):
            return Fit
        case ("experiments", name, *rest):
            exact = settings["experiments"][name].get("kind") == "exactness"
            if rest == ["model"]:
                return Target if exact else ModelSettings
            return None if rest else ExactnessExperiment if exact else RecoveryExperiment
    return None


def _description(key: tuple, settings) -> str:
    """The description of the innermost described key."""
    for end in range(len(key), 0, -1):
        model = _model_at(key[: end - 1], settings)
        if model and key[end - 1] in model.model_fields:
            return f"{key[end - 1]}: {model.model_fields[key[end - 1]].description}"
    return ""


def _meant(word, known) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _report(faults: Mapping[tuple, str], settings, sources) -> str:
    files = [(str(source), yaml.safe_load(Path(source).read_text(encoding="utf-8")) or {}) for source in sources]
    lines = [f"{_origin(key, settings, files)}: {_spelled(key)}: {message}" for key, message in faults.items()]
    return "the configuration is not valid\n  " + "\n  ".join(lines)


def _spelled(key: tuple) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".") or "top level"


def _origin(key: tuple, settings, files) -> str:
    """The file that set a key: the last one that has it as it is now; the command line if none has."""
    value = _at(settings, key)
    if value is None:  # a key that is missing: the file where it belongs
        return _origin(key[:-1], settings, files) if key else " or ".join(name for name, _ in files) or "configuration"
    for name, content in reversed(files):
        found = _at(content, key)
        if found == value or (found is not None and isinstance(value, dict)):
            return name
    return COMMAND_LINE if files else "configuration"


def _at(content, key: tuple) -> Any:
    for part in key:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return None
    return content


if __name__ == "__main__":
    print(schema(), end="")
