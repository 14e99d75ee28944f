"""A remark on a run: what a theorist would say of it."""

from typing import NamedTuple


class Remark(NamedTuple):
    """A sentence, the kind of trouble it names, and how far the trouble goes: the larger the worse."""

    kind: str
    extent: float
    sentence: str
