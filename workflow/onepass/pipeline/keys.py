"""What the keys of a configuration may hold: the types behind them, and what every experiment has."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from onepass.formulas.formula import Formula
from onepass.model import LARGEST_NOISE
from onepass.pipeline.inputs import InputsName
from onepass.pipeline.protocols import ProtocolName
from onepass.simulation.algorithms.run import RECOVERIES
from onepass.simulation.chain.limits import HIGHEST, LOWEST
from onepass.simulation.cuda.backend import BACKENDS
from onepass.simulation.parameters import LARGEST_COUNT, LEAP_COUNT


def _formula(parse):
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _distinct(values: list) -> list:
    seen = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{value!r} stands there twice, the grid has two equal cells; allowed: each value once")
        seen.add(value)
    return values


EachOnce = AfterValidator(_distinct)
Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Students = Annotated[int, Field(ge=1, le=1000)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Tolerance = Annotated[float, Field(ge=LOWEST, le=HIGHEST)]
Recovery = Annotated[
    Literal[RECOVERIES],
    Field(
        description="What the threshold is on where weights leave the sphere, by update plain: cosine (each student's "
        "overlaps divided by its norm) or norm (overlaps as they are). On the sphere these are one."
    ),
]
Dimensions = Annotated[list[Annotated[int, Field(ge=2, le=LEAP_COUNT)]], EachOnce]


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
    noise: Annotated[float, Field(ge=0, le=LARGEST_NOISE)] = Field(
        description=f"Variance of the label noise, from 0 to {LARGEST_NOISE:g}."
    )


class ModelSettings(Target):
    """What is learned, from what inputs, and who learns it."""

    students: Students = Field(description="Number p of hidden units; a whole number from 1 to 1000.")
    second_layer: list[Finite] | None = Field(description="The p fixed weights of the second layer; null for ones.")
    inputs: InputsName = Field(
        default="isotropic",
        description="Covariance of the inputs and where the teacher lies in it: isotropic; a name such as spike9a0.5; "
        "or a mapping of one of blocks, spectrum and spike. Others than isotropic ones are known to the engines chain "
        "and sgd, on CPUs.",
    )


class Experiment(Strict):
    """What every grid of simulations has."""

    protocols: Annotated[list[ProtocolName], EachOnce] = Field(
        min_length=1,
        description="Training protocols, each once: names such as projected_square or plain_square_heavyball0.9, or "
        "mappings of choices such as {loss: absolute, update: spherical}.",
    )
    dimensions: Dimensions = Field(
        min_length=1,
        description="Input dimensions d, whole numbers of at least 2, each once; up to 2**53, with engine leap 2**60.",
    )
    replicas: Annotated[int, Field(ge=1, le=10**6)] = Field(
        description="Independent runs of every cell; a whole number from 1 to 10**6."
    )
    backend: Literal[BACKENDS] = Field(
        description="Where it is computed: numpy (CPU), cupy (GPU), or auto: a GPU where one computes and the cell is "
        "large enough (gpu_from)."
    )
    seed: Annotated[int, Field(ge=0, le=LARGEST_COUNT)] = Field(
        description="Seed of the experiment; a whole number of at least 0. Each cell derives its own from it."
    )
