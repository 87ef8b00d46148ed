"""cupy.ndarray on host memory: as strict as CuPy's about who may look into it."""

import contextlib
import math
import threading
import weakref

import numpy as np

GRANULARITY = 512  # CuPy's pool hands out multiples of this
POISON = 0xFF  # fresh memory reads as NaN, never by chance as zeros

# What a profiler of a card would show: ("launch", name, stream), ("synchronize", why, stream).
events = []


def note(kind, what):
    from . import cuda

    stream = cuda.get_current_stream()
    if kind == "synchronize" and stream.is_capturing():
        raise RuntimeError(
            "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing"
        )
    if kind == "launch" and stream.is_capturing():
        raise NotImplementedError(f"the CuPy emulator captures kernels only, not {what}")
    events.append((kind, what, stream))


class OutOfMemoryError(MemoryError):
    def __init__(self, size, total, limit=0):
        text = f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes"
        super().__init__(text + (f", limit set to: {limit:,} bytes)." if limit else ")."))


class MemoryPool:
    """Counts what is in use, and the peak since `reset_peak` (the emulator's own)."""

    def __init__(self):
        self._used = self.peak = self._limit = self.allocations = 0
        self._lock = threading.Lock()

    def take(self, size):
        rounded = -(-size // GRANULARITY) * GRANULARITY
        with self._lock:
            if self._limit and self._used + rounded > self._limit:
                raise OutOfMemoryError(rounded, self._used, self._limit)
            self._used += rounded
            self.allocations += 1
            self.peak = max(self.peak, self._used)
        return rounded

    def give(self, rounded):
        with self._lock:
            self._used -= rounded

    def reset_peak(self):
        self.peak = self._used

    def used_bytes(self):
        return self._used

    def total_bytes(self):
        return self._used

    def free_bytes(self):
        return 0

    def n_free_blocks(self):
        return 0

    def free_all_blocks(self, stream=None):
        pass

    def get_limit(self):
        return self._limit

    def set_limit(self, size=None, fraction=None):
        if fraction is not None:
            raise NotImplementedError("the CuPy emulator does not know set_limit(fraction=)")
        self._limit = size


pool = MemoryPool()


class Memory:
    def __init__(self, size):
        rounded = pool.take(size)
        buffer = np.full(size + 2 * GRANULARITY, POISON, np.uint8)
        start = -buffer.ctypes.data % GRANULARITY
        self.host = buffer[start : start + size]
        self.ptr = buffer.ctypes.data + start
        self.size = size
        self.device_id = current_device()
        weakref.finalize(self, pool.give, rounded)


class MemoryPointer:
    def __init__(self, mem, offset):
        self.mem = mem
        self.ptr = mem.ptr + offset
        self.device_id = mem.device_id


class Flags:
    """CuPy's flags: no `writeable`; three names only."""

    def __init__(self, host, owndata):
        self.c_contiguous = host.flags.c_contiguous
        self.f_contiguous = host.flags.f_contiguous
        self.owndata = owndata

    def __getitem__(self, name):
        return getattr(self, name.lower())


DTYPES = "?bhilqBHILQefdFD"


class ndarray:
    __module__ = "cupy"
    # NumPy's functions and operators must not take these arrays apart.
    __array_ufunc__ = None

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is not None or strides is not None or order != "C":
            raise NotImplementedError("the CuPy emulator does not know these arguments of ndarray")
        dtype = np.dtype(dtype)
        if dtype.char not in DTYPES:
            raise ValueError(f"Unsupported dtype {dtype}")
        shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        memory = Memory(math.prod(shape) * dtype.itemsize)
        self._set(memory.host.view(dtype).reshape(shape), memory, None)

    def _set(self, host, memory, base):
        self._host, self._memory, self.base = host, memory, base
        return self

    def _view(self, host):
        if not isinstance(host, np.ndarray):
            host = np.asarray(host)
        if host.size and not np.may_share_memory(host, self._memory.host):
            return _from_host(host)
        base = self if self.base is None else self.base
        return object.__new__(ndarray)._set(host, self._memory, base)

    shape = property(lambda self: self._host.shape)
    strides = property(lambda self: self._host.strides)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    flags = property(lambda self: Flags(self._host, self.base is None))
    T = property(lambda self: self._view(self._host.T))

    @property
    def data(self):
        address = self._host.__array_interface__["data"][0]
        return MemoryPointer(self._memory, address - self._memory.ptr if self.size else 0)

    @property
    def device(self):
        from . import cuda

        return cuda.Device(self._memory.device_id)

    @property
    def __cuda_array_interface__(self):
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "descr": self.dtype.descr,
            "version": 3,
            "strides": None if self._host.flags.c_contiguous else self.strides,
            "data": (self.data.ptr, False),
        }

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def get(self, stream=None, order="C", out=None, blocking=True):
        note("synchronize", "get")
        result = np.array(self._host, order=order)
        if out is None:
            return result
        out[...] = result
        return out

    def set(self, arr, stream=None):
        if not isinstance(arr, np.ndarray) or arr.shape != self.shape or arr.dtype != self.dtype:
            raise ValueError("set() expects a NumPy array of the same shape and dtype")
        self._host[...] = arr

    def item(self, *args):
        note("synchronize", "item")
        return self._host.item(*args)

    def tolist(self):
        note("synchronize", "tolist")
        return self._host.tolist()

    def __bool__(self):
        note("synchronize", "bool")
        return bool(self._host)

    def __int__(self):
        note("synchronize", "int")
        return int(self._host)

    def __float__(self):
        note("synchronize", "float")
        return float(self._host)

    __index__ = __int__

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __repr__(self):
        return repr(self._host)

    __hash__ = None

    def _rows(self, key):
        """The rows that an array of integers selects, in bounds; CuPy itself wraps them around."""
        host = same_device(key)._host
        if host.dtype.kind != "i":
            raise NotImplementedError(f"the CuPy emulator indexes by integers, not {host.dtype}")
        if host.size and (host.min() < 0 or host.max() >= self.shape[0]):
            raise IndexError(f"the CuPy emulator indexes in bounds, not {host.min()}..{host.max()}")
        return host

    def _key(self, key):
        parts = key if isinstance(key, tuple) else (key,)
        plain = (int, np.integer, slice, type(None), type(Ellipsis))
        if not all(isinstance(part, plain) and not isinstance(part, bool) for part in parts):
            raise NotImplementedError(
                f"the CuPy emulator indexes by integers and slices, not {key!r}"
            )
        return (*parts, Ellipsis) if Ellipsis not in parts else parts

    def __getitem__(self, key):
        if isinstance(key, ndarray):
            note("launch", "take")
            return _from_host(self._host[self._rows(key)])
        return self._view(self._host[self._key(key)])

    def __setitem__(self, key, value):
        same_device(self)
        rows = self._rows(key) if isinstance(key, ndarray) else self._key(key)
        if isinstance(key, ndarray) and len(np.unique(rows)) < rows.size:  # in which order?
            raise NotImplementedError("the CuPy emulator writes to distinct rows")
        self._host[rows] = _operand(value)
        note("launch", "setitem")

    def reshape(self, *shape, order="C"):
        shape = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return self._view(self._host.reshape(shape, order=order))

    def ravel(self, order="C"):
        return self._view(self._host.ravel(order))

    def transpose(self, *axes):
        return self._view(self._host.transpose(*axes))

    def swapaxes(self, axis1, axis2):
        return self._view(self._host.swapaxes(axis1, axis2))

    def squeeze(self, axis=None):
        return self._view(self._host.squeeze(axis))

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if casting is not None:
            raise TypeError("casting is not supported yet")
        if not copy and self.dtype == np.dtype(dtype):
            return self
        return _from_host(self._host.astype(dtype, order=order), order=order)

    def copy(self, order="C"):
        return _from_host(self._host, order=order)

    def fill(self, value):
        self._host.fill(value)
        note("launch", "fill")

    def min(self, axis=None, out=None, keepdims=False):
        return self._reduced("min", axis, out, keepdims)

    def max(self, axis=None, out=None, keepdims=False):
        return self._reduced("max", axis, out, keepdims)

    def all(self, axis=None, out=None, keepdims=False):
        return self._reduced("all", axis, out, keepdims)

    def _reduced(self, name, axis, out, keepdims):
        if out is not None:
            raise NotImplementedError(f"the CuPy emulator does not know {name}(out=)")
        note("launch", name)
        return _from_host(np.asarray(getattr(self._host, name)(axis, keepdims=keepdims)))

    def sum(self, axis=None, dtype=None, out=None, keepdims=False):
        with np.errstate(all="ignore"):
            result = _from_host(np.asarray(self._host.sum(axis, dtype, keepdims=keepdims)))
        note("launch", "sum")
        if out is None:
            return result
        out[...] = result
        return out


