"""What was found out about a formula, kept from one run to the next.

A plan of the workflow asks the same of the same formulas every time, and some answers are quadratures over millions of
points. `joblib.Memory` would keep them too, but by the text of a function without that of what it calls; and its import
takes a hundred times longer than all answers of a plan (0.15 s and 1 ms).
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps

from onepass.files import atomic, cache_folder
from onepass.sources import code_version


def remembered(function: Callable) -> Callable:
    """Keep the answers of a function, in memory and in the cache folder.

    Its arguments are texts, numbers and tuples of them, its answers whatever JSON holds; they are asked for anew when
    its module changes, or anything that this imports. Exceptions are not kept.
    """

    @cache
    @wraps(function)
    def answer(*question):
        known = (code_version(function.__module__), function.__qualname__, question)
        name = f"answer_{hashlib.sha256(repr(known).encode()).hexdigest()[:24]}.json"
        with suppress(OSError, ValueError):
            return json.loads((cache_folder() / name).read_text(encoding="utf-8"))
        found = function(*question)
        # a full disk, or no folder to write to: then the next run asks again
        with suppress(OSError), atomic(cache_folder() / name) as part:
            part.write_text(json.dumps(found), encoding="utf-8")
        return found

    return answer
