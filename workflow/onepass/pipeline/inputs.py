"""Inputs as a configuration and the command line give them: by name, or as a mapping with the kind as its key."""

from collections.abc import Mapping
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from onepass.inputs.described import inputs_of
from onepass.inputs.kind import LARGEST, MOST_BLOCKS, InputsError

LONGEST = 150  # characters of a name: it stands in attributes of files and on command lines


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BlockChoices(_Described):
    """A block of inputs of one variance."""

    dimension: Annotated[float, Field(gt=0, le=1)] | Annotated[int, Field(ge=1)] = Field(
        description="How many directions: a fraction of d, of what counts leave of it, or a count, a whole number. "
        "The fractions sum to 1."
    )
    variance: float = Field(ge=0, le=LARGEST, description="Variance of the inputs there, from 0.")
    teacher: float = Field(
        ge=0, le=1, description="Share of the block in the squared norm of the teacher's rows; the shares sum to 1."
    )


class SpectrumChoices(_Described):
    """A power law of variances."""

    power: float = Field(default=1.0, ge=0, le=20, description="The i-th direction has variance i^-power.")
    blocks: int = Field(
        default=24, ge=1, le=MOST_BLOCKS, description="Blocks into which it is cut, evenly in the logarithm of i."
    )
    teacher: float = Field(
        default=0.0, ge=0, le=20, description="The i-th direction has the share i^-teacher of the teacher."
    )
    scale: Literal["mean", "first"] = Field(
        default="mean",
        description="Which variance is 1: the mean, or that of the first direction, for powers above 1.",
    )


class SpikeChoices(_Described):
    """Variance 1 but for one direction for each of the teacher's."""

    strength: float = Field(
        default=1.0, ge=-1, le=LARGEST, description="Such a direction has variance 1 + strength d^power."
    )
    alignment: float = Field(default=1.0, ge=0, le=1, description="Cosine of a teacher's direction and its spike.")
    power: float = Field(default=0.0, ge=0, le=3, description="See strength.")


class InputsChoices(_Described):
    """One of blocks, spectrum and spike."""

    blocks: list[BlockChoices] | None = Field(default=None, description="Blocks one by one.")
    spectrum: SpectrumChoices | None = Field(default=None, description="A power law, cut into blocks.")
    spike: SpikeChoices | None = Field(default=None, description="A few directions of another variance.")
    normalised: bool = Field(
        default=True,
        description="Whether the teacher's rows have the length that makes the coordinates of the target standard "
        "normal; else they are unit vectors.",
    )


def inputs_name(described: str | Mapping) -> str:
    """The name of inputs; an `InputsError` for what is none, or has a name that is too long."""
    name = inputs_of(described).name
    if len(name) > LONGEST:
        raise InputsError(
            f"inputs {name[:40]!r}… have a name of {len(name)} characters; allowed: {LONGEST}, by fewer blocks"
        )
    return name


def read_inputs(text: str) -> str:
    """The name of inputs as a command line gives them: a name, or a mapping in YAML, ``{spike: {strength: 9}}``."""
    try:
        described = yaml.safe_load(text) if text.lstrip().startswith("{") else text
    except yaml.YAMLError:
        raise InputsError(f"inputs {text!r} are no YAML; allowed: for instance {{spike: {{strength: 9}}}}") from None
    return inputs_name(described)


def inputs_name_of(experiment) -> str | None:
    """The name of an experiment's inputs; None of isotropic ones."""
    name = getattr(experiment.model, "inputs", "isotropic")
    return None if name == "isotropic" else name


InputsName = Annotated[str | InputsChoices, BeforeValidator(inputs_name)]
