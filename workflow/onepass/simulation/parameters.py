"""What the simulators are told beside the model: plain tuples that compiled code reads as they are."""

from math import inf
from typing import NamedTuple, Self

from onepass.model import Model
from onepass.protocol import ADAPTIVE_DECAY, ADAPTIVE_DROP, ADAPTIVE_RISK_FRACTION, Protocol

ENGINES = ("chain", "sgd", "gaussian", "leap")
GPU_ENGINES = ("chain", "sgd")  # that a GPU can run
SEARCHED = ("leap", "chain")  # engines in which `tune` searches for a rate
GPU_FROM = 2**18  # random numbers a step, from which `simulate` looks for a GPU; the pipeline has its own, `gpu_from`
LARGEST_COUNT = 2**53  # whole numbers up to here are exact in double precision
LEAP_COUNT, LEAP_STEPS = 2**60, 2**200  # of the engine that counts in leaps: sizes, and steps in double precision


def largest_count(engine: str, steps: bool = False) -> int:
    """Largest d and n_b, or number of steps, that an engine takes."""
    if engine != "leap":
        return LARGEST_COUNT
    return LEAP_STEPS if steps else LEAP_COUNT


def smallest_dimension(engine: str, students: int, teachers: int, batch_size: int) -> int:
    """Smallest d that an engine can simulate: but for ``sgd`` the batch needs room outside the span of W and W*."""
    return students + teachers + (min(students, batch_size) if engine != "sgd" else 0)


def numbers_a_step(engine: str, coordinates: int, dimension: int, batch_size: int, replicas: int) -> int:
    """Random numbers that a step draws, replicas side by side; `coordinates` is p + k."""
    return replicas * batch_size * (coordinates if engine == "chain" else dimension)


class Parameters(NamedTuple):
    """What one run is made of, beside the formulas."""

    dimension: int
    batch_size: int
    learning_rate: float
    steps: int
    threshold: float  # on ‖M‖_F; infinity never stops
    noise: float  # variance of the label noise
    loss: int  # `Loss`, `Update` and `Schedule`, as the plain numbers that they are: Numba takes a tenth of a
    update: int  # millisecond a call to find the type of an enumeration's member
    schedule: int
    risk_fraction: float  # the three numbers of the adaptive schedule
    drop: float
    decay: float

    @classmethod
    def of(
        cls,
        model: Model,
        protocol: Protocol,
        *,
        dimension: int,
        batch_size: int,
        learning_rate: float,
        steps: int,
        threshold: float = inf,
    ) -> Self:
        """The parameters of a run of this model by this protocol, one that `is_basic`; any other is a ProtocolError."""
        protocol.require_basic("compiled code")
        model.require_isotropic("compiled code of basic protocols")
        return cls(
            dimension=int(dimension),
            batch_size=int(batch_size),
            learning_rate=float(learning_rate),
            steps=int(steps),
            threshold=float(threshold),
            noise=float(model.noise),
            loss=int(protocol.loss),
            update=int(protocol.update),
            schedule=int(protocol.schedule),
            risk_fraction=ADAPTIVE_RISK_FRACTION,
            drop=ADAPTIVE_DROP,
            decay=ADAPTIVE_DECAY,
        )
