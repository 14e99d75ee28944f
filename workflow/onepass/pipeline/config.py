"""The configuration: its keys and what each may hold, those of an experiment apart in `experiments`.

`validation` has the words when a key holds something else. `config/schema.json` is made from these classes:
``python -m onepass.pipeline.config > config/schema.json``.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, ValidationInfo, model_validator

from onepass.pipeline.cell import Cell
from onepass.pipeline.experiments import BY_KIND, AnyExperiment, Until
from onepass.pipeline.grid import cells_of
from onepass.pipeline.keys import Count, EachOnce, Positive, Strict

# Every figure, and the kind of experiment that it draws.
FIGURES = {
    "recovery_scaling": "recovery",
    "sample_complexity": "recovery",
    "time_exponents": "recovery",
    "time_batch_phase_diagram": "recovery",
    "exponent_summary": "recovery",
    "paper_rate": "recovery",
    "tuned_exponents": "tuned",
    "critical_batch": "tuned",
    "critical_rate": "tuned",
    "learning_rate_phase_diagram": "map",
    "chain_exactness": "exactness",
    "gaussian_exactness": "exactness",
    "leap_exactness": "leaps",
    "weak_recovery": "trajectories",
    "wide_student": "trajectories",
    "adaptive_sgd": "trajectories",
    "ode_regimes": "trajectories",
    "intra_batch_corrections": "trajectories",
    "giant_step": "trajectories",
    "multi_index": "trajectories",
    "leap": "trajectories",
    "polylog": "recovery",
    "exit_times": "recovery",
    "second_layer": "trajectories",
    "directions": "tuned",
    "losses": "tuned",
    "momentum": "tuned",
    "smoothing": "tuned",
    "repetition": "recovery",
    "repetition_batch": "tuned",
    "lookahead_rate": "tuned",
    "full_batch": "trajectories",
    "effective_dimension": "tuned",
    "spiked_inputs": "tuned",
    "power_law": "trajectories",
}
TABLES = ("summary", "recovery_times")  # data/exponents has a file of each, beside one an experiment
# Those that are drawn on a theory, of protocols that it knows and no others.
ON_THEORY = (
    "time_batch_phase_diagram",
    "paper_rate",
    "learning_rate_phase_diagram",
    "ode_regimes",
    "intra_batch_corrections",
    "multi_index",
    "leap",
    "polylog",
)
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
PROJECT = Path(__file__).resolve().parents[3]
SOURCE_FOLDERS = ("benchmarks", "config", "docs", "profiles", "tests", "workflow")


def _folder(folder: str) -> str:
    """A plain path, relative or absolute, of none of the project's own folders."""
    first, *names = folder.rstrip("/").split("/")
    names = names if first == "" else [first, *names]
    plain = names and len(folder) <= 200 and all(map(PLAIN_NAME.fullmatch, names))
    if not plain or _is_source(Path(folder)):
        raise ValueError(
            "allowed: a relative or an absolute folder, none of the project's sources; letters, digits, '_', '-' and "
            "'.' in its names, which begin with none of the last two"
        )
    return Path(folder).as_posix()


def _is_source(folder: Path) -> bool:
    if folder.parts[0] in SOURCE_FOLDERS:
        return True
    place = folder.resolve()
    return place == PROJECT or any(place.is_relative_to(PROJECT / source) for source in SOURCE_FOLDERS)


def _drawn(figures: dict, given: ValidationInfo) -> dict:
    """What an overlay sets to null is not there, nor what is not among `only`."""
    figures = {name: experiments for name, experiments in figures.items() if experiments is not None}
    only = given.data.get("only")
    if only is None:
        return figures
    if missing := set(only) - figures.keys():
        raise ValueError(f"'only' names {', '.join(sorted(missing))}; allowed: figures that are not null")
    return {name: figures[name] for name in figures if name in only}


Folder = Annotated[str, AfterValidator(_folder)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


class Fit(Strict):
    """How exponents are fitted."""

    points: Annotated[int, Field(ge=2)] = Field(
        description="How many of the largest dimensions enter a fit; a whole number of at least 2."
    )
    resamples: Annotated[int, Field(ge=100, le=10**6)] = Field(
        description="Bootstrap resamples behind every interval; a whole number from 100 to 10**6."
    )


class Check(Strict):
    """When measured exponents agree with the theory: what the target check_exponents asks."""

    experiments: Annotated[list[str], EachOnce] = Field(
        min_length=1, description="Names of the recovery experiments that are checked and put into the summary."
    )
    tolerances: Annotated[list[Positive], Field(min_length=1)] = Field(
        description="Allowed distance of a measured time exponent from the theory's at l = 1, 2, ...; above 0. The "
        "last one serves all larger l."
    )
    covering: Annotated[float, Field(gt=0, le=1)] = Field(
        description="Fraction of the intervals that must hold the theory; above 0, at most 1."
    )
    resolution: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        description="Half-width below which no interval is taken at its word: corrections of finite d are not told "
        "apart from noise there; 0 or more."
    )
    kink: Positive = Field(description="Allowed distance of a measured best batch exponent from the theory's; above 0.")


class Configuration(Strict):
    """Everything that the pipeline computes."""

    data: Folder = Field(description="Folder of the results: below the working folder, or absolute.")
    figures_folder: Folder = Field(description="Folder of the figures: below the working folder, or absolute.")
    gpu_from: Count = Field(
        description="Random numbers a step, replicas side by side, from which backend: auto looks for a GPU; a whole "
        "number of at least 1."
    )
    defaults: dict[Literal[tuple(BY_KIND)], dict[str, Any]] = Field(
        default_factory=dict,
        description="What an experiment holds where it does not say otherwise, by its kind: any of its keys but kind.",
    )
    experiments: dict[Name, AnyExperiment] = Field(
        description="The grids of simulations by name: small letters, digits and underscores; not "
        + " or ".join(TABLES)
        + ", the names of tables."
    )
    fit: Fit = Field(description="How exponents are fitted.")
    check: Check = Field(description="When measured exponents agree with the theory.")
    only: Annotated[list[Literal[tuple(FIGURES)]], Field(min_length=1), EachOnce] | None = Field(
        default=None, description="Names of the only figures to draw; null or left out for all."
    )
    figures: Annotated[
        dict[Literal[tuple(FIGURES)], Annotated[list[str], Field(min_length=1, max_length=50)] | None],
        AfterValidator(_drawn),
    ] = Field(
        description="The figures to draw, each with the names of its experiments; null for one that is not drawn. An "
        "experiment that no figure and no check needs is simulated only when it is asked for by name."
    )

    _grids: dict[str, list[Cell]] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _folders_apart(self):
        if Path(self.data).resolve() == Path(self.figures_folder).resolve():
            raise ValueError(f"data and figures_folder are both {self.data!r}; allowed: two folders")
        return self

    @model_validator(mode="after")
    def _rounds_fit_as_the_end(self):
        for name, own in self.experiments.items():
            if until := getattr(own, "until", None):
                fit = self.fit.model_dump() | until.model_dump(exclude_none=True)
                self.experiments[name] = own.model_copy(update={"until": Until(**fit)})
        return self

    def grid(self, name: str) -> list[Cell]:
        """The cells of an experiment, see `cells_of`; found once."""
        if name not in self._grids:
            self._grids[name] = cells_of(name, self.experiments[name])
        return self._grids[name]


def schema() -> str:
    """The JSON schema of the configuration, as in ``config/schema.json``."""
    return json.dumps(Configuration.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(schema(), end="")
