"""cupy.cuda: two devices, streams that run at once, and graphs that record."""

import contextlib
import threading
import time
import types

from . import _array, _compile
from ._array import Memory, MemoryPointer, MemoryPool

_DEVICE_BYTES = 80 * 2**30
_PROPERTIES = {
    "name": b"CuPy emulator (a CPU)",
    "major": 9,
    "minor": 0,
    "multiProcessorCount": 132,
    "maxThreadsPerMultiProcessor": 2048,
    "maxThreadsPerBlock": 1024,
    "regsPerMultiprocessor": 65536,
    "sharedMemPerBlock": 48 * 1024,
    "sharedMemPerBlockOptin": 227 * 1024,
    "sharedMemPerMultiprocessor": 228 * 1024,
    "l2CacheSize": 50 * 2**20,
    "warpSize": 32,
    "totalGlobalMem": _DEVICE_BYTES,
    "clockRate": 1980000,
}
_current = threading.local()
_DEVICES = 2


class _CUDARuntimeError(RuntimeError):
    pass


class _CUDADriverError(RuntimeError):
    pass


def _mem_get_info():
    return _DEVICE_BYTES - _array.pool.used_bytes(), _DEVICE_BYTES


runtime = types.SimpleNamespace(
    CUDARuntimeError=_CUDARuntimeError,
    getDevice=lambda: getattr(_current, "device", 0),
    getDeviceCount=lambda: _DEVICES,
    getDeviceProperties=lambda device: dict(_PROPERTIES),
    memGetInfo=_mem_get_info,
    runtimeGetVersion=lambda: 13000,
    driverGetVersion=lambda: 13000,
    is_hip=False,
)
driver = types.SimpleNamespace(CUDADriverError=_CUDADriverError)
compiler = types.SimpleNamespace(CompileException=_compile.CompileException)
memory = types.SimpleNamespace(OutOfMemoryError=_array.OutOfMemoryError, MemoryPool=MemoryPool)


class Graph:
    def __init__(self, jobs):
        self._jobs = jobs

    def launch(self, stream=None):
        for _, job in self._jobs:
            job()

    def upload(self, stream=None):
        pass


class Stream:
    null = None

    def __init__(self, null=False, non_blocking=False, ptds=False):
        self.ptr = 0 if null else id(self)
        self._recording = None
        self._outer = []

    def is_capturing(self):
        return self._recording is not None

    def begin_capture(self, mode=None):
        if self.ptr == 0:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        self._recording = []

    def end_capture(self):
        jobs, self._recording = self._recording, None
        return Graph(jobs)

    def synchronize(self):
        _array.note("synchronize", "stream")

    @property
    def done(self):
        return True

    def record(self, event=None):
        return event or Event()

    def wait_event(self, event):
        pass

    def use(self):
        _current.stream = self
        return self

    def __enter__(self):
        self._outer.append(get_current_stream())
        return self.use()

    def __exit__(self, *error):
        self._outer.pop().use()


Stream.null = Stream(null=True)


class Event:
    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self._time = None

    def record(self, stream=None):
        self._time = time.perf_counter()  # work runs at once

    def synchronize(self):
        _array.note("synchronize", "event")


def get_elapsed_time(start_event, end_event):
    """Milliseconds."""
    return max(1e-3, 1e3 * (end_event._time - start_event._time))


def get_current_stream(device_id=-1):
    return getattr(_current, "stream", Stream.null)


def _submit(name, job, stream=None):
    """A launch: run now, or recorded where the stream is capturing."""
    with stream or contextlib.nullcontext():
        target = get_current_stream()
        _array.events.append(("launch", name, target))
        if target.is_capturing():
            target._recording.append((name, job))
        else:
            job()


class Device:
    def __init__(self, device=None):
        device = runtime.getDevice() if device is None else int(device)
        if not 0 <= device < _DEVICES:
            raise _CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        self.id = device
        self._outer = []
        self.compute_capability = "90"
        self.mem_info = _mem_get_info()
        self.attributes = {"MultiProcessorCount": _PROPERTIES["multiProcessorCount"]}

    def synchronize(self):
        _array.note("synchronize", "device")

    def use(self):
        _current.device = self.id
        return self

    def __enter__(self):
        self._outer.append(runtime.getDevice())
        return self.use()

    def __exit__(self, *error):
        _current.device = self._outer.pop()

    def __eq__(self, other):
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self):
        return hash(self.id)

    def __int__(self):
        return self.id

    def __repr__(self):
        return f"<CUDA Device {self.id}>"


def is_available():
    return True


def get_device_id():
    return runtime.getDevice()


def alloc(size):
    return MemoryPointer(Memory(size), 0)
