"""From what people write to inputs: a name, or a mapping with the kind as its key."""

import re
from collections.abc import Mapping
from dataclasses import fields, replace

from onepass.inputs.blocks import Block, Blocks
from onepass.inputs.kind import ISOTROPIC, Inputs, InputsError
from onepass.inputs.spectrum import Spectrum
from onepass.inputs.spike import Spike

KINDS = {"blocks": Blocks, "spectrum": Spectrum, "spike": Spike}


def inputs_of(described: str | Mapping | Inputs) -> Inputs:
    """The inputs of a name, or of a mapping with one of `KINDS` as its key: ``{"spike": {"strength": 9}}``; besides it
    ``normalised`` may stand.

    Raises
    ------
    InputsError
        For anything else.
    """
    if isinstance(described, Inputs):
        return described
    if described == "isotropic":
        return ISOTROPIC
    if isinstance(described, str):
        return _named(described)
    kinds = [key for key in described if key in KINDS] if isinstance(described, Mapping) else []
    if len(kinds) != 1 or not set(described) <= {*kinds, "normalised"}:
        raise InputsError(
            f"inputs {described!r} are unknown; allowed: isotropic, or one of {', '.join(KINDS)} as a key"
        )
    kind, own, normalised = kinds[0], described[kinds[0]], described.get("normalised", True)
    if not isinstance(normalised, bool):
        raise InputsError(f"inputs: normalised is {normalised!r}; allowed: true or false")
    if kind == "blocks":
        if isinstance(own, (str, Mapping)) or not hasattr(own, "__iter__"):
            raise InputsError(f"inputs: blocks is {own!r}; allowed: a list of blocks")
        return Blocks(normalised, tuple(_arguments(f"block {i}", Block, block) for i, block in enumerate(own, 1)))
    return replace(_arguments(kind, KINDS[kind], own), normalised=normalised)


def _arguments(place: str, make, own) -> Inputs | Block:
    names = Block._fields if make is Block else [field.name for field in fields(make)][1:]
    if not isinstance(own, Mapping) or not set(own) <= set(names) or (make is Block and set(own) != set(names)):
        raise InputsError(f"inputs: {place} is {own!r}; allowed: a mapping of {', '.join(names)}")
    return make(**own)


NUMBER = r"([-+.0-9e]+)"
BLOCK = re.compile(f"{NUMBER}v{NUMBER}t{NUMBER}")
SPECTRUM = re.compile(f"spectrum{NUMBER}x([0-9]+)(?:t{NUMBER})?(_first)?")
SPIKE = re.compile(f"spike{NUMBER}(?:d{NUMBER})?a{NUMBER}")


def _named(name: str) -> Inputs:
    text = name.removesuffix("_unit")
    normalised, found = text == name, None
    try:
        if text.startswith("blocks_"):
            parts = [BLOCK.fullmatch(part).groups() for part in text.split("_")[1:]]
            found = Blocks(normalised, tuple(Block(_count_or_fraction(d), float(v), float(t)) for d, v, t in parts))
        elif match := SPECTRUM.fullmatch(text):
            power, blocks, teacher, first = match.groups()
            scale = "first" if first else "mean"
            found = Spectrum(normalised, float(power), int(blocks), float(teacher or 0), scale)
        elif match := SPIKE.fullmatch(text):
            strength, power, alignment = match.groups()
            found = Spike(normalised, float(strength), float(alignment), float(power or 0))
    except (ValueError, AttributeError) as error:
        if isinstance(error, InputsError):
            raise
    if found is None or found.name != name:
        hint = "" if found is None else f" (did you mean {found.name!r}?)"
        raise InputsError(
            f"inputs {name!r} are unknown{hint}; allowed: isotropic, and names such as spike9a0.5, spectrum0.5x24, "
            "blocks_0.5v2.0t0.1_0.5v1.0t0.9"
        )
    return found


def _count_or_fraction(text: str) -> float | int:
    return int(text) if text.isdigit() else float(text)
