"""Options for the choices of a protocol, one each, with the words of the configuration's schema."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated

import typer

from onepass.choices import COUNTS, RANGES, Choice
from onepass.pipeline.choices import ABOUT


def with_choices(command: Callable) -> Callable:
    """A command with an option for every choice; it gets those that were given as the mapping `choices`."""
    signature = inspect.signature(command)
    kinds = {key: (float if key in RANGES else int if key in COUNTS else str) | None for key in ABOUT}
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "choices"]
    options = [
        inspect.Parameter(
            key,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[kinds[key], typer.Option(help=f"Of the protocol. {text}")],
        )
        for key, text in ABOUT.items()
    ]

    @wraps(command)
    def with_options(**given):
        choices = {key: given.pop(key) for key in ABOUT}
        return command(**given, choices={key: value for key, value in choices.items() if value is not None})

    keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    with_options.__signature__ = signature.replace(parameters=[*keyword_only, *options])
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *options]}
    return with_options


def chosen(protocol: str, choices: dict) -> str:
    """Name of the protocol of a name with some of its choices made otherwise."""
    from onepass.pipeline.protocols import protocol_of

    named = protocol_of(protocol)
    return protocol_of({key: choices.get(key, _plain(getattr(named, key))) for key in ABOUT}).name


def _plain(choice):
    return str(choice) if isinstance(choice, Choice) else choice
