"""What a theorist would say of a run before it starts: why it may not learn, with the numbers.

Each remark is a rough truth of the first saddle (`theory.saddle`), not a refusal: simulate it all the same to see.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from onepass.gaussian.hermite import leading_tensor
from onepass.gaussian.information import leap_index
from onepass.model import Model
from onepass.pipeline.cell import Cell
from onepass.protocol import Protocol, Update
from onepass.simulation.parameters import smallest_dimension
from onepass.targets.budget import short_budget
from onepass.targets.remark import Remark
from onepass.targets.unbounded import unbounded
from onepass.theory import saddle
from onepass.theory.climb import start_norm

SHORT = 10  # steps: fewer are a giant step or two, whose learning rate is beyond any climb's on purpose
LARGE_OVERLAP = 0.5  # weak recovery where no threshold says what it is
OF_RATE = ("noise", "budget")  # kinds of remarks that hold of a rate, whatever its steps are made of
SPEAKING = ("recovery", "trajectories")  # kinds of experiments; a map goes beyond every bound to show it


def advice(
    model: Model,
    protocol: Protocol,
    *,
    dimension: int,
    batch_size: int,
    learning_rate: float,
    steps: int,
    initial: str | float = "sphere",
    threshold: float | None = None,
    engine: str = "chain",
) -> list[Remark]:
    """Remarks on a run, none if nothing speaks against it, or nothing is known of its protocol.

    Momentum on the sphere is judged by the learning rate that its steps come to, γ/(1 − β).

    Parameters
    ----------
    dimension, batch_size, learning_rate, steps : d, n_b, γ and the number of steps, the budget.
    initial : "sphere", "norm_inverse_sqrt_d", or the overlap of every student with every direction at the start.
    threshold : norm of the overlaps that counts as recovery.
    """
    if not protocol.is_basic:
        place = {"dimension": dimension, "batch_size": batch_size, "steps": steps}
        found = unbounded(model, protocol, **place, learning_rate=learning_rate)
        steady = replace(protocol, momentum="none", beta=0.0, velocity="left")
        if steady.is_basic:
            rate = learning_rate / (1 - protocol.beta)
            alike = advice(model, steady, **place, learning_rate=rate, initial=initial, threshold=threshold)
            heading = f"momentum makes of the learning rate {learning_rate:.3g} one of γ/(1 − β) = {rate:.3g}: "
            found += [remark._replace(sentence=heading + remark.sentence) for remark in alike if remark.kind in OF_RATE]
            found += [remark for remark in alike if remark.kind in ("component", "sign")]
        return found
    found = [_too_small(model, engine, dimension, batch_size)]
    missing = missing_component(model)
    if missing:
        found.append(missing)
    else:
        found += [*wrong_signs(model, initial), _noise(model, protocol, dimension, batch_size, learning_rate, steps,
                                                       initial, threshold)]  # fmt: skip
        place = {"dimension": dimension, "learning_rate": learning_rate, "steps": steps}
        found.append(short_budget(model, protocol, **place, initial=initial, threshold=threshold))
    found.append(_self_interaction(model, protocol, learning_rate, steps))
    return [remark for remark in found if remark]


def on_cells(kinds: dict[str, str], cells: Iterable[Cell]) -> list[str]:
    """One line for every kind of trouble of every experiment, at the cell where it goes furthest.

    Parameters
    ----------
    kinds : the kind of every experiment, as in the configuration.
    cells : those that will be simulated.
    """
    worst: dict[tuple[str, str], tuple[Remark, Cell]] = {}
    counts: dict[tuple[str, str], int] = {}
    totals: dict[str, int] = {}
    for cell in cells:
        if kinds.get(cell.experiment) not in SPEAKING:
            continue
        totals[cell.experiment] = totals.get(cell.experiment, 0) + 1
        for remark in on_cell(cell):
            key = cell.experiment, remark.kind
            counts[key] = counts.get(key, 0) + 1
            if key not in worst or remark.extent > worst[key][0].extent:
                worst[key] = remark, cell
    return [
        f"{name}, {counts[name, kind]} of {totals[name]} cells: {remark.sentence} ({cell.protocol}, d = "
        f"{cell.dimension}, n_b = {cell.batch_size})"
        for (name, kind), (remark, cell) in worst.items()
    ]


def on_cell(cell: Cell) -> list[Remark]:
    """`advice` on a cell of a grid."""
    keys = ("dimension", "batch_size", "learning_rate", "steps", "initial", "threshold", "engine")
    if cell.inputs is not None:  # of the rest nothing is known
        return [Remark("inputs", 1.0, sentence) for sentence in cell.model.inputs.remarks]
    return advice(cell.model, Protocol.named(cell.protocol), **{key: getattr(cell, key) for key in keys})


@lru_cache(maxsize=64)
def missing_component(model: Model) -> Remark | None:
    """Whether the activation lacks the order at which the target begins: no drift at the first saddle."""
    order = leap_index(model.target_formula)
    if saddle.component(model.activation_formula, order):
        return None
    orders = sorted({sum(alpha) for alpha in leading_tensor(model.target_formula)} - {0})
    common = [n for n in orders if saddle.component(model.activation_formula, n)]
    rest = (
        f"the first order that both have is {common[0]}, whose times are those of ℓ = {common[0]}"
        if common
        else "they have no order in common, so it cannot learn this target from its gradient"
    )
    return Remark(
        "component",
        1.0,
        f"the target {model.target!r} begins at Hermite order ℓ = {order}, where the activation {model.activation!r} "
        f"has c_{order} = 0: it cannot learn by this route; {rest}",
    )


@lru_cache(maxsize=1024)
def wrong_signs(model: Model, initial: str | float = "sphere") -> tuple[Remark, ...]:
    """Whether the drift at the first saddle leads back into it; at ℓ = 1 there is nothing to leave."""
    order, layer = leap_index(model.target_formula), np.array(model.second_layer)
    if order == 1:
        return ()
    along = float(saddle.drift(model, saddle.diagonal(model)))
    given = not isinstance(initial, str)
    positive = 1.0 if not given or initial >= 0 or order % 2 == 0 else -1.0
    if order % 2 == 0:  # of both signs alike
        up = saddle.steepest_drift(model)
        down = -up if model.teachers == 1 else saddle.steepest_drift(_negated(model))
        lost = int(((layer > 0) & (up <= 0) | (layer < 0) & (down <= 0)).sum())
        if lost:
            product = f"a c_{order} c*_{order} is negative" if model.teachers == 1 else "no direction of overlaps grows"
            return (
                Remark("sign", lost, f"ℓ = {order} is even and {_whom(lost, model)}{product} "
                       f"(β = {along:.3g} along the start, a_j = {layer.min():g} to {layer.max():g}): overlaps of "
                       "either sign decay; turn the sign of the activation or of the second layer"),
            )  # fmt: skip
    if not given and model.teachers > 1:
        return ()  # every start has its own direction
    lost = int((layer * along * positive < 0).sum())
    if not lost:
        return ()
    if model.teachers > 1:
        rest = "it first falls, until the flow has turned their direction"
    elif positive > 0:
        rest = "it decays to 0 from the positive overlap at the start; a negative second layer or activation grows"
    else:
        rest = f"it decays to 0 from the overlap {initial:g} at the start; a positive one grows"
    what = f"ℓ = {order} is odd and " if order % 2 else f"ℓ = {order}, "
    return (
        Remark("sign", lost, f"{what}{_whom(lost, model)}the overlap at the start has the wrong "
               f"sign (drift γ a β |m|^{order - 1}/p with β = {along * positive:.3g}): {rest}"),
    )  # fmt: skip


def _whom(lost: int, model: Model) -> str:
    return f"for {lost} of {model.students} students " if model.students > 1 else ""


def _negated(model: Model) -> Model:
    return Model(model.target, f"-({model.activation_formula.text})")


def _self_interaction(model, protocol, learning_rate, steps) -> Remark | None:
    """The projected update multiplies a student by 1 + γ R before it adds the drift; too much of it undoes the drift.

    Relative to the student the drift is ``γ gain |m|^(ℓ−2)/(1 + γ R)``. At ℓ ≥ 3, where it is small, it turns against
    the overlap as soon as 1 + γ R < 0. At ℓ = 2 it is not: the overlap shrinks from ``γ = 2/(−2R − gain)`` on. At ℓ = 1
    a step finds the direction whatever it leaves of the student.
    """
    order = leap_index(model.target_formula)
    if protocol.update != Update.PROJECTED or steps <= SHORT or order == 1:
        return None
    radial, _ = saddle.means_at_start(model, protocol.loss)
    inverse = -radial
    if order == 2:
        gain = model.output_weights * saddle.drift(model, saddle.diagonal(model))
        inverse = -radial - gain / 2
    worst = int(inverse.argmax())
    if not learning_rate * inverse[worst] > 1:
        return None
    bound = 1 / float(inverse[worst])
    return Remark(
        "self-interaction",
        learning_rate / bound,
        f"the learning rate {learning_rate:.3g} is above the bound {bound:.3g} of the {protocol.loss} loss's "
        f"self-interaction: the projected update multiplies a student by {1 + learning_rate * radial[worst]:.3g} = "
        f"1 − {-radial[worst]:.3g} γ at every step, which undoes what it learns",
    )


def _noise(model, protocol, dimension, batch_size, learning_rate, steps, initial, threshold) -> Remark | None:
    """A step's noise takes more of the overlap than the step adds: at the start or, at ℓ = 1, before recovery."""
    if steps <= SHORT:
        return None
    order = leap_index(model.target_formula)
    given = not isinstance(initial, str) and initial != 0
    overlap = start_norm("sphere" if initial == 0 else initial, model.teachers, dimension)
    if order == 1:
        overlap = max(overlap, LARGE_OVERLAP if threshold is None else threshold / np.sqrt(model.students))
    layer = model.output_weights
    along = float(saddle.drift(model, np.sign(initial) * saddle.diagonal(model))) if given else 0.0
    gain = np.abs(layer) * (along if along > 0 else abs(saddle.steepest_drift(model)))
    place = {"dimension": dimension, "batch_size": batch_size, "overlap": overlap, "gain": gain}
    bound = float(saddle.noise_bound(model, protocol.loss, **place).max(where=layer != 0, initial=0.0))
    if not 0 < bound < learning_rate:
        return None
    where = "before recovery" if order == 1 else "at the start"
    return Remark(
        "noise",
        learning_rate / bound,
        f"the learning rate {learning_rate:.3g} is {learning_rate / bound:.3g} times the bound {bound:.3g} of the "
        f"noise: at the overlap {overlap:.2g} {where} a step's noise takes more than its gain adds, so runs "
        "are lost or wait for luck",
    )


def _too_small(model, engine, dimension, batch_size) -> Remark | None:
    p, k = model.students, model.teachers
    least = smallest_dimension(engine, p, k, batch_size)
    if dimension >= least:
        return None
    return Remark(
        "dimension",
        least / dimension,
        f"d = {dimension} is too small for engine {engine!r}, which needs p + k + min(p, n_b) = {least} with p = {p}, "
        f"k = {k}, n_b = {batch_size}; engine 'sgd' needs {smallest_dimension('sgd', p, k, batch_size)}",
    )


def sentences(remarks: Sequence[Remark]) -> list[str]:
    """Their words alone."""
    return [remark.sentence for remark in remarks]
