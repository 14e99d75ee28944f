"""Whether a configuration can be run, and clear words where it cannot: file, key, value and what is allowed."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from onepass.errors import OnepassError
from onepass.pipeline import collection
from onepass.pipeline.comparisons import ExactnessExperiment, LeapsExperiment
from onepass.pipeline.config import FIGURES, ON_THEORY, TABLES, Check, Configuration, Fit
from onepass.pipeline.experiments import BY_KIND, RecoveryExperiment, Until
from onepass.pipeline.feasible import CellError, unknown_to_theory
from onepass.pipeline.keys import ModelSettings, Strict, Target

COMMAND_LINE = "command line"
MOST_LINES, LONGEST_VALUE, LONGEST_LINE = 20, 200, 900  # of a message


class ConfigurationError(OnepassError, ValueError):
    """A configuration that cannot be run; the message names file, key, value and what is allowed."""


def validated(settings: Mapping, sources: Sequence[str | Path] = ()) -> Configuration:
    """Check all keys, as merged from the files and the command line; a `ConfigurationError` lists every wrong one.

    Of the files, `sources`, later ones over earlier ones, it is only said which of them set a wrong key.
    """
    files = [(str(source), _loaded(source)) for source in sources]
    given = _as_in_a_file(_plain(settings), files)
    settings = collection.completed(given)
    try:
        configuration = Configuration.model_validate(settings)
        faults = [*_unknown_defaults(configuration), *_faults_of_the_whole(configuration)]
    except ValidationError as error:
        faults = [_fault(item, settings) for item in error.errors(include_url=False)]
    if faults:
        placed = {_written(key, given, settings): message for key, message in faults}  # one of a default is said once
        lines = [f"{_origin(key, given, files)}: {_spelled(key)}: {message}" for key, message in placed.items()]
        raise ConfigurationError(_headed(lines))
    return configuration


def configured(*overlays: str | Path) -> Configuration:
    """The project's own files with these over them, as ``--configfile`` takes them, checked."""
    files = [*collection.files(), *overlays]
    trees = [_loaded(file) for file in files]
    for file, tree in zip(files, trees, strict=True):
        if not isinstance(tree, Mapping):
            raise ConfigurationError(_headed([f"{file}: {_short(tree)}; allowed: keys as in default.yaml"]))
    return validated(collection.merged(*trees), files)


def _loaded(source: str | Path):
    """What a file holds."""
    try:
        return collection.loaded(source)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(_headed([f"{source}: no YAML: {error}"])) from None


def _plain(settings) -> dict:
    """Plain dictionaries, lists, texts and numbers, whatever the loader made."""
    try:
        plain = json.loads(json.dumps(settings, default=str))
    except RecursionError:
        raise ConfigurationError(_headed(["top level: nested too deeply; allowed: keys as in default.yaml"])) from None
    except (TypeError, ValueError) as error:
        raise ConfigurationError(_headed([f"top level: {error}; allowed: texts as keys, finite trees"])) from None
    if not isinstance(plain, dict):
        raise ConfigurationError(_headed([f"top level: {_short(plain)}; allowed: keys as in default.yaml"]))
    return plain


