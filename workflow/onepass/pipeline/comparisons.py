"""Experiments that compare engines: the same runs step by step, d-dimensional, from Gaussians or in leaps."""

from typing import Annotated, Literal

from pydantic import Field

from onepass.pipeline.keys import Count, EachOnce, Experiment, Positive, Recovery, Students, Target, Tolerance
from onepass.simulation.chain.limits import HIGHEST, LOWEST
from onepass.simulation.parameters import ENGINES


class ExactnessExperiment(Experiment):
    """The same short runs by several engines, to compare their laws."""

    kind: Literal["exactness"] = Field(description="What is measured: the overlaps after a number of steps.")
    model: Target = Field(description="The target and the activation of its students.")
    students: Annotated[list[Students], EachOnce] = Field(
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
    threshold: Positive | None = Field(
        description="Norm of the overlaps at which a run stops, for a comparison of recovery times; above 0, or null "
        "for one of the overlaps after all steps."
    )
    recovery: Recovery = "cosine"
    engines: Annotated[list[Literal[ENGINES]], EachOnce] = Field(
        min_length=2,
        max_length=2,
        description="The two engines to compare, of chain, sgd, gaussian and leap (of tolerance 0.01).",
    )
    gaussian_from: Count | None = Field(
        description="Batch size from which engine auto of the other experiments takes gaussian, for a mark in the "
        "figure; null for none."
    )


class LeapsExperiment(Experiment):
    """The same recovery times step by step and in leaps of several tolerances."""

    kind: Literal["leaps"] = Field(description="What is measured: recovery times in single steps and in leaps.")
    model: Target = Field(description="The target and the activation of its student.")
    batch_sizes: Annotated[list[Count], EachOnce] = Field(min_length=1, description="Batch sizes n_b, each once.")
    gamma0s: Annotated[list[Positive], EachOnce] = Field(
        min_length=1, description="Prefactors of the learning rate gamma0 n_b d^-max(l/2, 1), each once; above 0."
    )
    tolerances: Annotated[list[Tolerance], EachOnce] = Field(
        min_length=1,
        description=f"Tolerances of the leaps, each once; numbers from {LOWEST:g} to {HIGHEST:g}. Runs of the chain, "
        "exact, stand beside them.",
    )
    initial: Literal["inverse_sqrt_d"] = Field(description="Start: inverse_sqrt_d (an overlap of start/sqrt(d)).")
    start: Positive = Field(description="Overlap at the start times sqrt(d); above 0.")
    threshold: Positive = Field(description="Norm of the overlaps at which a run stops; above 0.")
    samples: Positive = Field(
        description="Length of a run at most: n_b steps = samples d^max(l-1, 1) / gamma0; a number above 0."
    )
