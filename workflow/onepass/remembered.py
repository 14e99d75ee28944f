"""What was found out about a formula, kept from one run to the next.

A plan of the workflow asks the same of the same formulas every time, and some answers are quadratures over millions of
points.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache, wraps

from onepass.cache_folder import cache_folder
from onepass.cells import code_version


def remembered(function: Callable) -> Callable:
    """Keep the answers of a function, in memory and in the cache folder.

    Its arguments are texts, numbers and tuples of them, its answers whatever JSON holds; they depend on its own
    text and the simulation's code alone, and are asked for anew when these change. Exceptions are not kept.
    """

    @cache
    @wraps(function)
    def answer(*question):
        known = (inspect.getsource(function), question, _code())
        path = cache_folder() / f"answer_{hashlib.sha256(repr(known).encode()).hexdigest()[:24]}.json"
        with suppress(OSError, ValueError):
            return json.loads(path.read_text(encoding="utf-8"))
        found = function(*question)
        with suppress(OSError):  # a full disk: then the next run asks again
            with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as part:
                part.write(json.dumps(found))
            os.replace(part.name, path)
        return found

    return answer


_code = cache(code_version)
