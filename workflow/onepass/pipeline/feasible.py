"""Whether a grid point can be simulated, or words on why it cannot."""

import math

from onepass.errors import OnepassError
from onepass.gaussian import information
from onepass.inputs.kind import InputsError
from onepass.model import Model, ModelError, cached_model
from onepass.pipeline.cell import Cell
from onepass.pipeline.inputs import inputs_name_of
from onepass.pipeline.remembered import remembered
from onepass.protocol import ALL_PROTOCOLS, Protocol, Update
from onepass.simulation.chain.batch_law import BatchError, batch_law
from onepass.simulation.cuda.backend import BackendError, named
from onepass.simulation.parameters import LARGEST_COUNT, smallest_dimension
from onepass.theory import exponents
from onepass.theory.climb import start_norm

IN_LEAPS = ("leaps",)  # kinds whose runs are of the engine that leaps
leap_index = remembered(information.leap_index)  # of a target's text; every row asks


def climb_order(target: str, protocol: str) -> int:
    """Order of the mean that a climb begins with: the leap index, the generative exponent of samples seen again."""
    return _generative_order(target) if Protocol.named(protocol).repeats else leap_index(target)


@remembered
def _generative_order(target: str) -> int:
    """The leap index where it is not decided."""
    from onepass.gaussian.generative import UndecidedError, generative_exponent

    try:
        return generative_exponent(target)
    except UndecidedError:
        return information.leap_index(target)


class CellError(OnepassError, ValueError):
    """A grid point that cannot be simulated; `key` is where it stands in the experiment, `value` what is there."""

    def __init__(self, key: tuple, value, message: str) -> None:
        super().__init__(message)
        self.key, self.value = key, value


def check_cell(cell: Cell) -> None:
    """Raise `CellError` unless it can be simulated."""
    try:
        named(cell.backend)
    except BackendError as error:
        raise CellError(("backend",), cell.backend, str(error)) from None
    parts = (cell.target, cell.activation, cell.students, cell.second_layer, cell.noise)
    model = cell.model
    protocol = Protocol.named(cell.protocol)
    if cell.inputs is not None:
        parts = (*parts, cell.inputs)
        try:
            covariance = model.inputs.at(cell.dimension, model.teachers)
        except InputsError as error:
            raise CellError(("model", "inputs"), cell.inputs, str(error)) from None
    if not protocol.is_basic or cell.inputs is not None:
        place = (cell.dimension, cell.batch_size, cell.engine, cell.backend)
        if refusal := _refusal_of_algorithm(parts, cell.protocol, *place):
            raise CellError(("protocols",), cell.protocol, refusal)
    elif cell.engine in ("gaussian", "leap") and (refusal := refusal_of_gaussian(*parts)):
        raise CellError(("engine",), cell.engine, refusal)
    if cell.engine != "leap" and cell.dimension > LARGEST_COUNT:
        raise CellError(("dimensions",), cell.dimension, "allowed: up to 2**53, with engine 'leap' 2**60")
    p, k = model.students, model.teachers
    # the lazy batches of algorithms have told what they need above
    by_chain = protocol.is_basic and cell.inputs is None
    smallest = smallest_dimension(cell.engine if by_chain else "sgd", p, k, cell.batch_size)
    if cell.dimension < smallest:
        raise CellError(
            ("dimensions",),
            cell.dimension,
            f"too small for engine {cell.engine!r} with p = {p}, k = {k} and n_b = {cell.batch_size}; "
            f"allowed: {smallest} or more",
        )
    if not isinstance(cell.initial, str) and not cell.initial <= (1 + 1e-12) / math.sqrt(k):
        raise CellError(
            ("initial",),
            cell.initial,
            f"no unit vector has this overlap with each of {k} teachers; allowed: at most {k**-0.5:.4g}",
        )
    if cell.threshold is not None:
        start = math.sqrt(p) * start_norm(cell.initial, k, cell.dimension)
        if cell.inputs is not None:  # correlations of fields
            start *= math.sqrt(cell.dimension / covariance.effective_dimension)
        most = math.inf if protocol.update == Update.PLAIN and cell.recovery == "norm" else math.sqrt(p)
        if not start < cell.threshold < most:
            raise CellError(
                ("threshold",),
                cell.threshold,
                f"the overlap's norm starts at {start:.3g} for d = {cell.dimension} and stays below "
                f"{most:.3g}; allowed: a threshold between",
            )


@remembered
def refusal_of_gaussian(*parts) -> str:
    """Why the engines that draw sums over batches cannot take a model; empty where they can."""
    try:
        batch_law(cached_model(*parts))
    except BatchError as error:
        return str(error)
    return ""


@remembered
def _refusal_of_algorithm(parts, protocol: str, dimension: int, batch_size: int, engine: str, backend: str) -> str:
    """Why no form of algorithms can run a protocol that is not basic; empty where one can."""
    from onepass.simulation.algorithms import block_chain, composed_chain
    from onepass.simulation.algorithms.run import Settings, inputs_of
    from onepass.simulation.algorithms.simulated import algorithm_of

    try:
        algorithm = algorithm_of(cached_model(*parts), Protocol.named(protocol), 1.0, dimension, engine, backend)
        settings = Settings(dimension, batch_size, 1, math.inf, dense=engine == "sgd")
        if not (composed_chain.takes(algorithm, settings) or block_chain.takes(algorithm, settings)):
            inputs_of(algorithm, settings)  # of the array form, which holds a whole batch
    except OnepassError as error:
        return str(error)
    return ""


def check_model(experiment) -> None:
    """Raise unless the target can be learned and every student be built."""
    own = experiment.model
    leap_index(own.target)
    try:
        Model(own.target, own.activation, getattr(own, "students", 1), layer_of(own), own.noise)
    except ModelError as error:
        part = "second_layer" if "second_layer" in str(error) else "activation"
        raise CellError(("model", part), getattr(own, part), str(error)) from None


def unknown_to_theory(experiment) -> list[str]:
    """Words on each protocol, and the inputs, of an experiment that the theory does not know behind figures and the
    check."""
    known, inputs = ", ".join(protocol.name for protocol in ALL_PROTOCOLS), inputs_name_of(experiment)
    found = (
        [f"it has inputs {inputs!r}, which the theory there does not know; allowed: isotropic ones"] if inputs else []
    )
    return found + [
        f"it has protocol {name!r}, which the theory there does not know; allowed: experiments of {known} alone"
        for name in experiment.protocols
        if not exponents.knows(name)
    ]


def check_protocols(experiment) -> None:
    """Raise where every cell of a kind goes by an engine that does not know one of the protocols."""
    for name in experiment.protocols if experiment.kind in IN_LEAPS else ():
        if not Protocol.named(name).is_basic:
            known = ", ".join(protocol.name for protocol in ALL_PROTOCOLS)
            message = f"kind {experiment.kind!r} runs by engine 'leap', which does not know this protocol"
            raise CellError(("protocols",), name, f"{message}; allowed: {known}")


def layer_of(model) -> tuple[float, ...] | None:
    """The second layer of a configuration's model; None for ones."""
    layer = getattr(model, "second_layer", None)
    return None if layer is None else tuple(layer)
