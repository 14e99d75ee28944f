"""The grids of a user's own target, as a configuration names them: what to simulate for each of its figures."""

import math

import numpy as np

from onepass.choices import BASIC_LOSSES
from onepass.gaussian.information import leap_complexity
from onepass.protocol import PAPER_PROTOCOLS, Loss, Protocol
from onepass.targets.planning import FEWEST_STEPS, Plan
from onepass.theory.exponents import giant_step, half
from onepass.theory.population_flow import population_flow

REPLICAS = 32
SAFETY = 8  # budgets, in units of the climb without noise
SECONDS = {"small_batch": 60, "large_batch": 110, "map": 45, "row": 10, "runs": 25, "coordinates": 20, "giant": 8}
FIGURES = {  # of those that come with the project, and their experiments, as far as a target has them
    "recovery_scaling": ("large_batch", "small_batch"),
    "sample_complexity": ("large_batch", "small_batch"),
    "time_exponents": ("large_batch", "small_batch"),
    "time_batch_phase_diagram": ("large_batch", "small_batch"),
    "exponent_summary": ("large_batch", "small_batch"),
    "learning_rate_phase_diagram": ("map_square", "map_correlation"),
    "weak_recovery": ("runs",),
    "chain_exactness": ("chain",),
    "gaussian_exactness": ("gaussian",),
    "giant_step": ("giant",),
    "leap": ("coordinates",),
}


def experiments(plan: Plan) -> dict[str, dict]:
    """All experiments of a target by name; what does not make sense for it is not among them."""
    return {
        **_times(plan),
        **_maps(plan),
        "runs": _runs(plan),
        "chain": _chain(plan),
        **_gaussian(plan),
        **_giant(plan),
        **_coordinates(plan),
    }


def _model(plan: Plan, **more) -> dict:
    return {"target": plan.model.target, "activation": plan.model.activation, **more, "noise": 0.0}


def _scaling(plan: Plan, kind: str, *, seed: int, replicas: int, protocols=None, **own) -> dict:
    """What every grid in μ and d has."""
    switch = plan.gaussian_from
    return {
        "kind": kind,
        "model": _model(plan, students=1, second_layer=None),
        "protocols": list(protocols or plan.known),
        **own,
        "n0": 1.0,
        "replicas": replicas,
        "engine": "chain" if switch is None else "auto",
        "gaussian_from": switch,
        "backend": "auto",
        "seed": seed,
    }


def _start(plan: Plan, scaled: float) -> dict:
    """A start of equal overlaps of the norm ``scaled/√d``."""
    return {"initial": "inverse_sqrt_d", "start": float(f"{scaled / math.sqrt(plan.model.teachers):.4g}")}


def _times(plan: Plan) -> dict:
    """Recovery times: batches below the first kink of θ(μ), and from it on, slow enough that no time is a few steps."""
    top = plan.samples_exponent
    few = plan.order <= 2
    small = [0.0, 0.5] if few else [plan.half - 0.5]
    large = [1.0, 1.5] if few else [plan.half, (plan.half + top) / 2, top, top + 0.5]
    least = max(64, math.ceil((2 * plan.scaled_start / plan.threshold) ** 2))
    found = {}
    for seed, (name, mus, rate) in enumerate(
        [("small_batch", small, plan.rate()), ("large_batch", large, plan.rate(steps=20))], start=1
    ):
        dimensions = plan.dimensions(mus, rate, REPLICAS, SECONDS[name], least)
        while dimensions[-1] < 512 and len(mus) > 2:  # rather fewer batch sizes than no range of d
            mus = mus[:-1]
            dimensions = plan.dimensions(mus, rate, REPLICAS, SECONDS[name], least)
        climb = max(plan.climb, plan.scaled_climb(dimensions[-1], plan.threshold))
        found[name] = _scaling(
            plan, "recovery", seed=seed, replicas=REPLICAS, mu=mus, dimensions=dimensions, gamma0=rate, delta="theory",
            **_start(plan, plan.scaled_start), threshold=plan.threshold, step_budget=_round(SAFETY * climb), records=0,
        )  # fmt: skip
    return found


