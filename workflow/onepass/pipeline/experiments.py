"""The kinds of experiments, each a grid of simulations: their keys and what each may hold."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, TypeAdapter, model_validator

from onepass.pipeline.comparisons import ExactnessExperiment, LeapsExperiment
from onepass.pipeline.keys import (
    Count,
    Dimensions,
    EachOnce,
    Experiment,
    ModelSettings,
    Positive,
    Recovery,
    Strict,
    Tolerance,
)
from onepass.simulation.chain.limits import HIGHEST, LOWEST, TOLERANCE
from onepass.simulation.parameters import ENGINES, SEARCHED

GAUSSIAN_FROM = 3000  # smallest batch drawn from a Gaussian, by its measured error


class BatchesExperiment(Experiment):
    """A grid of protocols × μ × d, the batch size scaling with d."""

    model: ModelSettings = Field(description="The target and its student.")
    mu: Annotated[list[Annotated[float, Field(ge=0, allow_inf_nan=False)]], EachOnce] = Field(
        min_length=1, description="Exponents of the batch size n_b = n0 d^mu; numbers of at least 0, each once."
    )
    n0: Positive = Field(description="Prefactor of the batch size; a number above 0.")


class LeapingExperiment(BatchesExperiment):
    """One that the engine that leaps may simulate."""

    usual_tolerance: ClassVar[float] = TOLERANCE
    tolerance: Tolerance | None = Field(
        description="Relative error of median recovery times that engine leap may make, a number from "
        f"{LOWEST:g} to {HIGHEST:g}; null for 0.01, 0.03 of tuned and 0.1 of map. Other engines make none.",
    )

    def tolerance_of(self, engine: str) -> float | None:
        """Of a cell by this engine; None unless it leaps."""
        return (self.tolerance or self.usual_tolerance) if engine == "leap" else None


class ScalingExperiment(LeapingExperiment):
    """One whose learning rate scales with d as well."""

    engine: Literal["auto", *ENGINES] = Field(
        description="Simulator: chain (exact in law), sgd (d-dimensional), gaussian (the chain for very large "
        "batches), leap (the chain in leaps, for very many steps) or auto (gaussian from batches of gaussian_from, "
        "below it, and for protocols and models that gaussian does not know, the chain)."
    )
    gaussian_from: Count | None = Field(
        description=f"Smallest batch size that engine auto simulates by gaussian; null for {GAUSSIAN_FROM}. Other "
        "engines do not ask."
    )


class TimesExperiment(ScalingExperiment):
    """What every grid of recovery times has."""

    gamma0: Positive = Field(description="Prefactor of the learning rate gamma0 d^-delta; a number above 0.")
    initial: Literal["sphere", "inverse_sqrt_d"] = Field(
        description="Start: sphere (uniform, overlaps made positive) or inverse_sqrt_d (every overlap start/sqrt(d))."
    )
    start: Positive | None = Field(
        description="Overlap at the start times sqrt(d) where initial is inverse_sqrt_d, above 0; null for a sphere."
    )
    threshold: Positive = Field(description="Norm of the overlaps that counts as weak recovery; above 0.")
    recovery: Recovery = "cosine"

    @model_validator(mode="after")
    def _one_start(self):
        if (self.initial == "sphere") != (self.start is None):
            raise ValueError(
                f"initial is {self.initial!r} and start {self.start!r}; allowed: a number with 'inverse_sqrt_d', null "
                "with 'sphere'"
            )
        return self


class Until(Strict):
    """Replicas are doubled until the time exponents are known."""

    theta_halfwidth: Positive = Field(
        description="Half of the 95 % interval of theta that no protocol and mu shall exceed; above 0."
    )
    most_replicas: Annotated[int, Field(ge=8, le=10**6)] = Field(
        default=4096, description="No round has more replicas; a whole number from 8 to 10**6."
    )
    points: Annotated[int, Field(ge=2)] | None = Field(default=None, description="As of fit, whose are taken for null.")
    resamples: Annotated[int, Field(ge=100, le=10**6)] | None = Field(
        default=None, description="As of fit, whose are taken for null."
    )


class RecoveryExperiment(TimesExperiment):
    """Times to weak recovery."""

    replicas: Annotated[int, Field(ge=8, le=10**6)] = Field(
        description="Independent runs of every cell; a whole number from 8, for intervals one can trust, to 10**6."
    )
    kind: Literal["recovery"] = Field(description="What is measured: the time to weak recovery.")
    delta: Literal["theory"] | Annotated[float, Field(ge=-10, le=10)] = Field(
        description="Exponent of the learning rate: theory (the smallest rate that is as fast as any) or a number "
        "from -10 to 10; a number for protocols that the theory does not know."
    )
    step_budget: Positive = Field(
        description="Steps allowed a replica, in units of d^theta / gamma0 with the theory's theta; above 0. Of a "
        "protocol that the theory does not know, theta is max(delta + max(l/2, 1) - 1, 0): a climb at this rate, l of "
        "samples seen again being the generative exponent."
    )
    records: Annotated[int, Field(ge=0, le=10**4)] = Field(
        description="Steps at which overlaps are recorded, beside the first and the last; from 0 to 10**4."
    )
    until: Until | None = Field(
        default=None,
        description="Replicas are doubled until theta is known so well, of all protocols and mu; null for replicas "
        "alone.",
    )

    @model_validator(mode="after")
    def _rounds_can_end(self):
        if self.until and self.until.most_replicas < self.replicas:
            raise ValueError(
                f"until.most_replicas is {self.until.most_replicas} and replicas {self.replicas}, those of the first "
                "round; allowed: as many or more"
            )
        if self.until and len(self.dimensions) < 2:
            raise ValueError(f"until is given and dimensions are {self.dimensions}; allowed: two or more, for a theta")
        return self


class MapExperiment(TimesExperiment):
    """Recovery times over the plane of batch and learning-rate exponents."""

    usual_tolerance: ClassVar[float] = 0.1
    kind: Literal["map"] = Field(description="What is measured: recovery over the plane of mu and delta.")
    dimensions: Dimensions = Field(
        min_length=2, description="Input dimensions d, two or more: theta is measured between the two largest."
    )
    deltas: Annotated[list[Annotated[float, Field(ge=-10, le=10)]], EachOnce] = Field(
        min_length=2, description="Exponents of the learning rate gamma0 d^-delta; numbers from -10 to 10, each once."
    )
    step_budget: Positive = Field(description="Steps allowed a replica, in the units that budget names; above 0.")
    budget: Literal["best", "own"] = Field(
        description="Units of step_budget: best, sqrt(d) times the best time of plain SGD, d^(theta + 1/2) / gamma0 "
        "with its theta; own, the time at a cell's own learning rate, d^(delta + l/2 - 1) / gamma0, and 30 steps at "
        "least.",
    )


class TrajectoriesExperiment(ScalingExperiment):
    """Overlaps and risk along runs of a given length."""

    kind: Literal["trajectories"] = Field(description="What is measured: overlaps and risk along the runs.")
    gamma0: Positive = Field(
        description="Prefactor of the learning rate gamma0 d^-delta, or gamma0 p n_b d^-max(l/2, 1) for delta: line; "
        "above 0."
    )
    delta: Literal["line"] | Annotated[float, Field(ge=-10, le=10)] = Field(
        description="Exponent of the learning rate: line (the edge of learning, max(l/2, 1) - mu) or a number "
        "from -10 to 10."
    )
    initial: Literal["sphere", "inverse_sqrt_d", "norm_inverse_sqrt_d"] | Annotated[float, Field(ge=0, le=1)] = Field(
        description="Start: sphere (uniform, overlaps made positive), norm_inverse_sqrt_d (the same, each student's "
        "overlaps of norm 1/sqrt(d)), inverse_sqrt_d or a number from 0 to 1 for every overlap."
    )
    samples: Positive | None = Field(
        description="Length of a run: n_b steps = samples d^max(l-1, 1); a number above 0, or null where steps is "
        "given."
    )
    steps: Count | None = Field(description="Length of a run in steps; or null where samples is given.")
    records: Annotated[int, Field(ge=1, le=10**4)] = Field(
        description="Steps at which overlaps are recorded, beside the first and the last; from 1 to 10**4."
    )

    @model_validator(mode="after")
    def _one_length(self):
        if (self.samples is None) == (self.steps is None):
            raise ValueError("samples and steps both say how long a run is; allowed: one of them, the other null")
        return self


class TunedExperiment(LeapingExperiment):
    """The learning rate of the shortest time to weak recovery, searched for without theory."""

    usual_tolerance: ClassVar[float] = 0.03
    kind: Literal["tuned"] = Field(description="What is measured: the best learning rate, and the time it takes.")
    engine: Literal[SEARCHED] = Field(
        description="Simulator: leap (its cost does not depend on the rate) or chain (step by step, for protocols "
        "that leaps do not know).",
    )
    replicas: Annotated[int, Field(ge=8, le=10**6)] = Field(
        description="Independent runs at every rate; a whole number from 8, for intervals one can trust, to 10**6."
    )
    first_delta: Annotated[float, Field(ge=0, le=20)] = Field(
        description="The search climbs from the rate first_gamma0 n_b^first_batch d^-first_delta, with momentum 1 - "
        "beta times as much, smoothed by s (1 + s^2)^(l/2) times, l the target's leap index; which must be far too "
        "small: without noise; from 0 to 20."
    )
    first_gamma0: Positive = Field(default=1.0, description="Prefactor of the first rate; a number above 0.")
    first_batch: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="Power of the batch size in the first rate; from 0 to 1, where noise sets the best."
    )
    first_length: Annotated[float, Field(ge=0, le=20)] = Field(
        description="There a replica is allowed d^first_length steps over its rate, which must be too many; from 0 "
        "to 20."
    )
    initial: Literal["inverse_sqrt_d"] = Field(description="Start: inverse_sqrt_d (an overlap of start/sqrt(d)).")
    start: Positive = Field(description="Overlap at the start times sqrt(d); above 0.")
    threshold: Positive = Field(description="Norm of the overlaps that counts as weak recovery; above 0.")
    recovery: Recovery = "cosine"


AnyExperiment = Annotated[
    RecoveryExperiment
    | MapExperiment
    | TrajectoriesExperiment
    | ExactnessExperiment
    | LeapsExperiment
    | TunedExperiment,
    Field(discriminator="kind"),
]
BY_KIND = {
    "recovery": RecoveryExperiment,
    "map": MapExperiment,
    "trajectories": TrajectoriesExperiment,
    "exactness": ExactnessExperiment,
    "leaps": LeapsExperiment,
    "tuned": TunedExperiment,
}


def experiment_from(text: str) -> AnyExperiment:
    """Inverse of an experiment's ``model_dump_json()``."""
    return TypeAdapter(AnyExperiment).validate_json(text)
