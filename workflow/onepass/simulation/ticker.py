"""How far a simulation is, told to whoever asked: the simulators call `tick`, and know nothing of who listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listener: Callable[[int, int], None] | None = None


def tick(done: int, total: int) -> None:
    """Tell that `done` of `total` equal parts of a simulation are done."""
    if _listener is not None:
        _listener(done, total)


@contextmanager
def heard(listener: Callable[[int, int], None]) -> Iterator[None]:
    """Call `listener` with every `tick` while the context is open."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before