def _maps(plan: Plan) -> dict:
    """The plane of μ and δ, for two losses; batches that cost too much are left out."""
    top = max(float(plan.order), plan.samples_exponent)
    step = 0.25 if plan.order <= 2 else 0.5
    mus = np.arange(0, top + 0.5 + step / 2, step)
    deltas = np.arange(-math.ceil(plan.order - 1) / 2 - 0.5, plan.half + 0.5 + step / 2, step)
    found = {}
    for seed, loss in enumerate(BASIC_LOSSES, start=3):
        # At ℓ ≤ 2 a larger overlap does not outgrow the noise: on its very edge nothing recovers.
        rate = plan.edge(loss) if plan.order > 2 else _round(plan.edge(loss) / 2, 1)
        for dimensions in ([64, 256], [32, 128]):
            above_noise = plan.order > 1 and math.isfinite(plan.scaled_climb(dimensions[-1], 0.7, 1.0))
            threshold = 0.7 if above_noise else plan.threshold
            climb = max(plan.scaled_climb(d, threshold, 1.0) for d in dimensions)
            budget = _round(SAFETY * climb / math.sqrt(dimensions[-1]))
            costs = [plan.map_cost(mu, len(deltas), dimensions, 8, budget, rate) for mu in mus]
            kept = [float(mu) for mu, cost in zip(mus, costs, strict=True) if cost <= SECONDS["row"]]
            if math.isfinite(climb) and len(kept) == len(mus) and sum(costs) <= SECONDS["map"]:
                break
        if len(kept) < 3 or not math.isfinite(climb):
            continue
        own = {"mu": kept, "deltas": deltas.tolist(), "dimensions": dimensions, "gamma0": rate}
        found[f"map_{loss}"] = _scaling(
            plan, "map", seed=seed, replicas=8, protocols=[Protocol(loss).name], **own, **_start(plan, 1.0),
            threshold=threshold, step_budget=budget,
        )  # fmt: skip
    return found