def current_device():
    from . import cuda

    return cuda.runtime.getDevice()


def same_device(array):
    """As CuPy's own kernels, which refuse arrays of other devices."""
    here, there = current_device(), array._memory.device_id
    if here != there:
        raise ValueError(
            "Array device must be same as the current device: array device = "
            f"{there} while current = {here}"
        )
    return array


def _operand(value):
    if isinstance(value, ndarray):
        return same_device(value)._host
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise TypeError(f"Unsupported type {type(value)}")
    elif not isinstance(value, (int, float, complex, np.generic)):
        raise TypeError(f"Unsupported type {type(value)}")
    return value


def _operator(name, reverse=False):
    def apply(self, other):
        function = getattr(np, name)
        same_device(self)
        first, second = self._host, _operand(other)
        with np.errstate(all="ignore"):
            result = function(second, first) if reverse else function(first, second)
        note("launch", name)
        return _from_host(result)

    return apply


for _symbol, _name in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
    "floordiv": "floor_divide", "mod": "remainder",
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal",
    "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    setattr(ndarray, f"__{_symbol}__", _operator(_name))
    if _symbol in ("add", "sub", "mul", "truediv"):
        setattr(ndarray, f"__r{_symbol}__", _operator(_name, reverse=True))
        setattr(
            ndarray, f"__i{_symbol}__", lambda self, other, name=_name: _in_place(self, other, name)
        )


def _in_place(self, other, name):
    getattr(np, name)(self._host, _operand(other), out=self._host)
    note("launch", name)
    return self


ndarray.__neg__ = lambda self: self * -1


def _from_host(host, order="C"):
    host = np.asarray(host)
    if order in ("K", "A") and host.flags.f_contiguous and not host.flags.c_contiguous:
        fresh = ndarray(host.T.shape, host.dtype)
        fresh = fresh.T
    else:
        fresh = ndarray(host.shape, host.dtype)
    fresh._host[...] = host
    return fresh


@contextlib.contextmanager
def recorded():
    """The emulator's own: the events of a block of code."""
    start = len(events)
    seen = []
    yield seen
    seen.extend(events[start:])