def _as_in_a_file(value, files, key: tuple = ()):
    """The settings with numbers where the command line has texts: inside of braces its numbers arrive as such."""
    if isinstance(value, dict):
        return {name: _as_in_a_file(inner, files, (*key, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_in_a_file(inner, files, (*key, place)) for place, inner in enumerate(value)]
    if not files or not isinstance(value, str) or any(_at(content, key) == value for _, content in files):
        return value
    with suppress(yaml.YAMLError, ValueError, RecursionError):
        read = yaml.safe_load(value)
        if isinstance(read, int | float) or value == "null":
            return read
    return value


def _unknown_defaults(configuration: Configuration) -> Iterator[tuple[tuple, str]]:
    """Keys and messages of defaults that no experiment of their kind takes."""
    for kind, keys in configuration.defaults.items():
        known = [key for key in BY_KIND[kind].model_fields if key != "kind"]
        for key, value in keys.items():
            if key not in known:
                yield ("defaults", kind, key), _unknown(key, value, known)


def _faults_of_the_whole(configuration: Configuration) -> Iterator[tuple[tuple, str]]:
    """Keys and messages of what no key shows alone: cells that cannot be simulated, figures without data."""
    for name, experiment in configuration.experiments.items():
        if name in TABLES:
            yield ("experiments", name), f"exponents/{name}.nc is a table; allowed: any name but {', '.join(TABLES)}"
        try:
            configuration.grid(name)
        except CellError as error:
            yield ("experiments", name, *error.key), f"{_short(error.value)}: {error}"
        except ValueError as error:
            yield ("experiments", name, "model", "target"), f"{_short(experiment.model.target)}: {error}"
    lists = [(("figures", figure), FIGURES[figure], names) for figure, names in configuration.figures.items()]
    for key, kind, names in [*lists, (("check", "experiments"), "recovery", configuration.check.experiments)]:
        allowed = [n for n, experiment in configuration.experiments.items() if experiment.kind == kind]
        for place, name in enumerate(names):
            if name not in allowed:
                message = f"{_short(name)}: no experiment of kind {kind!r}; allowed: {', '.join(allowed) or 'none'}"
                yield (*key, place), message + meant(name, allowed)
            elif key[-1] in ON_THEORY or key[0] == "check":
                faults = unknown_to_theory(configuration.experiments[name])
                yield from (((*key, place), f"{_short(name)}: {fault}") for fault in faults[:1])


def _fault(item: Mapping, settings) -> tuple[tuple, str]:
    """Key and message of one of pydantic's errors."""
    key, value, kind = _key(item["loc"], settings), item["input"], item["type"]
    if kind == "missing":
        key = (*key, item["loc"][-1])
        return key, f"missing; {_description(key, settings)}"
    if kind == "extra_forbidden":
        known = list(_model_at(key[:-1], settings).model_fields)
        return key, _unknown(key[-1], value, known)
    if item["loc"][-1:] == ("[key]",):
        allowed = item["ctx"].get("expected") or f"names like {item['ctx'].get('pattern')}"
        return key, f"this name is unknown; allowed: {allowed}{meant(key[-1], [*FIGURES, *BY_KIND])}"
    if kind.startswith("union_tag"):
        named = value.get("kind") if isinstance(value, dict) else value
        return (*key, "kind"), f"{_short(named)}; allowed: {', '.join(BY_KIND)}"
    problem = item["msg"].removeprefix("Value error, ").replace("Input should be", "allowed:")
    message = f"{'' if isinstance(value, dict) else f'{_short(value)}: '}{problem}"
    if kind == "literal_error":
        message += meant(value, item["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", "))
    if isinstance(value, str) and kind.startswith(("float", "int")) and value[:1] in "+-.0123456789":
        message += "; YAML reads 1e-6 as text, write 1.0e-6"
    about = _description(key, settings)
    return key, f"{message} ({about})" if about else message


def _unknown(key: str, value, known: Sequence[str]) -> str:
    return f"{_short(value)}: unknown key; allowed: {', '.join(known)}{meant(key, known)}"


def _written(key: tuple, given, settings) -> tuple:
    """Where a key is written: among the `defaults` of its kind, if they alone say it."""
    if key[:1] == ("experiments",) and not _stands(given, key) and _stands(settings, key):
        return ("defaults", _at(settings, (*key[:2], "kind")), *key[2:])
    return key


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
        case ("check",):
            return Check
        case ("experiments", name, *rest):
            model = BY_KIND.get(settings["experiments"][name].get("kind"), RecoveryExperiment)
            if rest == ["model"]:
                return Target if model in (ExactnessExperiment, LeapsExperiment) else ModelSettings
            return {(): model, ("until",): Until}.get(tuple(rest))
    return None


def _description(key: tuple, settings) -> str:
    """The description of the innermost described key."""
    for end in range(len(key), 0, -1):
        model = _model_at(key[: end - 1], settings)
        if model and key[end - 1] in model.model_fields:
            return f"{key[end - 1]}: {model.model_fields[key[end - 1]].description}"
    return ""


def meant(word, known: Iterable[str]) -> str:
    """The one of the known words that is close to this one, as the end of a message."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _headed(lines: Sequence[str]) -> str:
    """The message of a configuration with faults, of a length that can be read."""
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    shown = [_cut(line, LONGEST_LINE) for line in lines[:MOST_LINES]]
    return "\n  ".join(["the configuration is not valid", *shown, *more])


def _short(value) -> str:
    """A value as it stands in the file, or the beginning of a long one."""
    return _cut(repr(value), LONGEST_VALUE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


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


def _stands(content, key: tuple) -> bool:
    *place, last = key
    inside = _at(content, tuple(place))
    return last in inside if isinstance(inside, dict) else isinstance(inside, list) and last in range(len(inside))


def _at(content, key: tuple) -> Any:
    for part in key:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return None
    return content
