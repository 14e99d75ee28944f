"""Compiled code: how functions are compiled, and kept on disk for later processes.

Numba keeps machine code beside the source, for as long as that file has not changed. Here it is kept for as long as
nothing that the file imports has changed either, and whatever cannot be read back is compiled once more: a full disk
leaves files that are cut, and a move of code leaves names that are gone.
"""

import logging
from contextlib import suppress

import numba
from numba import njit
from numba.core.caching import FunctionCache

from onepass.files import cache_folder
from onepass.sources import PACKAGE, code_version

logger = logging.getLogger("onepass")


class _Kept(FunctionCache):
    """Machine code on disk that is taken only where it can be, and kept only where there is room."""

    def load_overload(self, sig, target_context):
        self._of_these_sources()
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # it is unpickled: anything can be wrong with it
            logger.warning("compiled code of %s cannot be used (%s); it is made once more", self._name, error)
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig, data):
        self._of_these_sources()
        with suppress(OSError):  # the next process compiles again
            super().save_overload(sig, data)

    def _of_these_sources(self):
        """Let the index speak of all sources behind a module; not at import, since few processes compile."""
        module = self._py_func.__module__
        if module.partition(".")[0] == PACKAGE.name:
            self._cache_file._source_stamp = code_version(module)


def _kept(function, **options):
    dispatcher = njit(error_model="numpy", **options)(function)  # no test for zero at each division
    try:
        dispatcher._cache = _Kept(function)
    except RuntimeError:  # neither the folder of the source nor the user's own can be written
        numba.config.CACHE_DIR = str(cache_folder() / "numba")
        dispatcher._cache = _Kept(function)
    return dispatcher


def compiled(function):
    """Compile a function at its first call, or load what was compiled before."""
    return _kept(function)


def inlined(function):
    """The same for one that becomes part of its callers: a call costs as much as a step of one sample."""
    return _kept(function, forceinline=True)
