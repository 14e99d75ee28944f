"""A bound on what the grids of a target cost: what is given up so that all of them fit into so many minutes.

Each grid has a share of the time. One that takes longer is simulated in leaps, where that is cheaper, and to larger
dimensions then, for these cost no more; if need be it has fewer replicas, dimensions and batch sizes, in this order;
what still takes longer is left out. What was given up is told.
"""

import math
from collections.abc import Iterator

import numpy as np
from pydantic import TypeAdapter, ValidationError

from onepass.pipeline import collection
from onepass.pipeline.cell import pack
from onepass.pipeline.cost import costs
from onepass.pipeline.experiments import BY_KIND, AnyExperiment
from onepass.pipeline.feasible import CellError
from onepass.pipeline.grid import cells_of
from onepass.pipeline.time_left import duration
from onepass.simulation.chain.batch_law import BatchError
from onepass.targets.planning import LARGEST

MINUTES, CORES = 5.0, 2  # of all grids of a target, unless a user says otherwise
SHARES = {"small_batch": 60, "large_batch": 110, "runs": 25, "coordinates": 20}
ASKED_FOR = 150  # of runs of inputs with structure, which nothing else of the target has
SHARE = 10  # of any other; of a row of a map, four of which a map may have
AROUND = 25.0  # seconds of an experiment beside its cells: its kernels compiled, its data gathered, its figures drawn
LEAPS = ("recovery", "map", "trajectories")  # kinds that may leap
FEWEST = {"replicas": 8, "dimensions": 3, "mu": 2}  # of each


def bounded(found: dict[str, dict], minutes: float = MINUTES) -> tuple[dict[str, dict], list[str]]:
    """The experiments as they fit into so many minutes on two cores, and remarks: their cost, and what was given up."""
    shares = {name: _share(name, own) for name, own in found.items()}
    second = max(0.0, minutes * 60 * CORES - AROUND * len(found)) / sum(shares.values())
    kept, told, total = {}, [], 0.0
    for name, whole in found.items():
        cost, own = seconds(name, whole), whole
        for fewer in _fewer(name, whole) if cost > shares[name] * second else ():
            cost, own = seconds(name, fewer), fewer
            if cost <= shares[name] * second:
                break
        if cost <= shares[name] * second:
            kept[name], total = own, total + cost
            told += [f"{name}: {change}" for change in _changes(whole, own)]
        else:
            told.append(
                f"{name}: left out, the least of it takes {duration(cost)} of a core and has "
                f"{duration(shares[name] * second)}"
            )
    total += AROUND * len(kept)
    first = f"about {duration(total / CORES)} on two cores, figures and all, of {minutes:g} min"
    return kept, [first, *([f"for that, {'; '.join(told)}"] if told else [])]


def _share(name: str, own: dict) -> float:
    if own["model"].get("inputs"):
        return ASKED_FOR
    return SHARES.get(name, SHARE * (4 if own["kind"] == "map" else 1))


def seconds(name: str, own: dict) -> float:
    """What an experiment takes on one core; inf where it cannot be simulated."""
    defaults = collection.loaded(collection.CONFIG / "default.yaml")["defaults"]
    whole = collection.completed({"defaults": defaults, "experiments": {name: own}})["experiments"][name]
    try:
        cells = cells_of(name, TypeAdapter(AnyExperiment).validate_python(whole))
        return sum(costs(pack(cells)))
    except (BatchError, CellError, ValidationError):
        return math.inf


def _fewer(name: str, own: dict) -> Iterator[dict]:
    """Smaller and smaller forms of an experiment."""
    if own["kind"] in LEAPS:
        leaping = own | {"engine": "leap"}
        if own["kind"] == "recovery":  # whose leaps cost as much at any dimension
            least, count = own["dimensions"][0], len(own["dimensions"])
            leaping["dimensions"] = sorted({round(d) for d in np.geomspace(least, 2**LARGEST, count)})
        if seconds(name, leaping) < seconds(name, own):
            own = leaping
        yield own
    while own["replicas"] >= 2 * FEWEST["replicas"]:
        own = own | {"replicas": own["replicas"] // 2}
        yield own
    for key in ("dimensions", "mu"):
        while len(own.get(key, ())) > FEWEST[key]:
            own = own | {key: own[key][:-1]}
            yield own


def _changes(whole: dict, own: dict) -> Iterator[str]:
    """What is not as it was planned, in words."""
    if own.get("engine") != whole.get("engine"):
        yield f"in leaps, of an error of {BY_KIND[own['kind']].usual_tolerance:g}"
    if own["replicas"] != whole["replicas"]:
        yield f"{own['replicas']} replicas of {whole['replicas']}"
    for key, word in (("dimensions", "d"), ("mu", "μ")):
        if own.get(key) != whole.get(key):
            yield f"{word} to {own[key][-1]:g}, not {whole[key][-1]:g}"