def _runs(plan: Plan) -> dict:
    """Overlaps along the runs, on a line below the edge of learning that leaves the largest batch its steps."""
    mus = [0.5, 1.0, 1.25] if plan.order <= 2 else [plan.half - 0.5, plan.half, plan.half + 0.25]
    climb = plan.scaled_climb(1024, plan.threshold, 1.0)
    climb = climb if math.isfinite(climb) else SAFETY * plan.climb
    counted = climb * 1024 ** (plan.samples_exponent - mus[-1]) / FEWEST_STEPS
    rate = _round(min(plan.edge(Loss.SQUARE) / 3, counted), 1)
    samples = _round(4 * climb / rate)
    dimensions = [512, 1024]
    while dimensions[0] > 32 and _runs_cost(plan, mus, samples, dimensions) > SECONDS["runs"]:
        dimensions = [d // 2 for d in dimensions]
    return _scaling(
        plan, "trajectories", seed=5, replicas=8, protocols=plan.protocols, mu=mus, dimensions=dimensions, gamma0=rate,
        delta="line", initial="inverse_sqrt_d", samples=samples, steps=None, records=120,
    )  # fmt: skip


def _runs_cost(plan: Plan, mus, samples: float, dimensions) -> float:
    power = plan.samples_exponent
    steps = ((d**mu, samples * d**power / d**mu) for mu in mus for d in dimensions)
    return 8 * len(plan.protocols or plan.known) * sum(max(1, count) * plan.step_cost(batch) for batch, count in steps)


def _exactness(plan: Plan, *, growth: float, overlap: float, seed: int, **own) -> dict:
    """Steps that add about `growth` to the squared norm, from a norm of the overlaps."""
    rate, overlap = _round(math.sqrt(growth / plan.noise), 1), _round(overlap / math.sqrt(plan.model.teachers))
    shared = {"gamma0": rate, "initial": overlap, "threshold": None, "backend": "numpy", "seed": seed}
    return {"kind": "exactness", "model": _model(plan), **own, **shared}


def _chain(plan: Plan) -> dict:
    """The overlap chain against d-dimensional SGD."""
    protocols = plan.protocols or [*PAPER_PROTOCOLS, "spherical_correlation"]
    return _exactness(
        plan, growth=3.0, overlap=0.3, seed=6, protocols=protocols, students=[1, 2],
        batch_sizes=[1, 2, 40], dimensions=[16, 64], steps=20, replicas=600, engines=["sgd", "chain"],
        gaussian_from=None,
    )  # fmt: skip


def _gaussian(plan: Plan) -> dict:
    """How large a batch must be to be drawn from a Gaussian, where its law is known."""
    if plan.gaussian_from is None:
        return {}
    sizes = [10, 30, 100, 300, 1000, 3000, 10000]
    return {
        "gaussian": _exactness(
            plan, growth=0.3, overlap=0.1, seed=7, protocols=list(PAPER_PROTOCOLS[:2]), students=[1], batch_sizes=sizes,
            dimensions=[256], steps=1, replicas=2000, engines=["chain", "gaussian"], gaussian_from=plan.gaussian_from,
        )
    }  # fmt: skip


def _giant(plan: Plan) -> dict:
    """One step with n_b around d^ℓ; at ℓ = 1 there is no saddle to leap from."""
    drift, step = abs(plan.drift), giant_step(plan.order)
    if plan.order == 1 or drift == 0:
        return {}
    mus = [step.mu + shift for shift in (-0.5, -0.25, 0.0, 0.25, 0.5)]
    largest = 256
    while largest > 16 and 16 * 2 * plan.step_cost(largest ** mus[-1]) > SECONDS["giant"]:
        largest //= 2
    return {
        "giant": _scaling(
            plan, "trajectories", seed=8, replicas=16, protocols=["projected_correlation"], mu=mus,
            dimensions=[largest // 4, largest // 2, largest], gamma0=_round(10 / drift, 1),
            delta=step.delta, initial="inverse_sqrt_d", samples=None, steps=1, records=1,
        )
    }  # fmt: skip


def _coordinates(plan: Plan) -> dict:
    """Of several coordinates, the overlap with each along the runs, until the flow comes to rest."""
    if plan.model.teachers == 1:
        return {}
    mu, power = plan.half - 0.5, plan.samples_exponent
    rate = _round(min(plan.rate(), plan.edge(Loss.CORRELATION) / 3), 1)
    dimensions = [64, 256, 1024]
    while True:
        rest = _time_to_rest(plan, dimensions[-1])
        samples = rest * dimensions[-1] ** (1 - plan.half) / rate
        cost = 8 * samples * sum(d ** (power - mu) * plan.step_cost(d**mu) for d in dimensions)
        if cost <= SECONDS["coordinates"] or dimensions[0] <= 16:
            break
        dimensions = [d // 2 for d in dimensions]
    samples *= min(1.0, SECONDS["coordinates"] / cost)
    return {
        "coordinates": _scaling(
            plan, "trajectories", seed=9, replicas=8, protocols=["projected_correlation"], mu=[mu], delta="line",
            dimensions=dimensions, gamma0=rate, initial="inverse_sqrt_d", samples=_round(samples), steps=None,
            records=120,
        )
    }  # fmt: skip


def _time_to_rest(plan: Plan, dimension: int) -> float:
    """Time of the flow from equal overlaps 1/√d until each is within 0.05 of where it ends, and a half of it more."""
    plain = plan.climb * dimension ** (plan.half - 1)
    reach = dimension ** (half(leap_complexity(plan.model.target_formula)) - plan.half)  # of a higher leap
    start = np.full((1, plan.model.teachers), dimension**-0.5)
    for horizon in (16, 64, 256):
        times = np.concatenate([[0.0], plain * reach * horizon * np.geomspace(1e-3, 1, 600)])
        flow = population_flow(plan.model, start, [1.0], times)[:, 0]
        away = np.flatnonzero((abs(flow - flow[-1]) > 0.05).any(axis=1))[-1]
        if times[away] < times[-1] / 2:
            break
    return 1.5 * float(times[away + 1])


def _round(value: float, digits: int = 2) -> float:
    return float(f"{value:.{digits}g}")
