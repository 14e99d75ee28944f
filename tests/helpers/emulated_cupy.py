"""CuPy as far as onepass uses it, on a machine without a GPU: arrays that live apart, and kernels run by the CPU.

An `Array` keeps what CuPy is strict about: it computes with its like and with numbers, never with a NumPy array, and
comes back by `get` alone. So code that runs on it mixes no two memories and moves nothing that it does not name.
"""

import ctypes
from types import SimpleNamespace

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from helpers.emulation import compiled

UFUNCS = [
    "sqrt",
    "exp",
    "log",
    "log1p",
    "sin",
    "cos",
    "tanh",
    "arctan",
    "sinh",
    "cosh",
    "abs",
    "sign",
    "maximum",
    "isfinite",
    "add",
]


class OutOfMemoryError(MemoryError):
    """As ``cupy.cuda.memory.OutOfMemoryError``."""


class CUDARuntimeError(RuntimeError):
    """As CuPy's, whose message begins with the name of CUDA's error."""


class Array(NDArrayOperatorsMixin):
    """What ``cupy.ndarray`` is; `values` stands for the memory of the device."""

    def __init__(self, values, cupy):
        self.values, self.cupy = values, cupy

    shape, dtype, size, nbytes = (
        property(lambda self, name=name: getattr(self.values, name)) for name in ("shape", "dtype", "size", "nbytes")
    )
    data = property(lambda self: SimpleNamespace(ptr=self.values.ctypes.data))

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        if out:
            options["out"] = tuple(_values(array) for array in out)
        result = getattr(ufunc, method)(*map(_values, inputs), **options)
        return out[0] if out else self.cupy.made(result)

    def get(self):
        return self.cupy.to_host(self.values)

    def __bool__(self):
        return bool(self.get())

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return Array(self.values[_values(index)], self.cupy)

    def __setitem__(self, index, value):
        self.values[_values(index)] = _values(value)

    def swapaxes(self, first, second):
        return Array(self.values.swapaxes(first, second), self.cupy)

    def sum(self, **options):
        return self.cupy.made(self.values.sum(**options))

    def all(self):
        return self.cupy.made(self.values.all())


def _values(thing):
    """What is behind an array or an index; CuPy refuses NumPy's arrays."""
    if isinstance(thing, tuple):
        return tuple(map(_values, thing))
    if isinstance(thing, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    return thing.values if isinstance(thing, Array) else thing


class Cupy:
    """The module ``cupy`` of a machine that tests choose.

    Parameters
    ----------
    multiprocessors, free : of the device; bytes of its memory that it says are free.
    room : bytes of the largest array that the memory holds, whatever it says.
    blocks, backwards : launches have so many blocks (None: as many as asked for), run in this order.
    """

    __name__ = "emulated"

    def __init__(self, *, multiprocessors=1, free=2**30, room=2**40, blocks=None, backwards=False):
        self.room, self.blocks, self.backwards = room, blocks, backwards
        self.launches, self.moved, self.waits = [], 0, 0  # names; bytes and times that something came back to the host
        self.capture = None
        pool = SimpleNamespace(free_bytes=lambda: 0, free_all_blocks=lambda: None)
        attributes = {"MultiProcessorCount": multiprocessors, "MaxSharedMemoryPerBlockOptin": 2**18}
        self.get_default_memory_pool = lambda: pool
        self.cuda = SimpleNamespace(
            Device=lambda: SimpleNamespace(id=0, attributes=attributes),
            runtime=Runtime(free),
            memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
            Stream=lambda non_blocking: Stream(self),
            get_current_stream=lambda: Stream(self),
        )
        for name in UFUNCS:
            setattr(self, name, self._only_arrays(getattr(np, name)))
        self.where = self._only_arrays(np.where)

    def made(self, values):
        """A new array of the device, where its memory holds one."""
        values = np.asarray(values)
        self._make_room(values.nbytes)
        return Array(values, self)

    def empty(self, shape, dtype=float):
        wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._make_room(wanted)
        # What was in the memory before is no number: who reads it before writing shows it.
        return Array(np.full(wanted, 0xFF, dtype=np.uint8).view(dtype).reshape(shape), self)

    def zeros(self, shape, dtype=float):
        return self.made(np.zeros(shape, dtype))

    def ones(self, shape, dtype=float):
        return self.made(np.ones(shape, dtype))

    def zeros_like(self, array):
        return self.made(np.zeros_like(_values(array)))

    def array(self, values, dtype=None, order="K"):
        return self.made(np.array(values, dtype=dtype, order=order))

    def asarray(self, values, dtype=None):
        return values if isinstance(values, Array) else self.array(values, dtype=dtype)

    def RawModule(self, code, options):
        library = compiled(code)
        return SimpleNamespace(get_function=lambda name: Kernel(library, name, self))

    def to_host(self, values):
        if self.capture is not None:
            raise CUDARuntimeError("cudaErrorStreamCaptureUnsupported: not permitted when stream is capturing")
        self.moved += values.nbytes
        self.waits += 1
        return values.copy()

    def _make_room(self, wanted):
        if wanted > self.room:
            raise OutOfMemoryError(f"no room for {wanted} bytes")

    def _only_arrays(self, function):
        def checked(*inputs, out=None):
            result = function(*map(_values, inputs), **({} if out is None else {"out": _values(out)}))
            return self.made(result) if out is None else out

        return checked


class Runtime:
    """A driver and its devices; `error` is what asking for them raises."""

    CUDARuntimeError = CUDARuntimeError
    driver, count, error = 13000, 1, None

    def __init__(self, free):
        self.free = free

    def driverGetVersion(self):
        return self.driver

    def runtimeGetVersion(self):
        return 13020

    def getDeviceCount(self):
        if self.error:
            raise CUDARuntimeError(self.error)
        return self.count

    def getDeviceProperties(self, number):
        return {"name": b"C++ compiler"}

    def memGetInfo(self):
        return self.free, 2**31


class Kernel:
    """A kernel of a library from the host's compiler."""

    max_dynamic_shared_size_bytes = 48 * 1024

    def __init__(self, library, name, cupy):
        self.library, self.name, self.cupy = library, name, cupy

    def __call__(self, grid, block, arguments, *, shared_mem):
        if shared_mem > self.max_dynamic_shared_size_bytes:
            raise CUDARuntimeError("cudaErrorInvalidValue: invalid argument")
        if self.cupy.capture is None:
            self.launch(*grid, *arguments)
        else:
            self.cupy.capture.append(lambda: self.launch(*grid, *arguments))

    def launch(self, blocks, run, count):
        self.cupy.launches.append(self.name)
        self.library.emulate(
            ctypes.cast(getattr(self.library, self.name), ctypes.c_void_p),
            ctypes.c_void_p(run.data.ptr),
            ctypes.c_longlong(int(count)),
            ctypes.c_longlong(min(self.cupy.blocks or blocks, blocks)),
            ctypes.c_int(self.cupy.backwards),
        )


class Stream:
    """Launches on a stream that captures are kept for its graph."""

    def __init__(self, cupy):
        self.cupy = cupy

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert self.cupy.capture is None, "a capture without an end"

    def begin_capture(self):
        self.cupy.capture = []

    def end_capture(self):
        launches, self.cupy.capture = self.cupy.capture, None
        return SimpleNamespace(launch=lambda stream: [launch() for launch in launches])

    def synchronize(self):
        assert self.cupy.capture is None
        self.cupy.waits += 1
