"""What was found out about a formula, kept from one run to the next.

A plan of the workflow asks the same of the same formulas every time, and some answers are quadratures over millions of
points.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps

from onepass.files import atomic, cache_folder
from onepass.sources import code_version


def remembered(function: Callable) -> Callable:
    """Keep the answers of a function, in memory and in the cache folder.

    Its arguments are texts, numbers and tuples of them, its answers whatever JSON holds; they depend on its own
    text and the simulation's code alone, and are asked for anew when these change. Exceptions are not kept.
    """

    @cache
    @wraps(function)
    def answer(*question):
        known = (inspect.getsource(function), question, _code())
        name = f"answer_{hashlib.sha256(repr(known).encode()).hexdigest()[:24]}.json"
        with suppress(OSError, ValueError):
            return json.loads((cache_folder() / name).read_text(encoding="utf-8"))
        found = function(*question)
        # a full disk, or no folder to write to: then the next run asks again
        with suppress(OSError), atomic(cache_folder() / name) as part:
            part.write_text(json.dumps(found), encoding="utf-8")
        return found

    return answer


def _code() -> str:
    return code_version("onepass.simulation.simulate")
