"""Protocols as a configuration and the command line give them: by name, or choice by choice."""

from collections.abc import Mapping
from dataclasses import fields
from math import inf
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, create_model

from onepass.choices import COUNTS, RANGES, Loss, ProtocolError
from onepass.pipeline.choices import ABOUT
from onepass.protocol import CHOICES, Protocol

LONGEST = 150  # characters of a protocol's name: it stands in names of files, which may have 255


def protocol_of(described: str | Mapping) -> Protocol:
    """The protocol of a name, or of a mapping of its choices: ``{"loss": "absolute", "update": "spherical"}``.

    Raises
    ------
    ProtocolError
        For what is neither, as `Protocol` words it, and for one whose name is too long for files.
    """
    if isinstance(described, Mapping):
        unknown = [key for key in described if key not in ABOUT]
        if unknown:
            raise ProtocolError(f"{unknown[0]!r} is no choice of a protocol; allowed: {', '.join(ABOUT)}")
        for key, value in described.items():
            if isinstance(value, str) and len(value) > LONGEST:
                raise ProtocolError(f"{key} {value[:40]!r}… is {len(value)} characters long; allowed: {LONGEST}")
        protocol = Protocol(**described)
    else:
        if isinstance(described, str):
            _fits(described)
        protocol = Protocol.named(described)
    _fits(protocol.name)
    return protocol


def _fits(name: str) -> None:
    if len(name) > LONGEST:
        raise ProtocolError(
            f"protocol {name[:40]!r}… has a name of {len(name)} characters; allowed: {LONGEST}, by shorter formulas"
        )


def _schema(key: str, default) -> tuple:
    """Type and field of a choice, for the schema."""
    if key == "loss":
        kind = Literal[tuple(map(str, Loss))] | str
    elif key in CHOICES:
        kind = Literal[tuple(map(str, CHOICES[key]))]
    elif key in RANGES:
        least, below = RANGES[key]
        bounds = {"gt": 0} if least is None else {"ge": least}
        kind = Annotated[float, Field(**bounds, **({} if below == inf else {"lt": below}))]
    elif key in COUNTS:
        kind = Annotated[int, Field(ge=1)]
    else:
        kind = str
    plain = str(default) if key in ("loss", *CHOICES) else default
    return kind if default is not None else kind | None, Field(default=plain, description=ABOUT[key])


ProtocolChoices = create_model(
    "ProtocolChoices",
    __config__=ConfigDict(extra="forbid"),
    __doc__="A protocol choice by choice; what is left out is that of projected_square. It is kept by its name, in "
    "cells, names of files and tables. Gradient steps, projected or spherical, by the square or the correlation loss "
    "are known to every engine, figure and theory; all others run by the engines chain and sgd, on CPUs.",
    **{field.name: _schema(field.name, field.default) for field in fields(Protocol)},
)
ProtocolName = Annotated[str | ProtocolChoices, BeforeValidator(lambda described: protocol_of(described).name)]
