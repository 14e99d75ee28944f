"""How long something takes, as people say it, and lines about it from within a simulation."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from onepass.simulation.ticker import heard

EVERY = 10.0  # seconds between two lines


@contextmanager
def told(say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Call `say` with a line of progress and time left, at most every `EVERY` seconds, while the context is open."""
    start = last = clock()

    def listen(done: int, total: int) -> None:
        nonlocal last
        if done and (now := clock()) - last >= EVERY:
            last = now
            say(f"{done / total:.0%}, about {duration((now - start) * (total - done) / done)} left")

    with heard(listen):
        yield


def duration(seconds: float) -> str:
    """Seconds as people say them, for instance ``3 min``."""
    for limit, unit, name in ((100, 1, "s"), (6000, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86400:.0f} days"
